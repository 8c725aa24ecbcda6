/**
 * Says what a file is by its first bytes, and whether its name agrees.
 *
 * A checksum proves nothing about content: real collections hold error pages stored as `.zip` with
 * a recorded SHA-256 (domain reference §0.6). So nothing is parsed that was not sniffed. Magic
 * numbers: the `file` database's well-known ones (RFC 1952 gzip, APPNOTE 4.3.7 zip, …).
 */

export type Kind =
  | 'text'
  | 'gzip'
  | 'zip'
  | 'xlsx'
  | 'office'
  | 'parquet'
  | 'pdf'
  | 'html'
  | 'xml'
  | 'json'
  | 'pgp'
  | 'bzip2'
  | 'xz'
  | 'zstd'
  | '7z'
  | 'rar'
  | 'tar'
  | 'sqlite'
  | 'image'
  | 'empty'
  | 'binary'

export interface Sniffed {
  readonly kind: Kind
  /** `an HTML page`: fits after "holds" */
  readonly words: string
}

/** Why a file does not go on to parse. */
export interface Refusal {
  /** QUARANTINED: the bytes are not what the name says. NEEDS_REVIEW: known, not read yet */
  readonly status: 'QUARANTINED' | 'NEEDS_REVIEW'
  readonly code:
    | 'EMPTY'
    | 'NAME_AND_CONTENT_DIFFER'
    | 'NOT_DATA'
    | 'FORMAT_NOT_READ'
    | 'PACKAGE_REFUSED'
    | 'PACKAGE_SECRET'
  readonly words: string
}

/** How many first bytes `sniff` wants; fewer are fine when the file is shorter. */
export const SNIFF_BYTES = 4096

interface Format {
  readonly words: string
  /** extensions that go with the format, with their dot; the first is the usual one */
  readonly extensions: readonly string[]
}
const FORMATS: Readonly<Record<Kind, Format>> = {
  text: { words: 'text', extensions: ['.csv', '.txt', '.psv', '.tsv', '.tab', '.dat', '.asc', ''] },
  gzip: { words: 'gzip-compressed data', extensions: ['.gz', '.tgz'] },
  zip: { words: 'a ZIP archive', extensions: ['.zip'] },
  xlsx: { words: 'an Excel workbook', extensions: ['.xlsx', '.xlsm'] },
  office: { words: 'an old Office document', extensions: ['.xls', '.doc'] },
  parquet: { words: 'a Parquet file', extensions: ['.parquet', '.pq'] },
  pdf: { words: 'a PDF document', extensions: ['.pdf'] },
  html: { words: 'an HTML page', extensions: ['.html', '.htm'] },
  xml: { words: 'an XML document', extensions: ['.xml'] },
  json: { words: 'a JSON document', extensions: ['.json', '.jsonl', '.ndjson'] },
  pgp: { words: 'a PGP-encrypted message', extensions: ['.pgp', '.gpg', '.asc'] },
  bzip2: { words: 'bzip2-compressed data', extensions: ['.bz2'] },
  xz: { words: 'xz-compressed data', extensions: ['.xz'] },
  zstd: { words: 'Zstandard-compressed data', extensions: ['.zst'] },
  '7z': { words: 'a 7-Zip archive', extensions: ['.7z'] },
  rar: { words: 'a RAR archive', extensions: ['.rar'] },
  tar: { words: 'a tar archive', extensions: ['.tar'] },
  sqlite: { words: 'a SQLite database', extensions: ['.sqlite', '.db'] },
  image: { words: 'an image', extensions: ['.png', '.jpg', '.jpeg', '.gif'] },
  empty: { words: 'no bytes at all', extensions: [] },
  binary: { words: 'binary data of no known format', extensions: [] },
}

/** Magic numbers as Latin-1 text, at byte 0 unless said otherwise. First match wins. */
const MAGIC: readonly (readonly [kind: Kind, magic: string, offset?: number])[] = [
  ['gzip', '\x1f\x8b'],
  ['parquet', 'PAR1'],
  ['pdf', '%PDF-'],
  ['office', '\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1'],
  ['bzip2', 'BZh'],
  ['xz', '\xfd7zXZ\0'],
  ['zstd', '\x28\xb5\x2f\xfd'],
  ['7z', '7z\xbc\xaf\x27\x1c'],
  ['rar', 'Rar!\x1a\x07'],
  ['sqlite', 'SQLite format 3\0'],
  ['image', '\x89PNG\r\n\x1a\n'],
  ['image', '\xff\xd8\xff'],
  ['image', 'GIF8'],
  ['pgp', '-----BEGIN PGP'],
  ['tar', 'ustar', 257],
]
const ZIP = /^PK(?:\x03\x04|\x05\x06|\x07\x08)/
// The first entry of every workbook Excel, LibreOffice and their libraries write.
const WORKBOOK = /\[Content_Types\]\.xml|xl\/workbook\.xml|_rels\/\.rels/

const kindOf = (kind: Kind): Sniffed => ({ kind, words: FORMATS[kind].words })

/**
 * What the first bytes are. `name` only settles what bytes cannot: an empty ZIP and a workbook.
 *
 * Reads at most SNIFF_BYTES. Never throws.
 */
export function sniff(firstBytes: Uint8Array, name: string): Sniffed {
  const bytes = Buffer.from(firstBytes.subarray(0, SNIFF_BYTES))
  if (bytes.length === 0) return kindOf('empty')
  const latin = bytes.toString('latin1')
  const magic = MAGIC.find(([, mark, offset = 0]) => latin.startsWith(mark, offset))
  if (magic !== undefined) return kindOf(magic[0])
  if (ZIP.test(latin)) {
    const isBook = WORKBOOK.test(latin) && FORMATS.xlsx.extensions.includes(extensionOf(name))
    return kindOf(isBook ? 'xlsx' : 'zip')
  }
  const text = decode(bytes)
  if (text === undefined) return kindOf('binary')
  if (text.trim() === '') return { kind: 'empty', words: 'nothing but white space' }
  return kindOf(markup(text) ?? 'text')
}

// Not counted: tab, line ends, form feed, the Ctrl-Z old systems end a file with, and the control
// characters that serve as delimiters (0x01, 0x1c to 0x1f).
const CONTROL = /[\x00\x02-\x08\x0b\x0e-\x19\x1b]/g

/** The bytes as text, or undefined when they are not: a NUL, or more than 1 % control bytes. */
function decode(bytes: Buffer): string | undefined {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return bytes.toString('utf16le')
  if (bytes[0] === 0xfe && bytes[1] === 0xff) {
    return Buffer.from(bytes.subarray(0, bytes.length & ~1))
      .swap16()
      .toString('utf16le')
  }
  if (bytes.includes(0)) return undefined
  const text = bytes.toString('latin1')
  return (text.match(CONTROL)?.length ?? 0) * 100 > bytes.length ? undefined : text
}

const HTML_TAG =
  /^<(?:!doctype\s+html|html|head|body|meta|title|script|style|div|p|h1|table)[\s>/]/i
const HTML_SOON = /<!doctype\s+html|<html[\s>]/i
const XML = /^<(?:\?xml\s|!--|!doctype\s|[a-z_][\w.:-]*(?:\s[^<>]*)?>[^<,|\t]*<)/i
const JSON_START = /^(?:\{\s*(?:"|\}|$)|\[\s*[[{])/

/** Text that is a document rather than records. */
function markup(text: string): Kind | undefined {
  const start = text.replace(/^(?:\ufeff|\xef\xbb\xbf)?\s*/, '')
  if (HTML_TAG.test(start)) return 'html'
  if (XML.test(start)) return HTML_SOON.test(start) ? 'html' : 'xml'
  return JSON_START.test(start) ? 'json' : undefined
}

/** The last extension in lower case with its dot; '' when there is none, or none in plain letters. */
function extensionOf(name: string): string {
  return /[^/]\.([a-z0-9]{1,10})$/i.exec(name)?.[0].slice(1).toLowerCase() ?? ''
}

/** The name of what a gzip file holds: `claims.csv.gz` holds `claims.csv`. */
export const innerName = (name: string): string => name.replace(/\.gz$/i, '')

/**
 * Why this file is not parsed, in words; undefined when it goes on (text, a table, or what packs
 * them).
 *
 * `inside` is for the first bytes of what a package holds, under `innerName`: text and tables are
 * taken, and a tar archive in gzip.
 */
export function quarantineReason(
  { kind, words }: Sniffed,
  name: string,
  { inside }: { readonly inside?: 'gzip' | 'package' } = {},
): Refusal | undefined {
  const extension = extensionOf(name)
  const where = inside === undefined ? `the file ${named(extension)}` : 'the compressed file'
  if (kind === 'empty' || kind === 'binary') {
    const code = kind === 'empty' ? 'EMPTY' : 'NOT_DATA'
    return { status: 'QUARANTINED', code, words: `${where} holds ${words}` }
  }
  const agrees = FORMATS[kind].extensions.includes(extension) || unclaimed(kind, extension)
  if (!agrees) {
    const tail = kind === 'html' || kind === 'xml' ? ', perhaps an error page saved as data' : ''
    return {
      status: 'QUARANTINED',
      code: 'NAME_AND_CONTENT_DIFFER',
      words: `${where} holds ${words}${tail}; it was not read`,
    }
  }
  if (hasRecords(kind, extension) || packs(kind, inside) || isTable(kind)) return undefined
  if (kind === 'html') {
    return { status: 'QUARANTINED', code: 'NOT_DATA', words: `${where} holds ${words}, not data` }
  }
  return {
    status: 'NEEDS_REVIEW',
    code: 'FORMAT_NOT_READ',
    words: `${where} holds ${words}: text, JSON lines, workbooks and Parquet are read, plain or in gzip, ZIP or tar; send it as one of those`,
  }
}

/** One document a line; a file that is one document has no records. */
const JSON_LINES: ReadonlySet<string> = new Set(['.jsonl', '.ndjson'])

/** Read where a layout has that format. */
const isTable = (kind: Kind): boolean => kind === 'xlsx' || kind === 'parquet'

/** gzip, ZIP and tar; inside gzip a tar, inside those two gzip of one file. */
const packs = (kind: Kind, inside: 'gzip' | 'package' | undefined): boolean =>
  kind === 'tar'
    ? inside !== 'package'
    : kind === 'gzip'
      ? inside !== 'gzip'
      : kind === 'zip' && inside === undefined

const hasRecords = (kind: Kind, extension: string): boolean =>
  kind === 'text' || (kind === 'json' && JSON_LINES.has(extension))

const named = (extension: string): string =>
  extension === '' ? 'without an extension' : `named ${extension}`

const CLAIMED = new Set(Object.values(FORMATS).flatMap(({ extensions }) => extensions))

/** Text may have an extension that no format claims (`.202101`, `.mc`): routing judges the name. */
const unclaimed = (kind: Kind, extension: string): boolean =>
  kind === 'text' && !CLAIMED.has(extension)
