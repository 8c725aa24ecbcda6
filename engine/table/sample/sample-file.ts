/** The sample of any file: what it is, told by its first bytes and then its name, decides how. */
import { assert } from '../../core/errors.ts'
import { packageKind, type PackageKind } from '../package-kind.ts'
import { HEAD_BYTES, plainContent, Prefix } from './content.ts'
import type { RangedFile, Sample, SampleRequest } from './contract.ts'
import { CountedFile } from './counted-file.ts'
import { describedSample } from './described.ts'
import { gzipContent, gzipped } from './gzip-content.ts'
import { isLines, sampleJson, type NoSample } from './sample-json.ts'
import { skipBlanks } from './json-elements.ts'
import { sampleParquet } from './sample-parquet.ts'
import { sampleTar, sampleTarStream } from './sample-tar.ts'
import { sampleZip } from './sample-zip.ts'
import { LINES, linesOf, sampleText, type ContentSample } from './sample-text.ts'
import { textCoding } from './text-record.ts'

const EXTENSION = /(?:\.[a-z0-9]{1,10})?(?:\.gz(?:ip)?)$|\.[a-z0-9]{1,10}$/i
const PACKED = /\.gz(?:ip)?$/i
const JSON_LINES = /\.(?:jsonl|ndjson|ldjson)$/i
const JSON_TEXT = /\.(?:json|geojson)$/i
const DELIMITED = /\.(?:csv|tsv|psv|txt|dat|tab)$/i

/** What is no text, whatever its name says. */
const PACKAGE = /\.(?:zip|xlsx?|parquet|pq|tar|tgz|7z|rar|bz2|zst|xz|pdf)$/i

/** The extension that a sample of the same format has: `.csv.gz` of `a.b.csv.gz`. */
const extensionOf = (name: string): string => EXTENSION.exec(name)?.[0] ?? ''

/** Of a text: a page of a web server that is named `a.zip` is `.txt`, and none that unzip is to open. */
function textExtension(name: string, format: Sample['format']): string {
  const plain = name.replace(PACKED, '')
  if (!PACKAGE.test(plain)) return extensionOf(plain)
  return format === 'text' ? '.txt' : `.${format}`
}

/** A sample of a file. Reads at most `readBytesMax`; throws only what reading itself throws. */
export async function sampleFile(request: SampleRequest): Promise<Sample> {
  assert(request.readBytesMax >= HEAD_BYTES, 'a sample of less than 64 KiB is asked for')
  const file = new CountedFile(request.file, request.readBytesMax)
  const content = new Prefix(plainContent(file))
  await content.fill(HEAD_BYTES)
  const kind = packageKind(content.head)
  const { head } = content
  switch (kind) {
    case 'plain': {
      const found = await samplePlain({ prefix: content, name: file.name, file }, request)
      return finished(found, { file, kind: 'unknown', head })
    }
    case 'gzip':
      return sampleGzip(file, request)
    case 'xlsx':
      return finished({ reason: 'workbook' }, { file, kind, head })
    case 'parquet':
    case 'zip':
    case 'tar': {
      const sample = await samplePacked(kind, file, request)
      return { ...sample, readBytes: file.readBytes }
    }
  }
}

/** Of the limit what the first look left; what that saw is not read again. */
function samplePacked(
  kind: 'parquet' | 'zip' | 'tar',
  file: CountedFile,
  request: SampleRequest,
): Promise<Sample> {
  const rest = { ...request, file, readBytesMax: file.leftBytes }
  if (kind === 'parquet') return sampleParquet(rest)
  if (kind === 'tar') return sampleTar(rest)
  const sampleInner = (member: RangedFile): Promise<Sample> =>
    sampleFile({ ...request, file: member })
  return sampleZip({ ...rest, sampleInner })
}

async function sampleGzip(file: CountedFile, request: SampleRequest): Promise<Sample> {
  const content = new Prefix(gzipContent(file))
  try {
    await content.fill(HEAD_BYTES)
    const inner = packageKind(content.head)
    if (inner === 'tar') {
      const archive = { file, mask: request.mask }
      return await sampleTarStream(archive, content.stream(), () => file.readBytes)
    }
    const found = await sampleInside(content, inner, { ...request, file })
    return finished(found, { file, kind: 'gzip', head: content.head })
  } finally {
    await content.close()
  }
}

async function sampleInside(
  content: Prefix,
  inner: Exclude<PackageKind, 'tar'>,
  request: SampleRequest,
): Promise<ContentSample | NoSample> {
  if (inner === 'gzip') return { reason: 'gzip-nested' }
  if (inner !== 'plain') return { reason: `gzip-of-${inner}` }
  const name = request.file.name.replace(PACKED, '')
  const found = await samplePlain({ prefix: content, name }, request)
  if ('reason' in found) return found
  if (content.end === 'damaged' && found.records === 0) return { reason: 'gzip-damaged' }
  return { ...found, bytes: gzipped(found.bytes) }
}

interface PlainContent {
  readonly prefix: Prefix
  /** without what packs it */
  readonly name: string
  readonly file?: CountedFile
}

async function samplePlain(
  { prefix, name, file }: PlainContent,
  request: SampleRequest,
): Promise<ContentSample | NoSample> {
  const { head } = prefix
  if (isBinary(head)) return { reason: 'binary' }
  const format = textFormat(head, name)
  if (format === 'json') return sampleJson(prefix, request)
  const form = (format === 'text' ? request.textForm(head, name) : undefined) ?? linesOf(head)
  return sampleText({ prefix, form, format, ...(file !== undefined && { file }) }, request)
}

/** By its name; a name that says nothing leaves it to the first character. */
function textFormat(head: Buffer, name: string): 'text' | 'jsonl' | 'json' {
  if (JSON_LINES.test(name)) return 'jsonl'
  if (JSON_TEXT.test(name)) return 'json'
  if (DELIMITED.test(name)) return 'text'
  const at = skipBlanks(head, textCoding(head, LINES.syntax).markBytes)
  const first = String.fromCharCode(head[at] ?? 0)
  if (first === '{' && isLines(head, at)) return 'jsonl'
  return first === '{' || first === '[' ? 'json' : 'text'
}

/** So much of a file is looked at, and so much of that may be characters that no text has. */
const LOOK_BYTES = 1024
const CONTROL_SHARE_MAX = 0.05
/** A file with a hole behind its first lines is a text that was not written to its end. */
const HOLE = '\0'.repeat(16)
const MAGIC = ['%PDF-', 'BZh', '7z\xbc\xaf', 'Rar!', '(\xb5/\xfd', '\xfd7zXZ', 'SQLite format 3']
const CONTROL = /[\0-\x08\x0e-\x19\x7f]/g

function isBinary(head: Buffer): boolean {
  const wide = linesOf(head).syntax.encoding === 'utf-16'
  const look = wide
    ? wideText(head.subarray(0, LOOK_BYTES))
    : head.toString('latin1', 0, LOOK_BYTES)
  if (MAGIC.some((magic) => look.startsWith(magic))) return true
  const hole = look.indexOf(HOLE)
  const text = hole > 0 && /[\r\n]/.test(look.slice(0, hole)) ? look.slice(0, hole) : look
  const controls = text.match(CONTROL)?.length ?? 0
  return !text.isWellFormed() || controls > text.length * CONTROL_SHARE_MAX
}

/** Of UTF-16; half a pair at its end is left out. */
function wideText(look: Buffer): string {
  const units = Buffer.from(look.subarray(0, look.length - (look.length % 2)))
  const text = (look[0] === 0xfe ? units.swap16() : units).toString('utf16le')
  return /[\ud800-\udbff]$/.test(text) ? text.slice(0, -1) : text
}

interface Around {
  readonly file: CountedFile
  readonly kind: string
  readonly head: Buffer
}

function finished(found: ContentSample | NoSample, { file, kind, head }: Around): Sample {
  const { readBytes } = file
  const own = Buffer.from(head)
  if ('reason' in found) {
    return describedSample({ file, kind, reason: found.reason, readBytes, head: own })
  }
  const { name } = file
  const extension = kind === 'gzip' ? extensionOf(name) : textExtension(name, found.format)
  return { ...found, extension, readBytes, head: own }
}
