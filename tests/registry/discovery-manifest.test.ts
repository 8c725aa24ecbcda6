import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { isEngineError } from '../../engine/index.ts'
import {
  diffManifests,
  latestManifests,
  manifestIdentity,
  parseManifestName,
  readManifest,
  type Manifest,
} from '../../registry/discovery-manifest.ts'

const NAME = 'cms_rvu_manifest_20251015_143022.jsonl'
const SHA = 'ab'.repeat(32)

const read = (text: string, name = NAME): Manifest =>
  readManifest({ file: `m/${name}`, name, text })

/** Every fault as `line:column text`. */
function faults(text: string, name = NAME): readonly string[] {
  try {
    read(text, name)
  } catch (error) {
    if (!isEngineError(error, 'MANIFEST_INVALID')) throw error
    return error.context.issues.map((issue) => `${issue.line}:${issue.column} ${issue.text}`)
  }
  return []
}

const flat = (facts: Readonly<Record<string, unknown>> = {}): string =>
  JSON.stringify({
    dataset: 'rvu',
    source_url: 'https://example.test/pfs',
    filename: 'RVU25D.zip',
    file_url: 'https://example.test/files/zip/rvu25d-updated-09/11/2025.zip',
    content_type: 'application/zip',
    sha256: SHA,
    size_bytes: 4012233,
    discovered_at: '2025-10-15T14:30:22Z',
    file_type: 'rvu_bundle',
    vintage: '2025D',
    ...facts,
  })

const ENTRY = {
  source: 'rvu',
  dataset: 'rvu',
  filename: 'RVU25D.zip',
  url: 'https://example.test/files/zip/rvu25d-updated-09/11/2025.zip',
  sha256: SHA,
  sizeBytes: 4012233,
  checksumOrigin: 'publisher',
  fileType: 'rvu_bundle',
  vintage: '2025D',
  period: { first: '2025-10', last: '2025-12' },
}

const nested = (indent?: number): string =>
  JSON.stringify(
    {
      source: 'cms_rvu',
      discovered_at: '2025-10-15T14:30:22Z',
      files: [
        {
          name: 'RVU25D.zip',
          url: ENTRY.url,
          year: 2025,
          quarter: 'D',
          file_type: 'rvu_bundle',
          size_bytes: 4012233,
          last_modified: null,
          checksum: `sha256:${SHA.toUpperCase()}`,
        },
      ],
      metadata: { scraper_version: '1.0.0' },
    },
    null,
    indent,
  )

test('the three shapes in the wild give the same entry', () => {
  const expected = {
    source: 'rvu',
    stampedAt: '20251015T143022',
    entries: [ENTRY],
    missingFiles: [],
  }
  expect(read(`${flat()}\n`)).toEqual(expected)
  expect(read(nested())).toEqual(expected)
  expect(read(nested(2))).toEqual(expected)
  expect(read(`\ufeff${nested(2).replaceAll('\n', '\r\n')}`)).toEqual(expected)
})

test('sizes and checksums unknown at discovery are null, and a local path is an address', () => {
  const local = flat({ sha256: null, size_bytes: null, file_url: 'landing/rvu25d.zip' })
  expect(read(local).entries).toEqual([
    {
      ...ENTRY,
      url: 'landing/rvu25d.zip',
      sha256: null,
      sizeBytes: null,
      checksumOrigin: 'first_download',
    },
  ])
  expect(read(flat({ file_url: 'file:///data/rvu25d.zip' })).entries).toHaveLength(1)
})

test('a year beside a quarter, or over a release name, is narrowed to the release', () => {
  const quarter = { vintage: '2025', filename: 'a.zip', metadata: { year: 2025, quarter: 'D' } }
  for (const facts of [quarter, { vintage: 2025 }, { vintage: undefined }]) {
    expect(read(flat(facts)).entries[0]).toMatchObject({ period: ENTRY.period })
  }
  const plain = flat({ vintage: '2025', filename: 'cf-2025.csv' })
  expect(read(plain).entries[0]).toMatchObject({ period: { first: '2025-01', last: '2025-12' } })
  const odd = flat({ vintage: 'spring', filename: 'cf.csv' })
  expect(read(odd).entries[0]).toMatchObject({ vintage: 'spring', period: null })
})

test('a partial discovery names what it did not find', () => {
  const note = JSON.stringify({ partial_discovery: true, missing_files: ['file3.csv'] })
  expect(read(`${flat()}\n${note}\n`)).toMatchObject({
    entries: [ENTRY],
    missingFiles: ['file3.csv'],
  })
})

test('every fault is reported at once with its line, column and no value', () => {
  const text = [
    flat(),
    '{"dataset":"rvu","filename":"a.zip","file_url":"ftp://SECRET","sha256":"SECRET"}',
    '{ broken SECRET',
    '{"filename":"../SECRET","url":"a/../SECRET"}',
    '{"dataset":"rvu"}',
  ].join('\n')
  const found = faults(text)
  expect(found.map((fault) => fault.split(' ', 2).join(' '))).toEqual([
    '2:48 file_url',
    '2:72 sha256',
    expect.stringMatching(/^3:\d+ the$/),
    '4:13 filename',
    '4:31 url',
    '5:1 has',
    '5:1 has',
  ])
  expect(found.join()).not.toContain('SECRET')
})

test('a fault in a pretty manifest has the line it is on', () => {
  expect(faults(nested(2).replace('4012233', '-1'))).toEqual([
    expect.stringMatching(/^11:21 files\.0\.size_bytes /),
  ])
  expect(faults(nested(2).replace('"files":', '"files"'))).toEqual([
    expect.stringMatching(/^\d+:\d+ the manifest is no JSON document$/),
  ])
})

test('an empty, misnamed or contradictory manifest lands nothing', () => {
  expect(faults(' \n')).toEqual(['1:1 the manifest is empty'])
  expect(faults(flat(), 'rvu.jsonl')).toHaveLength(1)
  expect(faults(`${flat()}\n${flat({ size_bytes: 1 })}`)).toEqual([
    '2:1 another entry for the file of line 1, with other contents',
  ])
  expect(read(`${flat()}\n${flat()}`).entries).toHaveLength(1)
  expect(faults('[]\n'.repeat(300))).toHaveLength(100)
})

test('no address reaches out of http, file and the project', () => {
  const schemes = ['javascript:alert(1)', 'https://user:secret@example.test/a', 'file://host/share']
  for (const url of [...schemes, '/etc/passwd', '../a.csv', 'a\\b.csv', 'a b.csv']) {
    expect([url, faults(flat({ file_url: url })).length]).toEqual([url, 1])
  }
})

test('the newest manifest of a source is by the time in its name', () => {
  const older = 'cms_rvu_manifest_20250930_235959.jsonl'
  const names = [NAME, older, 'cms_opps_manifest_20250101_000000.jsonl', 'notes.txt']
  const expected = {
    latest: [
      { source: 'opps', name: 'cms_opps_manifest_20250101_000000.jsonl' },
      { source: 'rvu', name: NAME },
    ],
    ignored: ['notes.txt'],
  }
  expect(latestManifests(names)).toEqual(expected)
  expect(latestManifests(names.toReversed())).toEqual(expected)
  expect(parseManifestName('cms_rvu_manifest_20251340_143022.jsonl')).toBeUndefined()
})

test('a manifest that differs only in timestamps and notes changes nothing', () => {
  const times = { discovered_at: '2026-01-01T00:00:00Z', last_modified: 'x', metadata: { note: 1 } }
  const [before, after] = [read(flat()).entries, read(flat(times)).entries]
  expect(diffManifests(before, after)).toEqual({ added: [], changed: [], same: after, absent: [] })
})

test('what matters of an entry is told apart: added, changed, absent', () => {
  const [one, two, three] = ['a.zip', 'b.zip', 'c.zip'].map((filename) => flat({ filename }))
  const before = read(`${one}\n${two}`).entries
  const changed = flat({ filename: 'b.zip', sha256: 'cd'.repeat(32) })
  const after = read(`${changed}\n${three}`).entries
  const diff = diffManifests(before, after)
  expect(diff.added.map(({ filename }) => filename)).toEqual(['c.zip'])
  expect(diff.changed.map(({ from, to }) => [from.sha256, to.sha256])).toEqual([
    [SHA, 'cd'.repeat(32)],
  ])
  expect(diff.absent.map(({ filename }) => filename)).toEqual(['a.zip'])
})

test('any change of what matters changes the identity', () => {
  const identities = read(flat()).entries.flatMap((entry) =>
    ['source', 'dataset', 'filename', 'url', 'sha256', 'sizeBytes', 'fileType', 'vintage', 'period']
      .map((name) => manifestIdentity({ ...entry, [name]: null }))
      .concat(manifestIdentity(entry)),
  )
  expect(new Set(identities).size).toBe(10)
})

const REAL = new URL('../../../shared/data/real/discovery-manifests/', import.meta.url)

test('the real manifests are read, each with four releases of 2025', () => {
  if (!existsSync(REAL)) {
    console.warn('not run: the manifests of ../shared/data/real are absent')
    return
  }
  for (const name of readdirSync(REAL)) {
    const { entries } = read(readFileSync(new URL(name, REAL), 'utf8'), name)
    expect(entries.map(({ dataset, vintage }) => `${dataset} ${vintage}`)).toEqual(
      ['A', 'B', 'C', 'D'].map((letter) => `rvu 2025${letter}`),
    )
  }
})
