/**
 * The members of a ZIP archive, checked before one byte of them is read.
 *
 * Beside what yauzl checks (names, sizes, ZIP64, several disks): links, weak encryption, names and sizes
 * that the two headers of a member tell differently, members that overlap (one stream under many
 * names is how a small archive holds 281 TB), and the CRC-32 of what came out.
 * Source of the rules: APPNOTE 6.3.10; D. Fifield, «A better zip bomb», 2019.
 */
import { crc32 } from 'node:zlib'
import yauzl from 'yauzl'
import { EngineError } from '../core/errors.ts'
import type { Member, PackageRequest } from './member.ts'
import { fail, type ParseFailureCode } from './parse-failure.ts'
import { decrypted, encryptionOf } from './zip-aes.ts'

/** Yields the data members in the order of the directory. Throws PARSE_FAILED. */
export async function* zipMembers(path: string, request: PackageRequest): AsyncGenerator<Member> {
  const zip = await opened(path, request.file)
  try {
    for (const entry of await listed(zip, request)) {
      const { fileName: name, compressedSize, uncompressedSize } = entry
      const before = entry.relativeOffsetOfLocalHeader
      yield {
        name,
        open: () => entryBytes(zip, entry, request),
        packageBytes: (bytes) =>
          before + Math.round((compressedSize * bytes) / Math.max(1, uncompressedSize)),
      }
    }
  } finally {
    zip.close()
  }
}

async function opened(path: string, file: string): Promise<yauzl.ZipFile> {
  try {
    return await yauzl.openPromise(path, { strictFileNames: true, autoClose: false })
  } catch (error) {
    throw zipFailure(error, file) ?? error
  }
}

/** The entries that are data; the others were checked too. */
async function listed(zip: yauzl.ZipFile, request: PackageRequest): Promise<yauzl.Entry[]> {
  const { file, gate, budget } = request
  gate.checkCount(zip.entryCount)
  const data: yauzl.Entry[] = []
  const ranges: Range[] = []
  let declaredBytes = 0
  try {
    for await (const entry of zip.eachEntry()) {
      const isData = gate.admits(entry.fileName)
      refuseOdd(entry, file)
      ranges.push(await localRange(zip, entry, file))
      if (!isData) continue
      declaredBytes += entry.uncompressedSize
      budget.checkRatio(entry.compressedSize, entry.uncompressedSize, file)
      data.push(entry)
    }
  } catch (error) {
    throw zipFailure(error, file) ?? error
  }
  if (declaredBytes > budget.leftBytes) budget.take(declaredBytes, file)
  refuseOverlaps(ranges, file)
  gate.finish()
  return data
}

const MODE = { mask: 0o170_000, none: 0, file: 0o100_000, folder: 0o040_000 }

/** Whether a member is a link, a device or a pipe. */
export function isSpecial(entry: yauzl.Entry): boolean {
  const mode = (entry.externalFileAttributes >>> 16) & MODE.mask
  return mode !== MODE.none && mode !== MODE.file && mode !== MODE.folder
}

function refuseOdd(entry: yauzl.Entry, file: string): void {
  if (isSpecial(entry)) {
    const detail = `member ${entry.fileName} is a link or a device, no file; pack the file itself`
    fail(file, 'PACKAGE_MEMBERS', detail)
  }
  if (entry.isEncrypted()) encryptionOf(entry, file)
}

/** Bytes of a member with its local header, end exclusive. */
interface Range {
  readonly start: number
  readonly end: number
}

/** Where a member lies. Throws PARSE_FAILED where its two headers tell it differently. */
export async function localRange(
  zip: yauzl.ZipFile,
  entry: yauzl.Entry,
  file: string,
): Promise<Range> {
  const local = await zip.readLocalFileHeaderPromise(entry)
  const isSame =
    local.fileName.equals(entry.fileNameRaw) && local.compressionMethod === entry.compressionMethod
  if (!isSame) {
    fail(file, 'PACKAGE_CORRUPT', `member ${entry.fileName} is described in two different ways`)
  }
  const end = local.fileDataStart + entry.compressedSize
  return { start: entry.relativeOffsetOfLocalHeader, end }
}

function refuseOverlaps(ranges: readonly Range[], file: string): void {
  const sorted = ranges.toSorted((a, b) => a.start - b.start)
  const overlaps = sorted.some(({ end }, at) => end > (sorted[at + 1]?.start ?? Infinity))
  if (overlaps) fail(file, 'PACKAGE_CORRUPT', 'its members lie over one another')
}

async function* entryBytes(
  zip: yauzl.ZipFile,
  entry: yauzl.Entry,
  request: PackageRequest,
): AsyncGenerator<Buffer> {
  const { file } = request
  const member = `${file}!${entry.fileName}`
  const isEncrypted = entry.isEncrypted()
  const hasChecksum = !isEncrypted || encryptionOf(entry, file).hasChecksum
  let sum = 0
  try {
    const blocks: AsyncIterable<Buffer> = isEncrypted
      ? decrypted(zip, entry, request)
      : await zip.openReadStreamPromise(entry)
    for await (const block of blocks) {
      sum = crc32(block, sum)
      yield block
    }
  } catch (error) {
    throw zipFailure(error, member) ?? error
  }
  if (hasChecksum && sum !== entry.crc32)
    fail(member, 'PACKAGE_CORRUPT', 'its bytes do not have their checksum')
}

/** What yauzl says, by how it starts; its other texts are about damage, and may hold names. */
const SAID: readonly (readonly [start: RegExp, reason: ParseFailureCode, detail: string])[] = [
  [
    /^(?:absolute path|invalid relative path|invalid characters in fileName)/,
    'PACKAGE_NAME',
    'a member has a path for a name; pack it with plain names',
  ],
  [/^strong encryption/, 'PACKAGE_ENCRYPTED', 'its directory is encrypted; use AES-256 on members'],
  [
    /^unsupported compression method/,
    'PACKAGE_UNSUPPORTED',
    'a member is compressed in a way other than deflate; pack it with deflate',
  ],
  [/^multi-disk/, 'PACKAGE_UNSUPPORTED', 'it is one part of several; deliver it in one file'],
]

/** The failure for what yauzl or zlib threw; null when the fault is not in the archive. */
export function zipFailure(error: unknown, file: string): EngineError<'PARSE_FAILED'> | null {
  if (!(error instanceof Error) || error instanceof EngineError) return null
  const code = 'code' in error ? String(error.code) : ''
  if (error.name !== 'Error' || (code !== '' && !code.startsWith('Z_'))) return null
  const said = SAID.find(([start]) => start.test(error.message))
  const [, reason, detail] = said ?? [
    null,
    'PACKAGE_CORRUPT',
    'the ZIP archive is damaged or cut off: send it again',
  ]
  return new EngineError('PARSE_FAILED', { file, reason, detail }, { cause: error })
}
