/** Processed manifests: what is appended is read, whatever else lies in the file. */
import { execFile } from 'node:child_process'
import {
  appendFileSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { appendProcessed } from '../../assets/processed-append.ts'
import type { ProcessedEntry } from '../../assets/processed-entry.ts'
import type { ProcessedRead } from '../../assets/processed-lines.ts'
import { readProcessed } from '../../assets/processed-lines.ts'
import { listManifests, manifestsFolder } from '../../assets/processed-places.ts'

const CHILD = fileURLToPath(new URL('../support/append-child.ts', import.meta.url))
const NOON = Date.UTC(2026, 0, 18, 12)
const NEXT_NOON = NOON + 86_400_000
const TODAY = 'processed_2026-01-18.jsonl'
const MINIMAL =
  '{"raw": "raw/env0/data.csv", "bronze": "bronze/2026/01/18/143000--data.csv", "mtime": 1737200000.0}\n'

let prefix: string
let folder: string
beforeEach(() => {
  prefix = mkdtempSync(join(tmpdir(), 'tributary-staging-'))
  folder = manifestsFolder(prefix, { vendor: 'sp', dataset: 'pipe', version: '1.0' })
})
afterEach(() => rmSync(prefix, { recursive: true, force: true }))

const entry = (seq: number): ProcessedEntry => ({
  raw: `raw/${seq}.csv`,
  bronze: `bronze/${seq}.csv`,
  mtime: 1_737_200_000.5,
  size: seq,
  sha256: 'ab'.repeat(32),
  seq,
})
const read = async (file = TODAY, from = 0, linesMax = 1e9): Promise<readonly ProcessedRead[]> =>
  Array.fromAsync(readProcessed(join(folder, file), from, { linesMax }))
const rawsOf = (lines: readonly ProcessedRead[]): readonly string[] =>
  lines.map((line) => ('entry' in line ? line.entry.raw : `fault: ${line.fault}`))

test('what is appended is read, and the offset of a line leads to the next', async () => {
  await appendProcessed(folder, [entry(1), entry(2)], NOON)
  const lines = await read()
  expect(lines.map((line) => ('entry' in line ? line.entry : line))).toEqual([entry(1), entry(2)])
  expect(lines[0]).toMatchObject({ offset: 0, nextOffset: lines[1]?.offset })
  expect(lines[1]?.nextOffset).toBe(statSync(join(folder, TODAY)).size)
  expect(rawsOf(await read(TODAY, lines[0]?.nextOffset))).toEqual(['raw/2.csv'])
  expect(rawsOf(await read(TODAY, 0, 1))).toEqual(['raw/1.csv'])
  expect(await read(TODAY, 1e6)).toEqual([])
})

test('each day has its file, which keeps its name; processed.jsonl points to the newest', async () => {
  await appendProcessed(folder, [entry(1)], NOON)
  await appendProcessed(folder, [entry(2)], NEXT_NOON)
  expect(readlinkSync(join(folder, 'processed.jsonl'))).toBe('processed_2026-01-19.jsonl')
  // What knows the one name only writes into today's; a clock that is behind moves nothing back.
  appendFileSync(join(folder, 'processed.jsonl'), MINIMAL)
  await appendProcessed(folder, [entry(3)], NOON)
  const newest = ['raw/2.csv', 'raw/env0/data.csv']
  expect(rawsOf(await read('processed_2026-01-19.jsonl'))).toEqual(newest)
  expect(rawsOf(await read())).toEqual(['raw/1.csv', 'raw/3.csv'])
  expect(readlinkSync(join(folder, 'processed.jsonl'))).toBe('processed_2026-01-19.jsonl')
  expect(readdirSync(folder)).toHaveLength(3)
})

test('a plain processed.jsonl is a producer’s own: it stays, and is a manifest beside ours', async () => {
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'processed.jsonl'), MINIMAL)
  await appendProcessed(folder, [entry(1)], NOON)
  expect(lstatSync(join(folder, 'processed.jsonl')).isFile()).toBe(true)
  expect(rawsOf(await read('processed.jsonl'))).toEqual(['raw/env0/data.csv'])
  const listed = await Array.fromAsync(listManifests(prefix))
  expect(listed.map(({ file }) => file)).toEqual(['processed.jsonl', TODAY])
})

test('a torn last line is not read, and nothing merges with it', async () => {
  await appendProcessed(folder, [entry(1), entry(2)], NOON)
  const path = join(folder, TODAY)
  truncateSync(path, statSync(path).size - 20)
  expect(rawsOf(await read())).toEqual(['raw/1.csv'])
  await appendProcessed(folder, [entry(3)], NOON)
  expect(rawsOf(await read())).toEqual(['raw/1.csv', 'fault: it is not JSON', 'raw/3.csv'])
})

test('a bad line is a fault that quotes nothing, and the lines around it are read', async () => {
  mkdirSync(folder, { recursive: true })
  const long = `{"raw":"${'SECRET'.repeat(100_000)}"}`
  const bad = [
    'SECRET',
    '{"raw":"SECRET","bronze":"b"}',
    '{"raw":"SECRET\\u001b","bronze":"b","mtime":1}',
    '["SECRET"]',
    '{"raw":"a","bronze":"b","mtime":1,"sha256":"SECRET"}',
    long.slice(0, 20_000),
    long,
    '',
    '\n'.repeat(600_000),
  ]
  const more = '{"raw":"more","bronze":"b","mtime":1,"owner":{"name":"x"}}\r\n'
  const latin = Buffer.from('{"raw":"\u00e9","bronze":"b","mtime":1}\n', 'latin1')
  writeFileSync(join(folder, TODAY), `${bad.join('\n')}\n${MINIMAL}${more}`)
  appendFileSync(join(folder, TODAY), latin)
  const found = rawsOf(await read())
  expect(found).toEqual([
    'fault: it is not JSON',
    'fault: its mtime is missing or out of form',
    'fault: its raw is missing or out of form',
    'fault: it is no object',
    'fault: its sha256 is missing or out of form',
    'fault: it is longer than 16 KiB',
    'fault: it is longer than 16 KiB',
    'raw/env0/data.csv',
    'more',
    'fault: it is not UTF-8',
  ])
  expect(JSON.stringify(await read())).not.toContain('SECRET')
})

test('four processes append a thousand lines each: all are whole, and each is there once', async () => {
  const writers = ['a', 'b', 'c', 'd']
  await Promise.all(
    writers.map(async (writer) =>
      promisify(execFile)(process.execPath, [CHILD, folder, writer, '1000', String(NOON)]),
    ),
  )
  const lines = await read()
  expect(lines.filter((line) => 'fault' in line)).toEqual([])
  const found = lines.map((line) => ('entry' in line ? line.entry.bronze : ''))
  expect(found).toHaveLength(4000)
  expect(new Set(found).size).toBe(4000)
  for (const writer of writers) {
    const own = found.filter((bronze) => bronze.startsWith(`bronze/${writer}/`))
    expect(own).toEqual(own.map((_, at) => `bronze/${writer}/${at + 1}.csv`))
  }
})

test('manifests are listed by place, the newest day first; links and odd names are not', async () => {
  const place = (vendor: string) => ({ vendor, dataset: 'd', version: 'v1' })
  for (const vendor of ['b', 'a']) {
    await appendProcessed(manifestsFolder(prefix, place(vendor)), [entry(1)], NOON)
    await appendProcessed(manifestsFolder(prefix, place(vendor)), [entry(2)], NEXT_NOON)
  }
  symlinkSync(join(prefix, 'a'), join(prefix, 'linked'))
  mkdirSync(join(prefix, 'a..x/d/v1/manifests'), { recursive: true })
  writeFileSync(join(prefix, 'a..x/d/v1/manifests', TODAY), MINIMAL)
  writeFileSync(join(prefix, `a/d/v1/manifests/temp_${TODAY}`), MINIMAL)
  writeFileSync(join(prefix, 'a/d/v1/manifests/processed_x.jsonl'), MINIMAL)
  const listed = await Array.fromAsync(listManifests(prefix))
  expect(listed.map(({ place: { vendor }, file }) => `${vendor} ${file}`)).toEqual([
    'a processed_2026-01-19.jsonl',
    `a ${TODAY}`,
    'b processed_2026-01-19.jsonl',
    `b ${TODAY}`,
  ])
  expect(await Array.fromAsync(listManifests(join(prefix, 'nothing')))).toEqual([])
  expect(() => manifestsFolder(prefix, place('../x'))).toThrow(/a vendor has letters/)
})

test('no link is followed, and an entry that would be no line is refused', async () => {
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(prefix, 'elsewhere'), '')
  symlinkSync(join(prefix, 'elsewhere'), join(folder, TODAY))
  const refused = { code: 'STAGING_UNUSABLE' }
  await expect(appendProcessed(folder, [entry(1)], NOON)).rejects.toMatchObject(refused)
  expect(readFileSync(join(prefix, 'elsewhere'), 'utf8')).toBe('')
  await expect(read()).rejects.toMatchObject(refused)
  await expect(read('nothing.jsonl')).rejects.toMatchObject(refused)
  const hostile = { ...entry(1), raw: 'a\nb' }
  await expect(appendProcessed(folder, [hostile], NEXT_NOON)).rejects.toThrow(RangeError)
})
