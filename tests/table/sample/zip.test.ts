/** Samples of ZIP archives: a list and a small member; what is hostile is never unpacked. */
import { execFileSync } from 'node:child_process'
import { readdirSync, writeFileSync } from 'node:fs'
import { mkdtempDisposable } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { RangedFile, Sample } from '../../../engine/table/sample/contract.ts'
import { sampleZip } from '../../../engine/table/sample/sample-zip.ts'
import { zipOf, type Members } from '../../support/zip.ts'
import { dataFolder } from '../../support/scenario.ts'
import { fileAt, fileOf, reasonOf, sparseFile } from './packed-files.ts'

/** The whole member, as text: what the dispatch gives for a small file. */
async function whole(file: RangedFile): Promise<Sample> {
  const bytes = await file.read(0, file.sizeBytes)
  const facts = { isWhole: true, isCut: false, readBytes: bytes.length, head: bytes, columns: [] }
  return { bytes, extension: '.csv', format: 'text', records: 1, ...facts }
}

const sampled = (file: RangedFile, readBytesMax = 1_000_000): Promise<Sample> =>
  sampleZip({ file, readBytesMax, sampleInner: whole, mask: undefined })

const archive = (members: Members): Promise<Sample> => sampled(fileOf(zipOf(members)))

/** What `unzip` finds in a sample, by name; it tests the archive first. */
async function unzipped({ bytes }: Sample): Promise<Record<string, string>> {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'zip-sample-'))
  const path = join(folder.path, 'sample.zip')
  writeFileSync(path, bytes)
  execFileSync('unzip', ['-tq', path])
  const names = execFileSync('unzip', ['-Z1', path], { encoding: 'utf8' }).trim().split('\n')
  return Object.fromEntries(
    names.map((name) => [name, execFileSync('unzip', ['-p', path, name], { encoding: 'utf8' })]),
  )
}

const listOf = async (sample: Sample): Promise<readonly string[]> =>
  ((await unzipped(sample))['_manifest.txt'] ?? '').trimEnd().split('\n').slice(1)

test('the sample holds a list, and the first member that is data under its own name', async () => {
  const sample = await archive({ 'in/': '', '__MACOSX/._a.csv': 'm', 'in/a.csv': 'a\n1\n', b: 'b' })
  expect(await unzipped(sample)).toEqual({
    '_manifest.txt':
      'name\tsize\tpacked\tnote\nin/\t0\t0\tfolder\n__MACOSX/._a.csv\t1\t1\t\n' +
      'in/a.csv\t4\t4\t\nb\t1\t1\t\n',
    'in/a.csv': 'a\n1\n',
  })
  expect([sample.extension, sample.records, sample.isWhole]).toEqual(['.zip', 1, false])
})

test('of a masked one the names of members have their shape alone, and differ', async () => {
  const members = { 'in/Ann Lee.csv': 'a\n1\n', 'in/Bob Roe.csv': 'b', 'Zed.notes': 'x' }
  const mask = (): readonly null[] => []
  const sample = await sampleZip({
    file: fileOf(zipOf(members)),
    readBytesMax: 1e6,
    sampleInner: whole,
    mask,
  })
  expect(Object.keys(await unzipped(sample))).toEqual(['_manifest.txt', 'xx/Xxx Xxx.csv'])
  expect((await listOf(sample)).map((line) => line.split('\t')[0])).toEqual([
    'xx/Xxx Xxx.csv',
    'xx/Xxx Xxx-2.csv',
    'Xxx.xxxxx',
  ])
})

test('the same archive gives the same bytes, whatever the time zone', async () => {
  const first = await archive({ 'a.csv': 'a\n1\n' })
  expect(first.bytes.includes(Buffer.from([0x21, 0x00]))).toBe(true) // 1980-01-01
  expect((await archive({ 'a.csv': 'a\n1\n' })).bytes.equals(first.bytes)).toBe(true)
})

test('a member over 1 MB and a package in the package are named and not unpacked', async () => {
  const sample = await archive({ large: Buffer.alloc(1_000_001, 'x'), 'in.zip': zipOf({ a: 'x' }) })
  expect(Object.keys(await unzipped(sample))).toEqual(['_manifest.txt'])
})

test.for(['../a.csv', '/etc/passwd', 'C:/a.csv'])(
  'with a name like %s it is described',
  async (name) => {
    expect(reasonOf(await archive({ [name]: 'x' }))).toBe('package-name')
  },
)

test.for(['a\\b.csv', 'a\u001b[2J.csv', 'a\u202evsc.exe', '_manifest.txt'])(
  'a member called %j is listed, printable, and not unpacked',
  async (name) => {
    const sample = await archive({ [name]: 'x' })
    expect(Object.keys(await unzipped(sample))).toEqual(['_manifest.txt'])
    expect((await listOf(sample)).join('')).not.toMatch(/[\u001b\u202e]/)
  },
)

test('at most 1,000 members are named', async () => {
  const names = Array.from({ length: 1003 }, (_, at) => [`m${at}`, ''] as const)
  const list = await listOf(await archive(Object.fromEntries(names)))
  expect([list.length, list.at(-1)]).toEqual([1001, '… and 3 more'])
})

test('an archive of 2 GB costs less than a megabyte', async () => {
  const small = zipOf({ 'a.csv': 'a\n1\n' })
  const directoryAt = 2 ** 31
  const local = small.subarray(0, small.indexOf('PK\x01\x02'))
  const directory = small.subarray(local.length)
  directory.writeUInt32LE(directoryAt, directory.length - 6)
  const sparse = sparseFile(directoryAt + directory.length, [
    [0, local],
    [directoryAt, directory],
  ])
  const sample = await sampled(sparse.file)
  expect(Object.keys(await unzipped(sample))).toEqual(['_manifest.txt', 'a.csv'])
  expect(sparse.readBytes()).toBeLessThan(200_000)
  expect(sample.readBytes).toBe(sparse.readBytes())
})

test('a directory over the limit of bytes is listed as far as that goes', async () => {
  const names = Array.from({ length: 900 }, (_, at) => [`${at}`.padStart(1000, 'n'), ''] as const)
  const sample = await sampled(fileOf(zipOf(Object.fromEntries(names))), 200_000)
  expect([sample.isCut, sample.readBytes <= 200_000]).toEqual([true, true])
  expect((await listOf(sample)).at(-1)).toMatch(/^… and \d+ more, cut at the limit of bytes$/)
})

const SUITE = 'suites/zip-hostile'

test('of other people’s sound archives each gives a sample that unzip accepts, but one', async (context) => {
  const suite = dataFolder(`${SUITE}/yauzl-success`)
  if (suite === undefined) return context.skip()
  const names = readdirSync(suite)
  expect(names).toHaveLength(22)
  const described: Record<string, string> = {}
  for (const name of names) {
    const sample = await sampled(fileAt(join(suite, name)))
    expect([name, sample.readBytes <= 1e6]).toEqual([name, true])
    const reason = reasonOf(sample)
    if (reason !== undefined) described[name] = reason
    else expect(Object.keys(await unzipped(sample))[0]).toBe('_manifest.txt')
  }
  // The same bytes lie among the hostile ones, with `invalid characters in fileName`.
  expect(described).toEqual({ 'sloppy-filenames.zip': 'package-corrupt' })
})

test('of their hostile archives each is described', async (context) => {
  const suite = dataFolder(`${SUITE}/yauzl-failure`)
  if (suite === undefined) return context.skip()
  const others: string[] = []
  for (const name of readdirSync(suite)) {
    const sample = await sampled(fileAt(join(suite, name)))
    if (reasonOf(sample) === undefined) others.push(name)
  }
  expect(others).toEqual([])
})

test('a bomb is listed, or sampled in a megabyte', async (context) => {
  const suite = dataFolder('suites/bombs')
  if (suite === undefined) return context.skip()
  for (const name of readdirSync(suite).filter((one) => one.endsWith('.zip'))) {
    const sample = await sampled(fileAt(join(suite, name)))
    expect([name, sample.bytes.length < 2e6]).toEqual([name, true])
  }
})
