/** One delivery of every bad kind there is, each with a value in its bad cell that may be told nowhere. */
import { deflateRawSync, gzipSync } from 'node:zlib'
import type { Row, TextFile } from './deliveries.ts'
import {
  cdlClaims,
  claimLines,
  encounters,
  fileName,
  medicalFile,
  medications,
  pharmacyFile,
  starClaims,
} from './deliveries.ts'
import { zipOf } from './zip.ts'

/** Stands in every bad cell; a person's name to whoever reads it. */
export const CANARY = 'Zanzibar Q. Canary'

const MONTH = '2024-01'
const NAME = fileName('medical', MONTH)
const ROWS = 40

const rows = (tag: string): readonly Row[] => encounters(MONTH, ROWS, tag)
/** Some of the rows changed; all of them without `count`. */
const spoiled = (tag: string, change: Row, count = 3): readonly Row[] =>
  rows(tag).map((row, at) => (at < count ? { ...row, ...change } : row))
const text = (tag: string): string => String(medicalFile(MONTH, rows(tag)).content)
const as = (content: string | Buffer, name = NAME): readonly TextFile[] => [{ name, content }]
const medical = (changed: readonly Row[]): readonly TextFile[] => [medicalFile(MONTH, changed)]
const lineChanged = (tag: string, line: number, change: (line: string) => string): string =>
  text(tag)
    .split('\n')
    .map((one, at) => (at === line - 1 ? change(one) : one))
    .join('\n')
const claims = (tag: string): TextFile => cdlClaims(MONTH, claimLines(MONTH, 20, tag))
const replaced = (file: TextFile, from: string | RegExp, to: string): readonly TextFile[] => [
  { ...file, content: String(file.content).replace(from, to) },
]

/** A ZIP archive of one member, compressed. */
function deflated(name: string, content: Buffer): Buffer {
  const packed = deflateRawSync(content, { level: 9 })
  const archive = zipOf({ [name]: packed })
  for (const [signature, method, length] of [
    ['PK\x03\x04', 8, 22],
    ['PK\x01\x02', 10, 24],
  ] as const) {
    const at = archive.indexOf(signature, 0, 'latin1')
    archive.writeUInt16LE(8, at + method)
    archive.writeUInt32LE(content.length, at + length)
  }
  return archive
}

/** The flag «encrypted» in both places that say so. */
function locked(archive: Buffer): Buffer {
  const copy = Buffer.from(archive)
  for (const [signature, flags] of [
    ['PK\x03\x04', 6],
    ['PK\x01\x02', 8],
  ] as const) {
    const at = copy.indexOf(signature, 0, 'latin1') + flags
    copy.writeUInt16LE(copy.readUInt16LE(at) | 1, at)
    // Of the packed bytes twelve are the cipher's own.
    const length = at + 16
    copy.writeUInt32LE(copy.readUInt32LE(length) - 12, length)
  }
  return copy
}

const ZIP = fileName('medical', MONTH, 'zip')
const PNG = Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), Buffer.from(CANARY)])
const WINDOWS = lineChanged('win', 5, (line) => line.replace('office visit', `${CANARY} caf\xe9`))

/** Drop → its files. */
export const BAD_DELIVERIES: Readonly<Record<string, readonly TextFile[]>> = {
  'beta/delimiter': as(text('delimiter').replaceAll(',', ';')),
  'beta/utf-16': as(Buffer.from(`\ufeff${text('utf-16')}`, 'utf16le')),
  'beta/windows-1252': as(Buffer.from(WINDOWS, 'latin1')),
  'beta/gzip-cut': as(gzipSync(text('gzip-cut')).subarray(0, -20), `${NAME}.gz`),
  'beta/zip-of-two': as(zipOf({ 'a.csv': text('zip-a'), 'b.csv': text('zip-b') }), ZIP),
  'beta/zip-locked': as(locked(zipOf({ 'a.csv': text('zip-locked') })), ZIP),
  'beta/zip-bomb': as(deflated('a.csv', Buffer.alloc(4 << 20, 'a,')), ZIP),
  'beta/zip-in-zip': as(zipOf({ 'a.zip': zipOf({ 'a.csv': text('nested') }) }), ZIP),
  'beta/quote-open': as(lineChanged('open', 7, (line) => line.replace('office', `"${CANARY}`))),
  'beta/quote-stray': as(
    lineChanged('stray', 8, (line) => line.replace('office visit', `"office" ${CANARY}`)),
  ),
  'beta/ragged': as(lineChanged('ragged', 9, (line) => `${line},${CANARY}`)),
  'beta/header-misspelt': as(text('misspelt').replace('PATIENT', 'PATEINT')),
  'beta/header-missing': as(text('headless').split('\n').slice(1).join('\n')),
  'beta/trailer-count': replaced(claims('tr'), /\|20\n$/, '|19\n'),
  'beta/control-differ': replaced(
    starClaims(MONTH, claimLines(MONTH, 20, 'hd')),
    'TR*S1*P1*MC*202401*202401',
    'TR*S1*P1*MC*202401*202402',
  ),
  'stranger/unknown': medical(rows('stranger')),
  'beta/unnamed': as(text('unnamed'), `dental_extract.csv`),
  'beta/other-month': medical(spoiled('month', { START: '2023-12-31T09:00:00Z' }, 2)),
  'beta/dates': medical(spoiled('dates', { START: CANARY })),
  'beta/decimals': medical(spoiled('decimals', { TOTAL_CLAIM_COST: CANARY })),
  'beta/empty': as(''),
  'beta/header-only': as(`${text('only').split('\n')[0] ?? ''}\n`),
  'beta/none-accepted': medical(spoiled('none', { START: CANARY }, ROWS)),
  'beta/stopped': [
    pharmacyFile(
      MONTH,
      medications(MONTH, ROWS).map((row) => ({ ...row, BASE_COST: CANARY })),
    ),
  ],
  'beta/nul': as(lineChanged('nul', 40, (line) => `${line}\0${CANARY}`)),
  'beta/long-line': as(lineChanged('long', 4, (line) => line + CANARY.repeat(250_000))),
  'beta/hard-rule': medical(spoiled('hard', { Id: CANARY, START: '2024-01-09T00:00:00Z' })),
  'beta/executable': as(Buffer.from(`\x7fELF\x02\x01\x01\0\0\0${CANARY}`, 'latin1')),
  'beta/pdf': as(`%PDF-1.7\n${CANARY}\n`),
  'beta/image': as(PNG),
  'beta/workbook': as(
    zipOf({ '[Content_Types].xml': '<Types/>', 'xl/workbook.xml': `<a>${CANARY}</a>` }),
    fileName('medical', MONTH, 'xlsx'),
  ),
  'beta/parquet': as(`PAR1${CANARY}PAR1`, fileName('medical', MONTH, 'parquet')),
}
