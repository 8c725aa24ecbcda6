import fc from 'fast-check'
import { existsSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import {
  canonicalGoldPath,
  outboxPath,
  parsePath,
  submissionPath,
  silverPath,
  submitterGoldPath,
  validationPath,
  type StoragePath,
} from '../../assets/paths.ts'
import { rawFileNames, safeId } from '../../registry/inbox.ts'

const submission = {
  submitter: 'acme',
  fileType: 'medical',
  submissionId: '20261121T013406123Z-0123456789ab',
}

const id = fc.stringMatching(/^[a-z0-9_][a-z0-9_-]{0,20}$/)
const month = fc.stringMatching(/^20[0-9]{2}-(0[1-9]|1[0-2])$/)
const submissionId = fc.stringMatching(/^[0-9]{8}T[0-9]{9}Z-[0-9a-f]{12}$/)
const state = fc.constantFrom('MA', 'CO', 'US')
const part = fc.stringMatching(/^part-[a-z0-9_][a-z0-9_-]{0,20}\.parquet$/)
const manifest = fc.stringMatching(/^_manifest\/[0-9]{10}\.json$/)
const inMonth = fc.oneof(part, manifest)
const inRejects = fc.oneof(fc.stringMatching(/^part-[0-9]{5}\.jsonl$/), manifest)
const ofSubmission = { submitter: id, fileType: id, submissionId }

/** The path of its stage's function. */
function formatPath(path: StoragePath): string {
  switch (path.stage) {
    case 'raw':
      return submissionPath('raw', path)
    case 'silver':
      return silverPath(path)
    case 'silver_month':
      return silverPath(path)
    case 'rejects':
      return submissionPath('rejects', path)
    case 'gold_submitter':
      return submitterGoldPath(path)
    case 'gold_canonical':
      return canonicalGoldPath(path)
    case 'validation':
      return validationPath(path)
    case 'outbox':
      return outboxPath(path)
    case 'samples':
      return submissionPath('samples', path)
  }
}

/** Any object the road writes. */
const storagePath: fc.Arbitrary<StoragePath> = fc.oneof(
  fc.record({
    stage: fc.constant('raw' as const),
    ...ofSubmission,
    object: fc.oneof(
      fc.constant('manifest.generated.json'),
      fc.stringMatching(/^data\/[A-Za-z0-9_][A-Za-z0-9_-]{0,20}\.csv$/),
    ),
  }),
  fc.record({
    stage: fc.constant('samples' as const),
    ...ofSubmission,
    object: fc.stringMatching(/^data\/[A-Za-z0-9_][A-Za-z0-9_-]{0,20}_sample\.csv$/),
  }),
  fc.record({
    stage: fc.constant('silver' as const),
    ...ofSubmission,
    object: fc.oneof(fc.constant('parse_report.json'), manifest),
  }),
  fc.record({
    stage: fc.constant('silver_month' as const),
    ...ofSubmission,
    month: fc.oneof(month, fc.constant('__unknown__')),
    object: inMonth,
  }),
  fc.record({ stage: fc.constant('rejects' as const), ...ofSubmission, object: inRejects }),
  fc.record({
    stage: fc.constant('gold_submitter' as const),
    state,
    fileType: id,
    submitter: id,
    month,
    object: inMonth,
  }),
  fc.record({
    stage: fc.constant('gold_canonical' as const),
    state,
    fileType: id,
    month,
    object: inMonth,
  }),
  fc.record({
    stage: fc.constant('validation' as const),
    submissionId,
    runId: id,
    object: fc.constantFrom('validation_report.json', 'rule_samples.json'),
  }),
  fc.record({
    stage: fc.constant('outbox' as const),
    submitter: id,
    submissionId,
    object: fc.constantFrom('report.html', 'report.json'),
  }),
)

test('the paths are those of seed 003', () => {
  const of = 'acme/medical/20261121T013406123Z-0123456789ab'
  expect(submissionPath('raw', { ...submission, object: 'data/a.csv' })).toBe(
    `raw/${of}/data/a.csv`,
  )
  expect(submissionPath('raw', { ...submission, object: 'manifest.generated.json' })).toBe(
    `raw/${of}/manifest.generated.json`,
  )
  expect(silverPath({ ...submission, object: 'parse_report.json' })).toBe(
    `silver/${of}/parse_report.json`,
  )
  expect(silverPath({ ...submission, month: '2024-03' })).toBe(`silver/${of}/atomic_month=2024-03`)
  expect(silverPath({ ...submission, month: '__unknown__', object: 'part-0.parquet' })).toBe(
    `silver/${of}/atomic_month=__unknown__/part-0.parquet`,
  )
  expect(submissionPath('rejects', submission)).toBe(`rejects/${of}`)
  const gold = { state: 'MA', fileType: 'medical', month: '2024-03' }
  expect(submitterGoldPath({ ...gold, submitter: 'acme' })).toBe(
    'gold_submitter/MA/medical/acme/atomic_month=2024-03',
  )
  expect(canonicalGoldPath(gold)).toBe('gold_canonical/MA/medical/atomic_month=2024-03')
  const run = { submissionId: submission.submissionId, runId: 'r1' }
  expect(validationPath({ ...run, object: 'validation_report.json' })).toBe(
    'validation/20261121T013406123Z-0123456789ab/r1/validation_report.json',
  )
})

test('formatting a parsed path gives the path, and parsing a formatted one its parts', () => {
  fc.assert(
    fc.property(storagePath, (path) => {
      const text = formatPath(path)
      expect(parsePath(text)).toEqual(path)
      const { object: _object, ...folder } = path
      expect(parsePath(formatPath(folder))).toEqual(folder)
    }),
  )
})

test('a text that is not exactly a path of ours parses as nothing', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), storagePath.map(formatPath)), fc.string(), (text, more) => {
      const parsed = parsePath(text + more)
      expect(parsed === undefined ? text + more : formatPath(parsed)).toBe(text + more)
    }),
  )
  for (const text of ['', 'raw', 'raw/a/b', '/raw/a/b/c', 'gold_canonical/MA/medical/2024-03']) {
    expect(parsePath(text)).toBeUndefined()
  }
})

test('no object is a folder of another', () => {
  fc.assert(
    fc.property(storagePath, storagePath, (a, b) => {
      const [first, second] = [formatPath(a), formatPath(b)]
      expect(second.startsWith(`${first}/`)).toBe(false)
    }),
  )
})

test('an id, month or state out of form is refused and its value not repeated', () => {
  const wrong: readonly (() => string)[] = [
    () => submissionPath('raw', { ...submission, submitter: 'Acme-SECRET' }),
    () => submissionPath('raw', { ...submission, submitter: '../SECRET' }),
    () => submissionPath('raw', { ...submission, fileType: '' }),
    () => submissionPath('raw', { ...submission, fileType: 'a..b' }),
    () => submissionPath('raw', { ...submission, submissionId: 'SECRET' }),
    () => submissionPath('raw', { ...submission, object: 'data/../SECRET' }),
    () => silverPath({ ...submission, month: '2024-13' }),
    () => canonicalGoldPath({ state: 'ma', fileType: 'medical', month: '2024-03' }),
    () => canonicalGoldPath({ state: 'MA', fileType: 'medical', month: '__unknown__' }),
  ]
  for (const build of wrong) {
    expect(build).toThrow(expect.objectContaining({ code: 'PATH_INVALID' }))
    expect(build).not.toThrow(/SECRET/)
  }
})

test('raw names are plain, unique whatever the case, and keep a plain base name', () => {
  expect(rawFileNames(['a/d/medical_202401.csv'])).toEqual(['medical_202401.csv'])
  const [first, second] = rawFileNames(['a/d/x/claims.csv', 'a/d/y/CLAIMS.csv'])
  expect(first).toMatch(/^[0-9a-f]{12}-claims\.csv$/)
  expect(second).toMatch(/^[0-9a-f]{12}-CLAIMS\.csv$/)
  fc.assert(
    fc.property(fc.uniqueArray(fc.string({ minLength: 1 }), { maxLength: 8 }), (paths) => {
      const names = rawFileNames(paths)
      expect(new Set(names.map((name) => name.toLowerCase())).size).toBe(paths.length)
      for (const name of names) submissionPath('raw', { ...submission, object: `data/${name}` })
    }),
  )
})

test('a name that somebody shaped like a made-up one cannot take its place', () => {
  const [made = ''] = rawFileNames(['a/d/x y.csv'])
  const names = rawFileNames(['a/d/x y.csv', `a/d/${made}`])
  expect(new Set(names).size).toBe(2)
})

const TRAVERSAL = new URL(
  '../../../shared/data/suites/payloads/path-traversal.txt',
  import.meta.url,
)

test('every traversal payload becomes one safe id and one safe raw name', () => {
  if (!existsSync(TRAVERSAL)) {
    console.warn('not run: the payload suite ../shared/data/suites is absent')
    return
  }
  const payloads = readFileSync(TRAVERSAL, 'utf8').split('\n').filter(Boolean)
  for (const payload of payloads.filter((_, at) => at % 10 === 0)) {
    const [name = ''] = rawFileNames([payload])
    const path = submissionPath('raw', {
      ...submission,
      submitter: safeId(payload),
      object: `data/${name}`,
    })
    expect(path.split('/')).toHaveLength(6)
    expect(path).not.toContain('..')
  }
})
