/** Packages: what they hold is read member by member, and what no sound program packs is refused. */
import { createReadStream, readdirSync } from 'node:fs'
import { readdir, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { inspect } from '../../assets/inspect.ts'
import { dataFolder } from '../support/scenario.ts'
import type { Members } from '../support/zip.ts'
import { tarOf, zipOf } from '../support/zip.ts'
import { scratchFolder } from './parsing.ts'
import type { Reading } from './read-package.ts'
import { isRefusal, readPackage } from './read-package.ts'

let folder: Awaited<ReturnType<typeof scratchFolder>>
beforeAll(async () => {
  folder = await scratchFolder()
})
afterAll(async () => folder[Symbol.asyncDispose]())

/** Text of each logical file, by name; or the reason it is refused for. */
async function readPath(path: string, how?: Reading) {
  const found = await readPackage(path, how)
  return isRefusal(found) ? found.reason : found
}

let count = 0
async function readBytes(bytes: Buffer, how?: Reading) {
  const path = join(folder.path, `package-${(count += 1)}`)
  await writeFile(path, bytes)
  return readPath(path, how)
}

const TWO: Members = { 'a.csv': '1|a\n', 'data/b.csv': '2|b\n', 'README.txt': 'read me' }

describe.each([
  ['ZIP', zipOf, 30],
  ['tar', tarOf, 300], // by then it is known for one
  ['tar in gzip', (members: Members) => gzipSync(tarOf(members)), 30],
] as const)('in %s', (_, pack, start) => {
  test('one member is a file, whatever it is called', async () => {
    expect(await readBytes(pack({ 'in/x.dat': 'x' }))).toEqual({ 'p!in/x.dat': 'x' })
  })

  test('a pattern names the members that are data; the others are left', async () => {
    const found = await readBytes(pack(TWO), { members: '[ab][.]csv' })
    expect(found).toEqual({ 'p!a.csv': '1|a\n', 'p!data/b.csv': '2|b\n' })
  })

  test('gzip inside is read too', async () => {
    const found = await readBytes(pack({ 'a.csv.gz': gzipSync('1|a\n') }))
    expect(found).toEqual({ 'p!a.csv.gz': '1|a\n' })
  })

  test.for([
    ['several files without a pattern', TWO, {}, 'PACKAGE_MEMBERS'],
    ['no file that the layout reads', TWO, { members: 'none' }, 'PACKAGE_MEMBERS'],
    [
      'two names that differ in case alone',
      { 'a.csv': '', 'A.csv': '' },
      { members: '.*' },
      'PACKAGE_MEMBERS',
    ],
    ['a name that leaves its folder', { '../a.csv': 'x' }, {}, 'PACKAGE_NAME'],
    ['an absolute name', { '/etc/passwd': 'x' }, {}, 'PACKAGE_NAME'],
    ['a backslash', { 'a\\b.csv': 'x' }, {}, 'PACKAGE_NAME'],
    ['a control character', { 'a\u001b[2J.csv': 'x' }, {}, 'PACKAGE_NAME'],
    ['text that runs backwards', { 'a\u202evsc.exe': 'x' }, {}, 'PACKAGE_NAME'],
    ['a package in a package', { 'a.zip': zipOf({ a: 'x' }) }, {}, 'PACKAGE_NESTED'],
  ] as const)('%s is refused', async ([, members, how, reason]) => {
    expect(await readBytes(pack(members), how)).toBe(reason)
  })

  test.for([
    ['members', { members: 2 }, { a: 'x', b: 'y' }, { a: 'x', b: 'y', c: 'z' }, 'PACKAGE_MEMBERS'],
    ['bytes of a name', { nameBytes: 4 }, { abcd: 'x' }, { abcde: 'x' }, 'PACKAGE_NAME'],
    [
      'bytes in all',
      { contentBytes: 6 },
      { a: '123', b: '456' },
      { a: '123', b: '4567' },
      'TOO_LARGE',
    ],
  ] as const)(
    '%s: the limit is kept, and one more is refused',
    async ([, limits, at, past, reason]) => {
      const how = { members: '.*', limits }
      expect(await readBytes(pack(at), how)).toMatchObject({})
      expect(await readBytes(pack(past), how)).toBe(reason)
    },
  )

  test('cut anywhere it is refused', async () => {
    const whole = pack({ 'a.csv': '1|a\n'.repeat(50) })
    for (let length = start; length < whole.length; length += 37) {
      expect([length, await readBytes(whole.subarray(0, length))]).toEqual([
        length,
        expect.stringMatching(/^(?:PACKAGE|GZIP)_/),
      ])
    }
  })
})

test('a delivered file at its limit of bytes is read, one byte more is not', async () => {
  const bytes = Buffer.from('1|a\n')
  expect(await readBytes(bytes, { limits: { fileBytes: 4 } })).toEqual({ p: '1|a\n' })
  expect(await readBytes(bytes, { limits: { fileBytes: 3 } })).toBe('TOO_LARGE')
})

test('what unpacks as data does is read, at another ratio it is a bomb', async () => {
  const bytes = gzipSync(Buffer.alloc(2 ** 20, 'a'))
  const ratio = Math.ceil(2 ** 20 / bytes.length)
  expect(await readBytes(bytes, { limits: { ratio } })).toMatchObject({})
  expect(await readBytes(bytes, { limits: { ratio: ratio - 2 } })).toBe('RATIO')
})

/** What intake says of a file, and then a parse: a reason, or how many logical files there are. */
async function deliver(path: string, members: string | undefined): Promise<string | number> {
  const scratch = join(folder.path, 'scratch')
  const name = basename(path)
  const { refusal } = await inspect({ source: path, name, bytes: createReadStream(path), scratch })
  expect(await readdir(scratch).catch(() => [])).toEqual([])
  if (refusal !== undefined) return refusal.code
  const found = await readPath(path, members === undefined ? {} : { members })
  return typeof found === 'string' ? found : Object.keys(found).length
}

test('of other people’s hostile archives every one is refused', async (context) => {
  const suite = dataFolder('suites/zip-hostile/yauzl-failure')
  if (suite === undefined) return context.skip()
  const names = readdirSync(suite)
  expect(names).toHaveLength(25)
  for (const name of names) {
    const reason = await deliver(join(suite, name), '.*')
    expect([name, typeof reason]).toEqual([name, 'string'])
  }
})

test('of their sound archives all are read but those that hold no plain files', async (context) => {
  const suite = dataFolder('suites/zip-hostile/yauzl-success')
  if (suite === undefined) return context.skip()
  const reasons: Record<string, string> = {}
  for (const name of readdirSync(suite)) {
    const found = await readPath(join(suite, name), { members: '.*' })
    if (typeof found === 'string') reasons[name] = found
  }
  expect(reasons).toEqual({
    'bogus-compression-method.zip': 'PACKAGE_UNSUPPORTED',
    'empty.zip': 'PACKAGE_MEMBERS',
    'everything.zip': 'PACKAGE_MEMBERS', // 65,536 members
    'sloppy-filenames.zip': 'PACKAGE_NAME', // backslashes
    'traditional-encryption-and-compression.zip': 'PACKAGE_ENCRYPTED',
    'traditional-encryption-and-compression_deprecated.zip': 'PACKAGE_ENCRYPTED',
    'traditional-encryption.zip': 'PACKAGE_ENCRYPTED',
    'traditional-encryption_deprecated.zip': 'PACKAGE_ENCRYPTED',
  })
})

test('bombs are refused in little memory; gzip of several members is no bomb', async (context) => {
  const suite = dataFolder('suites/bombs')
  if (suite === undefined) return context.skip()
  const found: Record<string, string | number> = {}
  for (const name of readdirSync(suite)) found[name] = await deliver(join(suite, name), undefined)
  const { 'multi-member.csv.gz': sound, ...bombs } = found
  expect(sound).toBe(1)
  expect(Object.values(bombs).map((reason) => typeof reason)).toEqual(
    Object.keys(bombs).map(() => 'string'),
  )
  const text = await readPath(join(suite, 'multi-member.csv.gz'))
  expect(Object.values(text)[0]?.trimEnd().split('\n')).toHaveLength(3) // a header and two rows
})
