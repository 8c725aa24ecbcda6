import fc from 'fast-check'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { innerName, quarantineReason, sniff, type Kind } from '../../registry/sniff.ts'

const CSV = 'id,start\n1,2024-01-02\n'
const judge = (content: string | Uint8Array, name: string) => {
  const bytes = typeof content === 'string' ? Buffer.from(content, 'latin1') : content
  return quarantineReason(sniff(bytes, name), name)
}

test('every format is known by its first bytes', () => {
  const samples: readonly (readonly [Kind, string | Uint8Array])[] = [
    ['text', CSV],
    ['text', '\xef\xbb\xbfid,start\n'],
    ['text', 'HD|X1|PAYER|MC|202401\r\n\x1a'],
    ['text', 'caf\xe9|1\n'],
    ['text', 'a\x01b\x01c\n'],
    ['text', '<5,normal\n'],
    ['text', '[1],2\n'],
    ['text', Buffer.from('\ufeffid,start\n', 'utf16le')],
    ['gzip', gzipSync(CSV)],
    ['zip', 'PK\x03\x04\x14\0\0\0claims.csv'],
    ['zip', 'PK\x05\x06' + '\0'.repeat(18)],
    ['html', '<!DOCTYPE html><html></html>'],
    ['html', '\n  <HTML><head>'],
    ['html', '<?xml version="1.0"?><!DOCTYPE html PUBLIC "">'],
    ['html', '<meta http-equiv="refresh" content="0">'],
    ['html', '<!-- saved -->\n<html>'],
    ['xml', '<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>'],
    ['xml', '<claims>\n  <claim id="1"/>'],
    ['json', '{"error":"not found"}'],
    ['json', '[{"a":1}]'],
    ['pdf', '%PDF-1.7\n'],
    ['office', '\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1'],
    ['parquet', 'PAR1\x15\x04'],
    ['pgp', '-----BEGIN PGP MESSAGE-----\n'],
    ['7z', '7z\xbc\xaf\x27\x1c'],
    ['zstd', '\x28\xb5\x2f\xfd'],
    ['sqlite', 'SQLite format 3\0'],
    ['tar', 'claims.csv'.padEnd(257, '\0') + 'ustar'],
    ['empty', ''],
    ['empty', ' \r\n\n'],
    ['binary', 'ab\0cd'],
    ['binary', '\x02\x03\x04\x05abc'],
  ]
  for (const [kind, content] of samples) {
    const bytes = typeof content === 'string' ? Buffer.from(content, 'latin1') : content
    expect([kind, sniff(bytes, 'x.csv').kind]).toEqual([kind, kind])
  }
})

test('a workbook is told from a ZIP by its first entry and its name', () => {
  const book = Buffer.from('PK\x03\x04' + '\0'.repeat(26) + '[Content_Types].xml', 'latin1')
  expect(sniff(book, 'a.xlsx').kind).toBe('xlsx')
  expect(sniff(book, 'a.zip').kind).toBe('zip')
})

test('text and gzip go on', () => {
  for (const name of ['a.csv', 'a.TXT', 'a.dat', 'medical', 'OR_MC_202401.mc', 'a.202401']) {
    expect(judge(CSV, name)).toBeUndefined()
  }
  expect(judge(gzipSync(CSV), 'a.csv.gz')).toBeUndefined()
})

test('an HTML page under a data name is quarantined with the reason in words', () => {
  const page = '<!DOCTYPE html>\n<html><title>Error: Page Not Found</title></html>'
  expect(judge(page, 'medical_202412_202412.csv')).toEqual({
    status: 'QUARANTINED',
    code: 'NAME_AND_CONTENT_DIFFER',
    words:
      'the file named .csv holds an HTML page, perhaps an error page saved as data; it was not read',
  })
  expect(judge(page, 'rvu25d.zip')?.words).toMatch(/named \.zip holds an HTML page/)
  expect(judge(page, 'RVU25A')?.words).toMatch(/without an extension holds an HTML page/)
  expect(judge(page, 'page.html')).toMatchObject({ status: 'QUARANTINED', code: 'NOT_DATA' })
})

test('a name that says another format than the bytes is quarantined', () => {
  const differ: readonly (readonly [string | Uint8Array, string])[] = [
    ['PK\x03\x04', 'claims.csv'],
    [gzipSync(CSV), 'claims.csv'],
    [CSV, 'claims.csv.gz'],
    [CSV, 'claims.zip'],
    [CSV, 'claims.parquet'],
    ['%PDF-1.7', 'claims.txt'],
    ['{"error":1}', 'claims.csv'],
  ]
  for (const [content, name] of differ) {
    expect(judge(content, name)).toMatchObject({
      status: 'QUARANTINED',
      code: 'NAME_AND_CONTENT_DIFFER',
    })
  }
})

test('empty and binary files are quarantined', () => {
  expect(judge('', 'a.csv')).toMatchObject({ status: 'QUARANTINED', code: 'EMPTY' })
  expect(judge('\n\n', 'a.csv')?.words).toBe('the file named .csv holds nothing but white space')
  expect(judge('a\0b', 'a.csv')).toMatchObject({ status: 'QUARANTINED', code: 'NOT_DATA' })
})

test('a known format under its own name waits for a person who is told what it is', () => {
  for (const [content, name, words] of [
    ['\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1', 'a.xls', 'an old Office document'],
    ['%PDF-1.4', 'guide.pdf', 'a PDF document'],
    ['{"a":1}', 'a.json', 'a JSON document'],
  ] as const) {
    const reason = judge(content, name)
    expect(reason).toMatchObject({ status: 'NEEDS_REVIEW', code: 'FORMAT_NOT_READ' })
    expect(reason?.words).toContain(words)
  }
})

test('what a gzip file holds is judged too, and only text goes on', () => {
  const inside = (content: string | Uint8Array, name: string) => {
    const inner = innerName(name)
    const bytes = typeof content === 'string' ? Buffer.from(content, 'latin1') : content
    return quarantineReason(sniff(bytes, inner), inner, { inside: 'gzip' })
  }
  expect(innerName('a.csv.GZ')).toBe('a.csv')
  expect(inside(CSV, 'a.csv.gz')).toBeUndefined()
  expect(inside(CSV, 'medical_202401_202412.gz')).toBeUndefined()
  expect(inside(gzipSync(CSV), 'a.gz.gz')).toMatchObject({ status: 'NEEDS_REVIEW' })
  expect(inside('<html><body>', 'a.csv.gz')).toMatchObject({ status: 'QUARANTINED' })
  expect(inside('', 'a.csv.gz')?.words).toBe('the compressed file holds no bytes at all')
})

test('no bytes and no name make it throw, and words hold no control characters', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 600 }), fc.string(), (bytes, name) => {
      const reason = quarantineReason(sniff(bytes, name), name)
      expect(reason?.words ?? 'none').toMatch(/^[\x20-\x7e]+$/)
    }),
  )
})

const PAGES = new URL('../../../shared/data/real/cms-html/', import.meta.url)

test('the five real pages stored as .zip are quarantined', () => {
  if (!existsSync(PAGES)) {
    console.warn('not run: the real pages of ../shared/data/real/cms-html are absent')
    return
  }
  const names = readdirSync(PAGES).filter((name) => name.endsWith('.zip'))
  expect(names).toHaveLength(5)
  for (const name of names) {
    expect(judge(readFileSync(new URL(name, PAGES)), name)).toMatchObject({ status: 'QUARANTINED' })
  }
})
