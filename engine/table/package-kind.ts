/**
 * What packs files, told by first bytes: RFC 1952 gzip, APPNOTE 4.3.7 ZIP, POSIX.1 ustar tar; and
 * what is no text although nothing has to be unpacked: a workbook, a Parquet file.
 */

export type PackageKind = 'gzip' | 'zip' | 'tar' | 'xlsx' | 'parquet' | 'plain'

export const PACKAGE_WORDS: Readonly<Record<Exclude<PackageKind, 'plain'>, string>> = {
  gzip: 'gzip-compressed data',
  zip: 'a ZIP archive',
  tar: 'a tar archive',
  xlsx: 'an Excel workbook',
  parquet: 'a Parquet file',
}

const USTAR_AT = 257
/** First bytes that `packageKind` wants. */
export const MAGIC_BYTES = USTAR_AT + 5

/** What the first part of a workbook is called. */
const WORKBOOK = /^(?:\[Content_Types\]\.xml$|_rels\/|xl\/|docProps\/|customXml\/)/
const NAME = { lengthAt: 26, at: 30 }
/** Magic bytes, and how what they are followed by begins. */
const PARQUET = 'PAR1\x15'
const ZIP = ['PK\x03\x04', 'PK\x05\x06', 'PK\x07\x08']

/** What packs the bytes behind these first ones, at best MAGIC_BYTES of them. */
export function packageKind(head: Buffer): PackageKind {
  if (head[0] === 0x1f && head[1] === 0x8b) return 'gzip'
  if (ZIP.includes(head.toString('latin1', 0, 4))) return isWorkbook(head) ? 'xlsx' : 'zip'
  if (head.toString('latin1', 0, PARQUET.length) === PARQUET) return 'parquet'
  return head.toString('latin1', USTAR_AT, MAGIC_BYTES) === 'ustar' ? 'tar' : 'plain'
}

function isWorkbook(head: Buffer): boolean {
  if (head.length < NAME.at) return false
  const end = NAME.at + head.readUInt16LE(NAME.lengthAt)
  return WORKBOOK.test(head.toString('latin1', NAME.at, end))
}
