/**
 * The members of a tar archive, told by their headers alone: content is stepped over.
 *
 * Source: POSIX.1-2017 pax and ustar interchange formats; GNU tar manual, «Basic Tar Format».
 */

/** An archive that is read forward. */
export interface TarBytes {
  /** bytes that were read or stepped over */
  readonly at: number
  /** the next ones; fewer at the end, or where the limit of bytes is */
  readonly take: (count: number) => Promise<Buffer>
  readonly skip: (count: number) => Promise<void>
}

export interface TarEntry {
  readonly name: string
  /** as it is unpacked */
  readonly sizeBytes: number
  readonly type: string
}

/** How a listing ended: at the end, at the limit of members, where bytes ended, or at a damage. */
export type TarEnd = 'end' | 'members' | 'cut' | 'damaged'

const BLOCK_BYTES = 512
/** of a long name or of the pax records of one member */
const RECORDS_BYTES_MAX = 64 * 1024
/** blocks of one sparse member's map */
const SPARSE_BLOCKS_MAX = 4096
/** headers that say something of the member behind them, one after another */
const PREFIXES_MAX = 8

const TYPES: Readonly<Record<string, string>> = {
  '\0': 'file',
  '0': 'file',
  '1': 'link',
  '2': 'symbolic link',
  '3': 'character device',
  '4': 'block device',
  '5': 'folder',
  '6': 'pipe',
  '7': 'file',
  S: 'sparse file',
}

const FIELD = { name: 0, size: 124, sum: 148, type: 156, magic: 257, prefix: 345 }
const SPARSE = { isExtended: 482, realSize: 483, isExtendedNext: 504 }

/** Lists at most `membersMax` members. Names are as they lie there, not printable. */
export async function listTar(
  bytes: TarBytes,
  membersMax: number,
): Promise<{ readonly entries: readonly TarEntry[]; readonly end: TarEnd }> {
  const entries: TarEntry[] = []
  for (;;) {
    const next = await nextEntry(bytes)
    if (typeof next === 'string') return { entries, end: next }
    if (entries.length === membersMax) return { entries, end: 'members' }
    entries.push(next)
  }
}

interface Said {
  name?: string
  sizeBytes?: number
  storedBytes?: number
}

async function nextEntry(bytes: TarBytes): Promise<TarEntry | Exclude<TarEnd, 'members'>> {
  const said: Said = {}
  for (let count = 0; count <= PREFIXES_MAX; count += 1) {
    const block = await bytes.take(BLOCK_BYTES)
    if (block.length < BLOCK_BYTES) return 'cut'
    if (block.every((byte) => byte === 0)) return 'end'
    const type = block.toString('latin1', FIELD.type, FIELD.type + 1)
    const size = numberAt(block, FIELD.size, 12)
    if (size === undefined || !hasSum(block)) return 'damaged'
    if (type === 'x' || type === 'L') {
      const text = await contentOf(bytes, size)
      if (text === undefined) return 'cut'
      if (type === 'L') said.name = cString(text, 0, text.length)
      else hearPax(text, said)
    } else if (type === 'g' || type === 'K') {
      await bytes.skip(padded(size))
    } else {
      return memberOf(bytes, { block, type, size, said })
    }
  }
  return 'damaged'
}

interface MemberHeader {
  readonly block: Buffer
  readonly type: string
  readonly size: number
  readonly said: Said
}

async function memberOf(
  bytes: TarBytes,
  { block, type, size, said }: MemberHeader,
): Promise<TarEntry | 'damaged' | 'cut'> {
  let realBytes: number | undefined
  if (type === 'S') {
    realBytes = numberAt(block, SPARSE.realSize, 12)
    const end = await skipSparseMap(bytes, block[SPARSE.isExtended] !== 0)
    if (end !== undefined) return end
  }
  const stored = said.storedBytes ?? size
  if (!Number.isSafeInteger(bytes.at + padded(stored))) return 'damaged'
  await bytes.skip(padded(stored))
  const name = said.name ?? headerName(block)
  const word = TYPES[type] ?? 'other'
  const isFolder = word === 'file' && name.endsWith('/')
  return {
    name,
    sizeBytes: said.sizeBytes ?? realBytes ?? stored,
    type: isFolder ? 'folder' : word,
  }
}

async function skipSparseMap(
  bytes: TarBytes,
  isExtended: boolean,
): Promise<'damaged' | 'cut' | undefined> {
  let goesOn = isExtended
  for (let count = 0; goesOn; count += 1) {
    if (count === SPARSE_BLOCKS_MAX) return 'damaged'
    const block = await bytes.take(BLOCK_BYTES)
    if (block.length < BLOCK_BYTES) return 'cut'
    goesOn = block[SPARSE.isExtendedNext] !== 0
  }
  return undefined
}

/** Content of a header's own records; what is over the limit is stepped over and says nothing. */
async function contentOf(bytes: TarBytes, size: number): Promise<Buffer | undefined> {
  const whole = padded(size)
  if (whole > RECORDS_BYTES_MAX) {
    await bytes.skip(whole)
    return Buffer.alloc(0)
  }
  const content = await bytes.take(whole)
  return content.length < whole ? undefined : content.subarray(0, size)
}

/** Records `length key=value\n`; the ones about names and sizes are heard. */
function hearPax(records: Buffer, said: Said): void {
  for (let at = 0; at < records.length;) {
    const space = records.indexOf(0x20, at)
    const length = space < 0 ? Number.NaN : Number(records.toString('latin1', at, space))
    if (!Number.isSafeInteger(length) || length <= space - at) return
    const record = records.toString('utf8', space + 1, at + length - 1)
    const equals = record.indexOf('=')
    hearRecord(record.slice(0, equals), record.slice(equals + 1), said)
    at += length
  }
}

function hearRecord(key: string, value: string, said: Said): void {
  const isSize = /^\d{1,15}$/.test(value)
  if (key === 'path' || key === 'GNU.sparse.name') said.name = value
  else if (key === 'size' && isSize) said.storedBytes = Number(value)
  else if ((key === 'GNU.sparse.realsize' || key === 'GNU.sparse.size') && isSize)
    said.sizeBytes = Number(value)
}

const padded = (size: number): number => Math.ceil(size / BLOCK_BYTES) * BLOCK_BYTES

function cString(bytes: Buffer, from: number, to: number): string {
  const end = bytes.indexOf(0, from)
  return bytes.toString('utf8', from, end < 0 || end > to ? to : end)
}

function headerName(block: Buffer): string {
  const name = cString(block, FIELD.name, 100)
  const isUstar = block.toString('latin1', FIELD.magic, FIELD.magic + 6) === 'ustar\0'
  const prefix = isUstar ? cString(block, FIELD.prefix, FIELD.prefix + 155) : ''
  return prefix === '' ? name : `${prefix}/${name}`
}

/** Octal digits, or GNU's binary form for what is larger; undefined: neither. */
function numberAt(block: Buffer, at: number, length: number): number | undefined {
  if (((block[at] ?? 0) & 0x80) !== 0) {
    let value = (block[at] ?? 0) & 0x7f
    for (const byte of block.subarray(at + 1, at + length)) value = value * 256 + byte
    return Number.isSafeInteger(value) ? value : undefined
  }
  const digits = cString(block, at, at + length).trim()
  return /^[0-7]*$/.test(digits) ? Number.parseInt(`0${digits}`, 8) : undefined
}

/** The sum of all bytes, its own field taken for spaces; old programs summed signed bytes. */
function hasSum(block: Buffer): boolean {
  let sum = 0
  let signed = 0
  for (const [at, byte] of block.entries()) {
    const isOwn = at >= FIELD.sum && at < FIELD.sum + 8
    sum += isOwn ? 32 : byte
    signed += isOwn ? 32 : (byte << 24) >> 24
  }
  const told = numberAt(block, FIELD.sum, 8)
  return told === sum || told === signed
}
