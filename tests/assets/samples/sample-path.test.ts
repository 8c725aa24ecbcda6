/** Where samples lie: the file's folders, its stem, and no other file's path. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ownPath, plannedPath } from '../../../assets/samples/sample-path.ts'

const seed = 20260211

test.each([
  ['raw/env0/data.csv', 'env0/data_sample.csv'],
  ['raw/env1/file.parquet', 'env1/file_sample.parquet'],
  ['raw/a.b/claims.2024.csv.gz', 'a.b/claims.2024_sample.csv.gz'],
  ['raw/x.gz', 'x_sample.gz'],
  ['raw/x.zip', 'x_sample.zip'],
  ['raw/x.jsonl', 'x_sample.jsonl'],
  ['raw/archive.tar', 'archive_sample.txt'],
  ['raw/archive.tar.gz', 'archive_sample.txt'],
  ['raw/archive.tgz', 'archive_sample.txt'],
  ['raw/scan.pdf', 'scan_sample.meta.json'],
  ['raw/README', 'README_sample.meta.json'],
  ['inbox:north/first/claims.txt', 'first/claims_sample.txt'],
  ['/srv/in/north/claims.txt', 'srv/in/north/claims_sample.txt'],
])('%s is sampled as %s', (raw, path) => {
  expect(plannedPath(raw, 'north')).toBe(path)
})

test('folders keep files of one name apart', () => {
  const paths = ['raw/env0/data.csv', 'raw/env1/data.csv'].map((raw) => plannedPath(raw, 'north'))
  expect(new Set(paths).size).toBe(2)
})

test('no name leads out of the folder of samples, hides, or grows without bound', () => {
  const segment = fc.oneof(
    fc.constantFrom('..', '.', '~', '-', ' ', '…', 'a/../b', '.ssh', 'C:', 'NUL', '\u202egnp.exe'),
    fc.string({ maxLength: 300 }),
  )
  const raw = fc.array(segment, { minLength: 1, maxLength: 20 }).map((all) => all.join('/'))
  fc.assert(
    fc.property(raw, (text) => {
      for (const path of [plannedPath(text, 'north'), ownPath(text, 'north', '.csv')]) {
        expect(path).toMatch(/^[A-Za-z0-9 _.=,+~/-]+$/)
        const segments = path.split('/')
        expect(segments.length).toBeLessThanOrEqual(8)
        for (const one of segments) {
          expect(one).not.toMatch(/^[. -]/)
          expect(one.length).toBeLessThanOrEqual(130)
        }
      }
    }),
    { seed, numRuns: 2000 },
  )
})

test('a path of one’s own is no other file’s, whatever the names', () => {
  const names = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 12 }), {
    minLength: 2,
    maxLength: 40,
  })
  fc.assert(
    fc.property(names, (all) => {
      const paths = all.map((raw) => ownPath(raw, 'north', '.csv'))
      expect(new Set(paths).size).toBe(all.length)
    }),
    { seed, numRuns: 300 },
  )
})
