/**
 * The footer of a Parquet file: where its groups and the pages of their columns lie. Throws where it
 * tells places outside of the file. Memory: the footer.
 * Source: parquet-format 2.11, parquet.thrift.
 */
import { CHUNK, COLUMN, FILE, GROUP } from './parquet-fields.ts'
import {
  isStruct,
  structs,
  ThriftFault,
  ThriftReader,
  type StructPlace,
  type ThriftPlace,
  type ThriftStruct,
  type ThriftValue,
} from './thrift.ts'
import { THRIFT_KIND, thriftList, thriftStruct } from './thrift-writer.ts'

/** Why a file is refused; in words that quote nothing of it. */
export class ParquetFault extends Error {
  readonly kind: 'CORRUPT' | 'TOO_LARGE' | 'ENCRYPTED'

  constructor(kind: ParquetFault['kind'], message: string) {
    super(message)
    this.kind = kind
  }
}
/** Bytes that are no sound Parquet; `what` quotes none of them. */
export const corrupt = (what: string): ParquetFault => new ParquetFault('CORRUPT', what)

const TAIL_BYTES = 8
/** Of a footer that is not read whole; then twice as much each time. */
const FOOTER_START_BYTES = 64 * 1024
/** Groups without rows before the first that has some. */
const START_GROUPS_MAX = 1000
const MAGIC = 'PAR1'
const ENCRYPTED_MAGIC = 'PARE'

/** Where the bytes of a Parquet file come from: `[from, to)`, fewer at its end. */
export interface ParquetBytes {
  readonly sizeBytes: number
  readonly read: (from: number, to: number) => Promise<Buffer>
}

/** What the footer tells, and where it does. */
export interface ParquetFooter {
  readonly bytes: Buffer
  readonly struct: ThriftStruct
  /** of every structure in it */
  readonly places: ReadonlyMap<ThriftStruct, StructPlace>
  /** in file order */
  readonly groups: readonly RowGroup[]
}

export interface RowGroup {
  readonly struct: ThriftStruct
  readonly rows: number
  readonly chunks: readonly ColumnChunk[]
}

/** The pages of a column in a group: bytes `[from, to)` of the file. */
export interface ColumnChunk {
  readonly struct: ThriftStruct
  readonly metadata: ThriftStruct
  readonly from: number
  readonly to: number
}

/** Reads the footer alone. Throws ParquetFault. */
export async function readParquetFooter(
  file: ParquetBytes,
  footerBytesMax: number,
): Promise<ParquetFooter> {
  const { from, to } = await footerPlace(file)
  if (to - from > footerBytesMax)
    throw new ParquetFault('TOO_LARGE', `its footer is over ${footerBytesMax} bytes`)
  return parsed(await bytesAt(file, from, to - from), file)
}

/**
 * Reads of a footer so much that the first group with rows is in it: the schema and first groups,
 * neither the file's metadata nor the groups behind. undefined: `startBytesMax` do not hold that.
 * Throws ParquetFault.
 */
export async function readFooterStart(
  file: ParquetBytes,
  startBytesMax: number,
): Promise<ParquetFooter | undefined> {
  const { from, to } = await footerPlace(file)
  const end = Math.min(to, from + startBytesMax)
  let bytes = await bytesAt(file, from, Math.min(FOOTER_START_BYTES, end - from))
  for (;;) {
    const start = footerStart(bytes)
    const footer = start === undefined ? undefined : await parsed(start, file)
    if (footer?.groups.some(({ rows }) => rows > 0) === true) return footer
    const at = from + bytes.length
    if (at === end) return undefined
    bytes = Buffer.concat([bytes, await bytesAt(file, at, Math.min(bytes.length, end - at))])
  }
}

/** A footer of the groups that are whole; undefined: they do not start yet. */
function footerStart(bytes: Buffer): Buffer | undefined {
  try {
    const { fields, entries } = new ThriftReader(bytes).upTo(FILE.rowGroups, START_GROUPS_MAX)
    const before = [...fields].map(([id, { from, to, kind }]) => ({
      id,
      kind,
      bytes: bytes.subarray(from, to),
    }))
    const groups = thriftList(entries.map(({ from, to }) => bytes.subarray(from, to)))
    return thriftStruct([...before, { id: FILE.rowGroups, kind: THRIFT_KIND.list, bytes: groups }])
  } catch (error) {
    if (error instanceof ThriftFault) return undefined
    throw error
  }
}

async function parsed(bytes: Buffer, file: ParquetBytes): Promise<ParquetFooter> {
  const places = new Map<ThriftStruct, StructPlace>()
  const struct = await undamaged(async () => new ThriftReader(bytes, 0, places).struct())
  if (struct.has(FILE.encryption)) throw new ParquetFault('ENCRYPTED', 'a part of it is encrypted')
  const groups = structs(struct.get(FILE.rowGroups)).map((group) => ({
    struct: group,
    rows: numberOf(group.get(GROUP.rows)),
    chunks: structs(group.get(GROUP.columns)).map((chunk) =>
      columnChunk(chunk, file.sizeBytes - TAIL_BYTES),
    ),
  }))
  return { bytes, struct, places, groups }
}

/** Where the footer lies. Throws ParquetFault. */
export async function footerPlace(file: ParquetBytes): Promise<ThriftPlace> {
  const size = file.sizeBytes
  if (size < MAGIC.length + TAIL_BYTES) throw corrupt('it is cut off')
  const tail = await bytesAt(file, size - TAIL_BYTES, TAIL_BYTES)
  const magic = tail.toString('latin1', 4)
  if (magic === ENCRYPTED_MAGIC) throw new ParquetFault('ENCRYPTED', 'its footer is encrypted')
  if (magic !== MAGIC) throw corrupt('it has no footer')
  const bytes = tail.readUInt32LE()
  if (bytes + TAIL_BYTES + MAGIC.length > size) throw corrupt('its footer is cut off')
  return { from: size - TAIL_BYTES - bytes, to: size - TAIL_BYTES }
}

function columnChunk(chunk: ThriftStruct, endMax: number): ColumnChunk {
  if (chunk.has(CHUNK.encryption))
    throw new ParquetFault('ENCRYPTED', 'a column of it is encrypted')
  if (chunk.has(CHUNK.file)) throw corrupt('a column of it lies in another file')
  const metadata = chunk.get(CHUNK.metadata)
  if (!isStruct(metadata)) throw corrupt('a column has no description')
  const bytes = numberOf(metadata.get(COLUMN.compressedBytes))
  const places = [metadata.get(COLUMN.dictionaryAt), metadata.get(COLUMN.dataAt)]
  // Some writers say 0 where there is none.
  const [start = 0] = places
    .flatMap((at) => (typeof at === 'number' && at > 0 ? [at] : []))
    .toSorted((a, b) => a - b)
  const end = start + bytes
  if ((start === 0 && bytes > 0) || bytes < 0 || end > endMax)
    throw corrupt('a column lies outside of it')
  return { struct: chunk, metadata, from: start, to: end }
}

/** What reading gives; what is no Thrift is damage. Throws ParquetFault. */
export async function undamaged<Found>(read: () => Promise<Found>): Promise<Found> {
  try {
    return await read()
  } catch (error) {
    if (error instanceof ThriftFault) throw corrupt('its footer or a page header is damaged')
    throw error
  }
}

/** So many bytes. Throws ParquetFault where there are fewer. */
export async function bytesAt(file: ParquetBytes, at: number, count: number): Promise<Buffer> {
  const bytes = await file.read(at, at + count)
  if (bytes.length < count) throw corrupt('it is cut off')
  return bytes
}

/** A whole number of the footer or a head. Throws ParquetFault for anything else. */
export function numberOf(value: ThriftValue | undefined): number {
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value
  throw corrupt('a size or a place is missing')
}
