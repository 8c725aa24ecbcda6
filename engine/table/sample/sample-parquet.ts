/**
 * The sample of a Parquet file: a small Parquet file of rows of one row group.
 *
 * What is read is the footer and the columns of that group, each byte once. Of a group that is over
 * the limit the first rows of each column are read, as many as the limit holds; its last rows, and one
 * of which not one row fits, are only described. Pages are checked before another reader decodes them.
 */
import { isEngineError } from '../../core/errors.ts'
import {
  ParquetFault,
  footerPlace,
  readFooterStart,
  readParquetFooter,
  type ColumnChunk,
  type ParquetFooter,
  type RowGroup,
} from '../parquet-footer.ts'
import { parquetExcerpt, type ExcerptColumn, type ExcerptRequest } from '../parquet-excerpt.ts'
import type { Sample, SampleRequest } from './contract.ts'
import { describedSample } from './described.ts'
import { checkChunk } from '../parquet-pages.ts'
import { groupStart } from './group-start.ts'
import { HeldRanges, ReadLimit } from './held-ranges.ts'
import { masksOf } from './masks.ts'
import { choiceOf } from './strategies.ts'

const FOOTER_BYTES_MAX = 16 * 1024 ** 2
/** Of one page, unpacked. */
const PAGE_BYTES_MAX = 64 * 1024 ** 2
/** Read first: most footers lie in it. */
const TAIL_BYTES = 32 * 1024
/** Columns that lie so near to one another are read at once. */
const GAP_BYTES = 4 * 1024
/** Looked through for a strategy that chooses among rows. */
const SEARCHED_ROWS_MAX = 20_000
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

class NoSample extends Error {
  readonly reason: string

  constructor(reason: string, detail: string) {
    super(detail)
    this.reason = reason
  }
}

function whyNot(error: unknown): { readonly reason: string; readonly detail: string } | undefined {
  if (error instanceof ParquetFault) {
    return { reason: error.kind.toLowerCase().replaceAll('_', '-'), detail: error.message }
  }
  if (error instanceof NoSample) return { reason: error.reason, detail: error.message }
  if (!(error instanceof ReadLimit)) return undefined
  const detail = `${error.wantedBytes} bytes more would have to be read than the limit leaves`
  return { reason: 'over-limit', detail }
}

/** Rows of one row group that are looked at. */
interface Rows {
  readonly group: number
  readonly offset: number
  readonly limit: number
}

async function sampled(request: SampleRequest, ranges: HeldRanges): Promise<Sample> {
  const { sizeBytes } = ranges
  await ranges.read(sizeBytes - Math.min(TAIL_BYTES, ranges.leftBytes), sizeBytes)
  const { footer, isStart } = await footerOf(ranges, request)
  const { groups } = footer
  const wanted = lookedAt(groups, request)
  const group = groups[wanted.group]
  const { rows, columns: pages } = await pagesOf(ranges, { ...request, footer, group, wanted })
  const looked = { ...wanted, limit: Math.min(wanted.limit, rows) }
  const stream = await exactly({ footer, group, rows, columns: pages }, looked)
  const { bytes, columns, records } = await shown(stream, looked.limit, request)
  const all = isStart ? Infinity : groups.reduce((sum, one) => sum + one.rows, 0)
  const isSearched = looked.limit === (isSearch(request) ? all : wanted.limit)
  return {
    bytes,
    extension: '.parquet',
    format: 'parquet',
    records,
    isWhole: records === all,
    isCut: !isSearched,
    readBytes: ranges.readBytes,
    head: Buffer.alloc(0),
    columns,
  }
}

/** The footer, or of one that takes half of the limit and more its start: it has the first groups. */
async function footerOf(
  ranges: HeldRanges,
  { strategy }: Pick<SampleRequest, 'strategy'>,
): Promise<{ readonly footer: ParquetFooter; readonly isStart: boolean }> {
  const { from, to } = await footerPlace(ranges)
  const startBytesMax = Math.floor(ranges.leftBytes / 2)
  if (strategy === 'tail' || to - from <= startBytesMax) {
    const footerBytesMax = Math.min(FOOTER_BYTES_MAX, ranges.leftBytes)
    return { footer: await readParquetFooter(ranges, footerBytesMax), isStart: false }
  }
  const footer = await readFooterStart(ranges, startBytesMax)
  if (footer !== undefined) return { footer, isStart: true }
  throw new NoSample('over-limit', `its footer of ${to - from} bytes has no rows where it starts`)
}

/** Whether rows are chosen among all that are looked at. */
const isSearch = ({ strategy }: Pick<SampleRequest, 'strategy'>): boolean =>
  strategy === 'reservoir' || strategy === 'rejects'

function lookedAt(
  groups: readonly RowGroup[],
  { records, strategy }: Pick<SampleRequest, 'records' | 'strategy'>,
): Rows {
  const hasRows = ({ rows }: RowGroup): boolean => rows > 0
  const group = strategy === 'tail' ? groups.findLastIndex(hasRows) : groups.findIndex(hasRows)
  const rows = groups[group]?.rows ?? 0
  const limit = Math.min(rows, isSearch({ strategy }) ? SEARCHED_ROWS_MAX : records)
  return { group, offset: strategy === 'tail' ? rows - limit : 0, limit }
}

/** The rows that are shown, out of those that were read, and what they hold. */
async function shown(
  stream: Uint8Array,
  rows: number,
  request: SampleRequest,
): Promise<Pick<Sample, 'bytes' | 'columns' | 'records'>> {
  const { tableFromIPC, tableToIPC } = await import('apache-arrow')
  const { ArrowRows } = await import('./arrow-rows.ts')
  const table = soundly(() => new ArrowRows(tableFromIPC(stream)))
  const choice = choiceOf<number>(request)
  for (let row = 0; row < rows; row += 1) {
    choice.offer({ isFaulty: () => false, fields: () => table.fields(row), keep: () => row })
  }
  const chosen = choice.chosen()
  const columns = table.columns(chosen)
  const masks = masksOf(request.mask, columns)
  if (masks !== undefined && table.hasOpaque) {
    throw new NoSample('not-masked', 'a column of it has values that no mask can be put on')
  }
  const isAsRead = masks === undefined && chosen.length === rows && !table.hasMoved
  const kept = isAsRead ? stream : tableToIPC(table.taken(chosen, masks ?? []), 'stream')
  return { bytes: await written(kept), columns, records: chosen.length }
}

interface PagesRequest extends Pick<SampleRequest, 'strategy'> {
  readonly footer: ParquetFooter
  readonly group: RowGroup | undefined
  readonly wanted: Rows
}

/** Reads pages of a group that hold the rows wanted, or fewer. Throws ParquetFault, NoSample. */
async function pagesOf(
  ranges: HeldRanges,
  { footer, group, wanted, strategy }: PagesRequest,
): Promise<Pick<ExcerptRequest, 'rows' | 'columns'>> {
  if (group === undefined) return { rows: 0, columns: [] }
  const { chunks, rows } = group
  const groupBytes = chunks.reduce((sum, { from, to }) => sum + to - from, 0)
  if (groupBytes <= ranges.leftBytes) return { rows, columns: await wholeColumns(ranges, chunks) }
  if (strategy === 'tail') {
    throw new NoSample('over-limit', `its last row group has ${groupBytes} bytes`)
  }
  const start = await groupStart(ranges, { footer, group, rows: wanted.limit })
  if (start !== undefined) return start
  const detail = `the limit does not hold one row of its ${chunks.length} columns`
  throw new NoSample('over-limit', detail)
}

async function wholeColumns(
  ranges: HeldRanges,
  chunks: readonly ColumnChunk[],
): Promise<readonly ExcerptColumn[]> {
  for (const { from, to } of spans(chunks)) await ranges.read(from, to)
  for (const chunk of chunks) await checkChunk(ranges, chunk, PAGE_BYTES_MAX)
  return Promise.all(chunks.map(async ({ from, to }) => ({ bytes: await ranges.read(from, to) })))
}

interface Span {
  readonly from: number
  readonly to: number
}

/** The chunks in file order, those that lie near to one another as one. */
function spans(chunks: readonly Span[]): readonly Span[] {
  const joined: Span[] = []
  for (const { from, to } of chunks.toSorted((a, b) => a.from - b.from)) {
    const last = joined.at(-1)
    if (last === undefined || from > last.to + GAP_BYTES) joined.push({ from, to })
    else joined.splice(-1, 1, { from: last.from, to: Math.max(last.to, to) })
  }
  return joined
}

/** Rows as an IPC stream, INT96 in a unit that holds it. */
async function exactly(request: ExcerptRequest, looked: Rows): Promise<Uint8Array> {
  const stream = await decoded(parquetExcerpt(request), looked)
  if (request.group === undefined) return stream
  const { group } = request
  const { isPastNanoseconds, microsecondHint } = await import('./int96.ts')
  const metadata = soundly(() => microsecondHint(group, stream))
  if (metadata === undefined) return stream
  const other = await decoded(parquetExcerpt({ ...request, metadata }), looked)
  return soundly(() => isPastNanoseconds(other)) ? other : stream
}

/**
 * Decodes rows of an excerpt, in one batch. By a call that does not wait: damage that the reader
 * does not foresee ends it, and where it waits nobody could catch that.
 */
async function decoded(excerpt: Buffer, { offset, limit }: Rows): Promise<Uint8Array> {
  const { readParquet } = await import('parquet-wasm')
  try {
    const table = readParquet(excerpt, { offset, limit, batchSize: Math.max(1, limit) })
    let rows = 0
    for (using batch of table.recordBatches()) rows += batch.numRows
    // Takes the table with it: nothing to free.
    const stream = table.intoIPCStream()
    if (rows === limit) return stream
  } catch {
    // What the reader says may quote the file.
    throw new ParquetFault('CORRUPT', 'it is damaged, or written in a way that is not read')
  }
  throw new ParquetFault('CORRUPT', 'it has other rows than its footer tells')
}

/** A Parquet file of the rows in an IPC stream, the same bytes for the same rows. */
async function written(stream: Uint8Array): Promise<Buffer> {
  const { Compression, Table, WriterPropertiesBuilder, writeParquet } = await import('parquet-wasm')
  const properties = new WriterPropertiesBuilder()
    .setCompression(Compression.ZSTD)
    .setCreatedBy(WRITER)
    .build()
  return soundly(() => Buffer.from(writeParquet(Table.fromIPCStream(stream), properties)))
}

/** What a library throws about the rows may quote them: it is not passed on. */
function soundly<Made>(make: () => Made): Made {
  try {
    return make()
  } catch (error) {
    if (isEngineError(error)) throw error
    throw new NoSample('not-read', 'a type of it is not read, or cannot be written again')
  }
}
