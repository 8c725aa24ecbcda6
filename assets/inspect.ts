/** Looks at one delivered file: its digest, what it really is, and its first records. */
import { createHash } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Transform, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { LogicalHead, PackageSecrets, ParseSpec, TableFormat } from '../engine/index.ts'
import {
  NO_SECRETS,
  isEngineError,
  logicalHeads,
  memberPattern,
  packageKind,
  peeked,
  tableFormat,
  unpackedHead,
  withoutFolders,
} from '../engine/index.ts'
import { textRecords } from '../registry/first-records.ts'
import type { FirstRecords } from '../registry/layout-fit.ts'
import type { Layout } from '../registry/layout.ts'
import type { DeliveredFile } from '../registry/route.ts'
import type { Kind, Refusal } from '../registry/sniff.ts'
import { SNIFF_BYTES, innerName, quarantineReason, sniff } from '../registry/sniff.ts'
import type { Sniffed } from '../registry/sniff.ts'

/** Bytes of the file that are kept to look at; a stream gives them in blocks of any size. */
const START_BYTES = 1 << 20
/** Decompressed bytes that routing may look at. */
const HEAD_BYTES = 256 * 1024

export interface InspectedFile {
  /** how the catalog names its bytes */
  readonly source: string
  readonly name: string
  readonly sizeBytes: number
  readonly sha256: string
  /** why it is not data; undefined: it goes on */
  readonly refusal: Refusal | undefined
  /** decompressed first bytes; of a package, a workbook or Parquet: none */
  readonly head: Buffer
  /** what a package holds that may be data, in its order, or the one table; undefined: it is text */
  readonly members: readonly LogicalHead[] | undefined
}

/**
 * Reads the file once; throws what its bytes throw. A package is copied to the scratch folder
 * meanwhile, since a ZIP archive says at its end what it holds.
 */
export async function inspect({
  source,
  name,
  bytes,
  scratch,
  secrets = NO_SECRETS,
}: {
  readonly source: string
  readonly name: string
  readonly bytes: AsyncIterable<Buffer>
  /** absolute; undefined: packages are refused */
  readonly scratch: string | undefined
  /** what opens encrypted packages; default none */
  readonly secrets?: PackageSecrets
}): Promise<InspectedFile> {
  const { head: first, all } = await peeked(bytes, START_BYTES)
  const head = await unpackedHead(first, HEAD_BYTES)
  const outer = sniff(first.subarray(0, SNIFF_BYTES), name)
  const inner =
    outer.kind === 'gzip' ? sniff(head.subarray(0, SNIFF_BYTES), innerName(name)) : outer
  const refusal = quarantineReason(outer, name)
  const isPackage = refusal === undefined && COPIED.has(inner.kind)
  if (!isPackage || scratch === undefined) {
    const file = { source, name, members: undefined, ...(await digested(all)) }
    if (refusal !== undefined) return { ...file, refusal, head: Buffer.alloc(0) }
    if (isPackage) return { ...file, refusal: UNPACKED, head: Buffer.alloc(0) }
    return { ...file, head, refusal: insideGzip(outer, inner, name) }
  }
  await mkdir(scratch, { recursive: true })
  const folder = await mkdtemp(join(scratch, 'tributary-package-'))
  try {
    const path = join(folder, 'package')
    const digest = await digested(all, path)
    const file = { source, name, head: Buffer.alloc(0), ...digest }
    const isTable = inner.kind === 'xlsx' || inner.kind === 'parquet'
    return { ...file, ...(await membersOf({ name, path, scratch: folder, secrets, isTable })) }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

const UNPACKED: Refusal = {
  status: 'NEEDS_REVIEW',
  code: 'FORMAT_NOT_READ',
  words: 'the file is a package, a workbook or Parquet: unpack it, or save it as text, first',
}

/** What says at its end what it holds. */
const COPIED: ReadonlySet<Kind> = new Set(['zip', 'tar', 'xlsx', 'parquet'])

const insideGzip = (outer: Sniffed, inner: Sniffed, name: string): Refusal | undefined =>
  outer.kind === 'gzip' ? quarantineReason(inner, innerName(name), { inside: 'gzip' }) : undefined

/** Hashes a stream, and copies it to `to`. */
async function digested(
  bytes: AsyncIterable<Buffer>,
  to?: string,
): Promise<Pick<InspectedFile, 'sha256' | 'sizeBytes'>> {
  const sum = createHash('sha256')
  let sizeBytes = 0
  const hashing = new Transform({
    transform: (block: Buffer, _encoding, done) => {
      sum.update(block)
      sizeBytes += block.length
      done(null, block)
    },
  })
  const sink =
    to === undefined ? new Writable({ write: (_, __, done) => done() }) : createWriteStream(to)
  await pipeline(bytes, hashing, sink)
  return { sha256: sum.digest('hex'), sizeBytes }
}

/** What of a package may be data: text and tables. What no sound program packs is refused in words. */
async function membersOf({
  isTable,
  ...package_
}: {
  readonly name: string
  readonly path: string
  readonly scratch: string
  readonly secrets: PackageSecrets
  /** it is no package, but a workbook or Parquet */
  readonly isTable: boolean
}): Promise<Pick<InspectedFile, 'members' | 'refusal'>> {
  try {
    const heads = await logicalHeads({ ...package_, signal: new AbortController().signal })
    const looked = heads.map((one) => {
      const inner = innerName(isTable ? package_.name : one.member)
      const sniffed = sniff(one.head.subarray(0, SNIFF_BYTES), inner)
      return { one, refusal: quarantineReason(sniffed, inner, { inside: 'package' }) }
    })
    const members = looked.filter(({ refusal }) => refusal === undefined).map(({ one }) => one)
    return { members, refusal: members.length === 0 ? looked[0]?.refusal : undefined }
  } catch (error) {
    if (!isEngineError(error, 'PARSE_FAILED')) throw error
    const { reason, detail } = error.context
    if (reason === 'PACKAGE_SECRET') {
      const words = `the package is not opened yet: ${detail}`
      return { members: [], refusal: { status: 'NEEDS_REVIEW', code: reason, words } }
    }
    const words = `the ${isTable ? 'file' : 'package'} is refused (${reason}): ${detail}`
    return { members: [], refusal: { status: 'QUARANTINED', code: 'PACKAGE_REFUSED', words } }
  }
}

/** What one layout looks at of a file. */
type FileHead = Pick<LogicalHead, 'head' | 'sheets'>

/** The first bytes that a layout reads; undefined: it reads no member, or cannot tell which. */
function headFor(file: InspectedFile, spec: ParseSpec): FileHead | undefined {
  if (file.members === undefined) return file
  const pattern = spec.package?.members
  const isAlone = file.members[0]?.member === ''
  const wanted = pattern === undefined || isAlone ? null : memberPattern(pattern)
  const own = file.members.filter(({ member }) => {
    return wanted === null || wanted.test(withoutFolders(member))
  })
  return wanted === null && own.length > 1 ? undefined : own[0]
}

const formatOf = ({ head }: FileHead): TableFormat | undefined => {
  const kind = packageKind(head)
  return kind === 'xlsx' || kind === 'parquet' ? kind : undefined
}

/** Why a file waits whose format no active layout has; undefined: some layout reads its format. */
export function unreadFormat(file: InspectedFile, layouts: readonly Layout[]): Refusal | undefined {
  const formats = new Set((file.members ?? [file]).map(formatOf))
  const isRead = layouts.some(
    ({ slices: { route } }) => route.status === 'ACTIVE' && formats.has(route.format),
  )
  const [format] = formats
  if (file.refusal !== undefined || isRead || format === undefined) return file.refusal
  const what = format === 'xlsx' ? 'an Excel workbook' : 'a Parquet file'
  return {
    status: 'NEEDS_REVIEW',
    code: 'FORMAT_NOT_READ',
    words: `it is ${what}, and no active layout has that format: send it as text, or write the layout`,
  }
}

/** What routing asks of a file: its first records as each layout's dialect reads them. */
export function describe(file: InspectedFile, layouts: readonly Layout[]): DeliveredFile {
  const byLayout: Record<string, FirstRecords> = {}
  for (const { id, slices } of layouts) {
    if (slices.route.status !== 'ACTIVE') continue
    const head = headFor(file, slices.parse)
    if (head !== undefined) byLayout[id] = formRecords(head, slices.parse)
  }
  return { name: file.name, byLayout }
}

/** Only what has the layout's format is read as it says. */
function formRecords(file: FileHead, spec: ParseSpec): FirstRecords {
  const format = formatOf(file)
  if (format === undefined) {
    return tableFormat(spec) === undefined ? textRecords(file.head, spec) : {}
  }
  if (spec.format !== format || file.sheets === undefined) return { format }
  const { sheet } = spec
  const found = file.sheets.find(({ name }, at) =>
    sheet !== undefined && 'name' in sheet ? name === sheet.name : at + 1 === (sheet?.number ?? 1),
  )
  if (found === undefined) return { format, lacksSheet: true }
  return { format, ...textRecords(Buffer.from(found.text), spec) }
}
