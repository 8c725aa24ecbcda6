/**
 * The sample of a ZIP archive: a list of what it holds, and a sample of its first small data member.
 *
 * A stranger wrote the archive. Of what it says only names are kept, made printable; a member is
 * unpacked where its two headers agree and nothing else lies in its place, into memory alone.
 */
import { crc32 } from 'node:zlib'
import type yauzl from 'yauzl'
import { isEngineError } from '../../core/errors.ts'
import { printable } from '../../core/printable.ts'
import { isOfTheSystem, nameProblem, withoutFolders } from '../member-gate.ts'
import { MAGIC_BYTES, packageKind } from '../package-kind.ts'
import { PACKAGE_LIMITS } from '../package-limits.ts'
import { fail } from '../parse-failure.ts'
import { isSpecial, localRange, zipFailure } from '../zip-members.ts'
import type { RangedFile, Sample, SampleRequest } from './contract.ts'
import { describedSample } from './described.ts'
import { HeldRanges, ReadLimit } from './held-ranges.ts'
import { hiddenNames } from './hidden-text.ts'
import { openZip } from './ranged-zip.ts'
import { zipBytes, type ZipPart } from './zip-writer.ts'

export interface ZipSampleRequest extends Pick<SampleRequest, 'file' | 'readBytesMax' | 'mask'> {
  /** samples one member, at most 1 MB of it in memory; never a ZIP, a workbook or a tar archive */
  readonly sampleInner: (file: RangedFile, name: string) => Promise<Sample>
}

/** Members that the list names, and among which the one to sample is looked for. */
const LISTED_MAX = 1000
/** Of the member that is sampled, unpacked. */
const SMALL_BYTES = 1_000_000
/** Members that are opened to see whether they are packages themselves. */
const OPENED_MAX = 8
const LIST_NAME = '_manifest.txt'
const STORED = 0
const DEFLATED = 8
const DEFLATE_RATIO_MAX = 1032
const LOCAL_HEADER_BYTES = 30

/** Samples the archive; one that is no sound ZIP is only described. */
export async function sampleZip(request: ZipSampleRequest): Promise<Sample> {
  const { file } = request
  const ranges = new HeldRanges(file, request.readBytesMax)
  try {
    return await sampled(request, ranges)
  } catch (error) {
    const said = whyNot(error, file)
    if (said === undefined) throw error
    const { readBytes } = ranges
    return describedSample({ file, kind: 'zip', ...said, readBytes, head: Buffer.alloc(0) })
  }
}

function whyNot(
  error: unknown,
  file: RangedFile,
): { readonly reason: string; readonly detail: string } | undefined {
  if (error instanceof ReadLimit) {
    const detail = `${error.wantedBytes} bytes more would have to be read to know what is in it`
    return { reason: 'over-limit', detail }
  }
  const failure = isEngineError(error, 'PARSE_FAILED') ? error : zipFailure(error, file.name)
  if (failure === null) return undefined
  const reason = failure.context.reason.toLowerCase().replaceAll('_', '-')
  return { reason, detail: WORDS[reason] ?? 'the ZIP archive is damaged or cut off' }
}

/** By reason; what a failure says itself may name a member. */
const WORDS: Readonly<Record<string, string>> = {
  'package-name': 'a member has a path for a name',
  'package-encrypted': 'its directory is encrypted',
  'package-unsupported': 'it is one part of several',
}

async function sampled(request: ZipSampleRequest, ranges: HeldRanges): Promise<Sample> {
  const { file, sampleInner } = request
  const isSmall = file.sizeBytes <= ranges.leftBytes
  if (isSmall) await ranges.read(0, file.sizeBytes)
  const zip = await openZip(ranges)
  const { entries, isCut } = await listed(zip)
  refuseLies(entries, file.name)
  if (isSmall) for (const entry of entries) await localRange(zip, entry, file.name)
  const names = shownNames(entries, request.mask)
  const member = await firstSmall({ zip, entries, names, ranges, file: file.name })
  const inner = member === undefined ? undefined : await sampleInner(inMemory(member), member.name)
  const parts: ZipPart[] = [{ name: LIST_NAME, bytes: listOf(zip, { entries, names, isCut }) }]
  if (member !== undefined && inner !== undefined) parts.push(partOf(member.name, inner))
  return {
    bytes: await zipBytes(parts),
    extension: '.zip',
    format: 'zip',
    records: inner?.records ?? 0,
    isWhole: zip.entryCount === 1 && inner?.isWhole === true,
    isCut,
    readBytes: ranges.readBytes,
    head: inner?.head ?? Buffer.alloc(0),
    columns: inner?.columns ?? [],
  }
}

/** The first entries of the directory; what lies behind the limit of bytes is left. */
async function listed(
  zip: yauzl.ZipFile,
): Promise<{ readonly entries: readonly yauzl.Entry[]; readonly isCut: boolean }> {
  const entries: yauzl.Entry[] = []
  try {
    for await (const entry of zip.eachEntry()) {
      entries.push(entry)
      if (entries.length === LISTED_MAX) break
    }
  } catch (error) {
    if (!(error instanceof ReadLimit) || entries.length === 0) throw error
    return { entries, isCut: true }
  }
  return { entries, isCut: false }
}

/** Deflate makes at most 1,032 bytes of one: who tells more did not pack them. */
function refuseLies(entries: readonly yauzl.Entry[], file: string): void {
  const isLie = entries.some(
    ({ compressionMethod, compressedSize, uncompressedSize }) =>
      compressionMethod === DEFLATED && uncompressedSize > DEFLATE_RATIO_MAX * compressedSize,
  )
  if (isLie) fail(file, 'PACKAGE_CORRUPT', 'a member tells a size that it cannot have')
}

/** A member may be called by a person's name. */
function shownNames(entries: readonly yauzl.Entry[], mask: SampleRequest['mask']) {
  const names = entries.map(({ fileName }) => fileName)
  return mask === undefined ? names : hiddenNames(names)
}

type Listed = Pick<Archive, 'entries' | 'names'> & { readonly isCut: boolean }

function listOf(zip: yauzl.ZipFile, { entries, names, isCut }: Listed): Buffer {
  const lines = entries.map(
    (entry, at) =>
      `${printable(names[at] as string)}\t${entry.uncompressedSize}\t${entry.compressedSize}\t${noteOf(entry)}`,
  )
  const more = zip.entryCount - entries.length
  const closing =
    more > 0 ? [`… and ${more} more${isCut ? ', cut at the limit of bytes' : ''}`] : []
  return Buffer.from(['name\tsize\tpacked\tnote', ...lines, ...closing, ''].join('\n'))
}

function noteOf(entry: yauzl.Entry): string {
  if (entry.fileName.endsWith('/')) return 'folder'
  if (isSpecial(entry)) return 'a link or a device'
  if (entry.isEncrypted()) return 'encrypted'
  if (!isReadable(entry)) return `packed by method ${entry.compressionMethod}`
  return ''
}

const isReadable = ({ compressionMethod: method }: yauzl.Entry): boolean =>
  method === STORED || method === DEFLATED

interface SmallMember {
  /** as it is shown */
  readonly name: string
  readonly bytes: Buffer
}

interface Archive {
  readonly zip: yauzl.ZipFile
  readonly entries: readonly yauzl.Entry[]
  /** as they are shown, one an entry */
  readonly names: readonly string[]
  readonly ranges: HeldRanges
  /** as errors name it */
  readonly file: string
}

/** The first member that is a plain small file; undefined: there is none. Throws PARSE_FAILED. */
async function firstSmall(archive: Archive): Promise<SmallMember | undefined> {
  const { entries, names, ranges } = archive
  let opened = 0
  for (const [at, entry] of entries.entries()) {
    const isNear = entry.compressedSize + LOCAL_HEADER_BYTES < ranges.leftBytes
    if (opened === OPENED_MAX || !isCandidate(entry) || !isNear) continue
    opened += 1
    const bytes = await memberBytes(archive, entry)
    const kind = packageKind(bytes.subarray(0, MAGIC_BYTES))
    if (kind !== 'zip' && kind !== 'xlsx' && kind !== 'tar')
      return { name: names[at] as string, bytes }
  }
  return undefined
}

const isCandidate = (entry: yauzl.Entry): boolean =>
  noteOf(entry) === '' &&
  nameProblem(entry.fileName, PACKAGE_LIMITS.nameBytes) === undefined &&
  !entry.fileNameRaw.includes('\\') &&
  !isOfTheSystem(entry.fileName) &&
  withoutFolders(entry.fileName).toLowerCase() !== LIST_NAME &&
  entry.uncompressedSize > 0 &&
  entry.uncompressedSize <= SMALL_BYTES &&
  entry.compressedSize <= SMALL_BYTES

async function memberBytes({ zip, entries, file }: Archive, entry: yauzl.Entry): Promise<Buffer> {
  const { start, end } = await localRange(zip, entry, file)
  const isShared = entries.some((other) => {
    const from = other.relativeOffsetOfLocalHeader
    const to = from + LOCAL_HEADER_BYTES + other.fileNameLength + other.compressedSize
    return other !== entry && from < end && start < to
  })
  if (isShared) fail(file, 'PACKAGE_CORRUPT', 'its members lie over one another')
  const blocks: Buffer[] = []
  // yauzl ends the stream at the size that the directory tells.
  for await (const block of await zip.openReadStreamPromise(entry)) blocks.push(block as Buffer)
  const bytes = Buffer.concat(blocks)
  if (crc32(bytes) !== entry.crc32) {
    fail(file, 'PACKAGE_CORRUPT', 'a member does not have its checksum')
  }
  return bytes
}

function inMemory({ name, bytes }: SmallMember): RangedFile {
  return {
    name: withoutFolders(name),
    sizeBytes: bytes.length,
    read: async (from, to) => bytes.subarray(from, to),
  }
}

const partOf = (name: string, { bytes, format, extension }: Sample): ZipPart => ({
  name: format === 'described' ? `${name}${extension}` : name,
  bytes,
})
