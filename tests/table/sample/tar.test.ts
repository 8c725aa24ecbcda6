/** Samples of tar archives: a list of what they hold, from their headers alone. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { mkdtempDisposable, open } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { Sample } from '../../../engine/table/sample/contract.ts'
import { sampleTar, sampleTarStream } from '../../../engine/table/sample/sample-tar.ts'
import { tarOf } from '../../support/zip.ts'
import { fileAt, fileOf, reasonOf, sparseFile } from './packed-files.ts'

const linesOf = ({ bytes }: Sample): readonly string[] =>
  bytes.toString().trimEnd().split('\n').slice(1)

const sampled = (bytes: Buffer, readBytesMax = 1_000_000): Promise<Sample> =>
  sampleTar({ file: fileOf(bytes), readBytesMax, mask: undefined })

async function* blocksOf(bytes: Buffer, blockBytes: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += blockBytes) yield bytes.subarray(at, at + blockBytes)
}

const streamed = (bytes: Buffer, blockBytes = 700): Promise<Sample> =>
  sampleTarStream(
    { file: fileOf(bytes), mask: undefined },
    blocksOf(bytes, blockBytes),
    () => bytes.length,
  )

const LONG = `${'folder-of-a-long-name/'.repeat(12)}data.csv`

test.for(['gnu', 'pax', 'ustar', 'oldgnu', 'v7'])(
  'of an archive that tar wrote in the format %s every member is listed',
  async (format) => {
    await using folder = await mkdtempDisposable(join(tmpdir(), 'tar-sample-'))
    const within = (name: string): string => join(folder.path, name)
    mkdirSync(within(LONG.slice(0, -8)), { recursive: true })
    writeFileSync(within('a.csv'), 'a\n1\n')
    writeFileSync(within('größe.csv'), 'x'.repeat(20_000))
    symlinkSync('/etc/passwd', within('link'))
    const names = ['a.csv', 'größe.csv', 'link']
    if (format !== 'ustar' && format !== 'v7') {
      writeFileSync(within(LONG), 'x'.repeat(600))
      names.push(LONG)
    }
    const how = [`--format=${format}`, '-cf', within('out.tar'), '-C', folder.path]
    execFileSync('tar', [...how, ...names])
    const lines = ['a.csv\t4\tfile', 'größe.csv\t20000\tfile', 'link\t0\tsymbolic link']
    const file = fileAt(within('out.tar'))
    const wanted = [...lines, `${LONG}\t600\tfile`].slice(0, names.length)
    expect(linesOf(await sampleTar({ file, readBytesMax: 1e6, mask: undefined }))).toEqual(wanted)
    expect(linesOf(await streamed(await file.read(0, file.sizeBytes)))).toEqual(wanted)
  },
)

test.for(['gnu', 'pax'])('a sparse member has its own size, in the format %s', async (format) => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'tar-sample-'))
  const path = join(folder.path, 'hole')
  writeFileSync(path, 'start')
  truncateSync(path, 2 ** 40)
  const file = await open(path, 'r+')
  for (let at = 1; at <= 30; at += 1) await file.write(Buffer.from('here'), 0, 4, at * 2 ** 34)
  await file.close()
  const out = join(folder.path, 'out.tar')
  execFileSync('tar', ['-S', `--format=${format}`, '-cf', out, '-C', folder.path, 'hole'])
  const [line] = linesOf(await sampleTar({ file: fileAt(out), readBytesMax: 1e6, mask: undefined }))
  expect(line).toMatch(/^hole\t1099511627776\t/)
})

test('of an archive of 1 TB the headers are read', async () => {
  const header = tarOf({ 'a.csv': '' }).subarray(0, 512)
  const size = 2 ** 40
  header.fill(0, 124, 136)
  header[124] = 0x80
  header.writeBigUInt64BE(BigInt(size), 128)
  header.write('        ', 148)
  const sum = header.reduce((total, byte) => total + byte, 0)
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  const rest = tarOf({ 'b.csv': 'b' })
  const { file, readBytes } = sparseFile(512 + size + rest.length, [
    [0, header],
    [512 + size, rest],
  ])
  const sample = await sampleTar({ file, readBytesMax: 1e6, mask: undefined })
  expect(linesOf(sample)).toEqual([`a.csv\t${size}\tfile`, 'b.csv\t1\tfile'])
  expect(readBytes()).toBeLessThan(20_000)
})

test('at most 1,000 members are named, printable', async () => {
  const names = Array.from({ length: 1001 }, (_, at) => [`\u001b[2J${at}`, ''] as const)
  const sample = await sampled(tarOf(Object.fromEntries(names)))
  const lines = linesOf(sample)
  expect([lines.length, lines[0], lines.at(-1)]).toEqual([
    1001,
    '\\u001b[2J0\t0\tfile',
    '… and more',
  ])
  expect([sample.records, sample.isCut, sample.readBytes <= 1e6]).toEqual([1000, false, true])
})

test('where bytes end, by a limit or by damage, the list says so', async () => {
  const whole = tarOf({ a: 'x'.repeat(9000), b: 'y', c: 'z' })
  const cut = await sampled(whole, 8192 + 100)
  expect([linesOf(cut), cut.isCut]).toEqual([['a\t9000\tfile', '… cut after 9728 bytes'], true])
  const damaged = Buffer.from(whole)
  damaged[9728] = 0xff
  expect(linesOf(await streamed(damaged))).toEqual(['a\t9000\tfile', '… damaged after 10240 bytes'])
})

test('of a masked one the names of members have their shape alone', async () => {
  const file = fileOf(tarOf({ 'a/Ann Lee 88.csv.gz': 'x', 'b/Bob Roe 12.csv.gz': '' }))
  const masked = { file, readBytesMax: 1e6, mask: (): readonly null[] => [] }
  expect(linesOf(await sampleTar(masked)).map((line) => line.split('\t')[0])).toEqual([
    'x/Xxx Xxx 00.csv.gz',
    'x/Xxx Xxx 00-2.csv.gz',
  ])
})

test('what is no tar archive is described', async () => {
  expect(reasonOf(await sampled(Buffer.alloc(2048, 'x')))).toBe('corrupt')
  expect(reasonOf(await sampled(Buffer.alloc(0)))).toBe('corrupt')
})

test('cut anywhere it gives a list or a description', async () => {
  const whole = tarOf({ 'a.csv': '1|a\n'.repeat(50), b: 'x' })
  for (let length = 0; length < whole.length; length += 37) {
    const { format } = await sampled(whole.subarray(0, length))
    expect([length, format]).toEqual([length, length < 512 ? 'described' : 'tar'])
  }
})
