/**
 * The sample of a Parquet file: a small Parquet file of rows of one row group.
 *
 * What is read is the footer and the columns of that group, each byte once; a group that is over the
 * limit of bytes is described. Pages are checked before another reader decodes them.
 */
import {
  checkChunk,
  ParquetFault,
  readRowGroups,
  type ChunkPlace,
  type RowGroup,
} from '../parquet-pages.ts'
import type { Sample, SampleRequest } from './contract.ts'
import { describedSample } from './described.ts'
import { HeldRanges, ReadLimit } from './held-ranges.ts'
import { RangedBlob } from './ranged-blob.ts'

const FOOTER_BYTES_MAX = 16 * 1024 ** 2
/** Of one page, unpacked. */
const PAGE_BYTES_MAX = 64 * 1024 ** 2
/** Read first: most footers lie in it. */
const TAIL_BYTES = 32 * 1024
/** Columns that lie so near to one another are read at once. */
const GAP_BYTES = 4 * 1024
const WRITER = 'tributary'

/** Samples the file; one that is damaged, encrypted or too large in a part is only described. */
export async function sampleParquet(request: SampleRequest): Promise<Sample> {
  const { file, readBytesMax } = request
  const ranges = new HeldRanges(file, readBytesMax)
  try {
    return await sampled(request, ranges)
  } catch (error) {
    const said = whyNot(error)
    if (said === undefined) throw error
    const { readBytes } = ranges
    return describedSample({ file, kind: 'parquet', ...said, readBytes, head: Buffer.alloc(0) })
  }
}

function whyNot(error: unknown): { readonly reason: string; readonly detail: string } | undefined {
  if (error instanceof ParquetFault) {
    return { reason: error.kind.toLowerCase().replaceAll('_', '-'), detail: error.message }
  }
  if (!(error instanceof ReadLimit)) return undefined
  const detail = `${error.wantedBytes} bytes more would have to be read than the limit leaves`
  return { reason: 'over-limit', detail }
}

/** Rows of one row group. */
interface Rows {
  readonly group: number
  readonly offset: number
  readonly limit: number
}

async function sampled(request: SampleRequest, ranges: HeldRanges): Promise<Sample> {
  if (request.mask !== undefined) throw new ParquetFault('CORRUPT', 'its values are not masked yet')
  const { sizeBytes } = ranges
  await ranges.read(sizeBytes - Math.min(TAIL_BYTES, ranges.leftBytes), sizeBytes)
  const groups = await readRowGroups(ranges, Math.min(FOOTER_BYTES_MAX, ranges.leftBytes))
  const rows = wanted(groups, request)
  await holdGroup(ranges, groups[rows.group])
  return {
    bytes: await written(await decoded(ranges, rows)),
    extension: '.parquet',
    format: 'parquet',
    records: rows.limit,
    isWhole: rows.limit === groups.reduce((sum, group) => sum + group.rows, 0),
    isCut: false,
    readBytes: ranges.readBytes,
    head: Buffer.alloc(0),
    columns: [],
  }
}

function wanted(
  groups: readonly RowGroup[],
  { records, strategy }: Pick<SampleRequest, 'records' | 'strategy'>,
): Rows {
  const hasRows = ({ rows }: RowGroup): boolean => rows > 0
  const group = strategy === 'tail' ? groups.findLastIndex(hasRows) : groups.findIndex(hasRows)
  const rows = groups[group]?.rows ?? 0
  const limit = Math.min(rows, records)
  return { group, offset: strategy === 'tail' ? rows - limit : 0, limit }
}

/** Reads the columns of a group and checks their pages. Throws ParquetFault, ReadLimit. */
async function holdGroup(ranges: HeldRanges, group: RowGroup | undefined): Promise<void> {
  if (group === undefined) return
  const groupBytes = group.chunks.reduce((sum, { from, to }) => sum + to - from, 0)
  if (groupBytes > ranges.leftBytes) throw new ReadLimit(groupBytes)
  for (const { from, to } of spans(group.chunks)) await ranges.read(from, to)
  for (const chunk of group.chunks) await checkChunk(ranges, chunk, PAGE_BYTES_MAX)
}

/** The chunks in file order, those that lie near to one another as one. */
function spans(chunks: readonly ChunkPlace[]): readonly ChunkPlace[] {
  const joined: ChunkPlace[] = []
  for (const { from, to } of chunks.toSorted((a, b) => a.from - b.from)) {
    const last = joined.at(-1)
    if (last === undefined || from > last.to + GAP_BYTES) joined.push({ from, to })
    else joined.splice(-1, 1, { from: last.from, to: Math.max(last.to, to) })
  }
  return joined
}

async function decoded(ranges: HeldRanges, { group, offset, limit }: Rows): Promise<Uint8Array> {
  const { ParquetFile } = await import('parquet-wasm')
  try {
    using file = await ParquetFile.fromFile(new RangedBlob(ranges))
    const rowGroups = group < 0 ? [] : [group]
    const table = await file.read({ rowGroups, offset, limit, batchSize: Math.max(1, limit) })
    let rows = 0
    for (using batch of table.recordBatches()) rows += batch.numRows
    // Takes the table with it: nothing to free.
    const stream = table.intoIPCStream()
    if (rows === limit) return stream
  } catch {
    // What the reader says may quote the file; what the file itself threw is no fault of its bytes.
    if (ranges.fault !== undefined) throw ranges.fault
  }
  throw new ParquetFault('CORRUPT', 'it is damaged, or written in a way that is not read')
}

/** A Parquet file of the rows in an IPC stream, the same bytes for the same rows. */
async function written(stream: Uint8Array): Promise<Buffer> {
  const { Compression, Table, WriterPropertiesBuilder, writeParquet } = await import('parquet-wasm')
  const properties = new WriterPropertiesBuilder()
    .setCompression(Compression.ZSTD)
    .setCreatedBy(WRITER)
    .build()
  return Buffer.from(writeParquet(Table.fromIPCStream(stream), properties))
}
