/**
 * The first rows of a row group that is larger than what may be read: of each column as many bytes as
 * these rows need, or as the limit leaves for all.
 *
 * All columns are looked at first, for a quarter of the limit at most; then the column with the fewest
 * rows is read on, twice as far each time, until all have the rows that are wanted. What cannot be read
 * in parts has to fit: a page that is not cut, and of zstd a block, up to 128 KiB unpacked.
 */
import { firstRows, type FirstRows } from '../first-pages.ts'
import { pageStart, type Unpacking } from '../page-content.ts'
import type { ExcerptColumn } from '../parquet-excerpt.ts'
import { COLUMN } from '../parquet-fields.ts'
import { parquetLeaves } from '../parquet-leaves.ts'
import {
  corrupt,
  numberOf,
  type ColumnChunk,
  type ParquetFooter,
  type RowGroup,
} from '../parquet-footer.ts'
import type { HeldRanges } from './held-ranges.ts'

/** Read of a column at a time, before it is twice as much. */
const STEP_BYTES_MAX = 16 * 1024
const STEP_BYTES_MIN = 256
/** Of one page, unpacked before it is cut; less where there are many columns. */
const UNPACKED_BYTES = { least: 64 * 1024, most: 2 * 1024 ** 2, all: 64 * 1024 ** 2 }

export interface GroupStartRequest {
  readonly footer: ParquetFooter
  readonly group: RowGroup
  /** wanted, 1 at least */
  readonly rows: number
}

export interface GroupStart {
  /** as wanted, or fewer; 1 at least */
  readonly rows: number
  readonly columns: readonly ExcerptColumn[]
}

/** Reads the start of a group; undefined: the limit does not hold one row. Throws ParquetFault. */
export async function groupStart(
  ranges: HeldRanges,
  { footer, group, rows }: GroupStartRequest,
): Promise<GroupStart | undefined> {
  const leaves = parquetLeaves(footer)
  const { chunks } = group
  const { least, most, all } = UNPACKED_BYTES
  const unpackedBytesMax = Math.max(least, Math.min(most, Math.floor(all / chunks.length)))
  const share = Math.floor(ranges.leftBytes / chunks.length / 4)
  const stepBytes = Math.max(STEP_BYTES_MIN, Math.min(STEP_BYTES_MAX, share))
  const columns: Column[] = []
  for (const [place, chunk] of chunks.entries()) {
    const leaf = leaves[place]
    if (leaf === undefined) throw corrupt('a group has other columns than the schema')
    const codec = numberOf(chunk.metadata.get(COLUMN.codec))
    const reading = { rows, stepBytes, unpacking: { leaf, codec, unpackedBytesMax } }
    columns.push(await Column.open(ranges, chunk, reading))
  }
  // Each step reads a byte at least, so that the limit ends this.
  let fewest = columnOfFewest(columns)
  while (fewest.rows < rows && (await fewest.readOn())) fewest = columnOfFewest(columns)
  if (fewest.rows === 0) return undefined
  return { rows: Math.min(rows, fewest.rows), columns: columns.map(({ pages }) => pages) }
}

const columnOfFewest = (columns: readonly Column[]): Column =>
  columns.reduce((fewest, column) => (column.rows < fewest.rows ? column : fewest))

interface Reading {
  readonly rows: number
  readonly stepBytes: number
  readonly unpacking: Unpacking
}

/** Bytes of the file that are read on from where they start. */
interface Piece {
  readonly bytes: Buffer
  readonly from: number
  /** where there are no more of it */
  readonly to: number
}

/** What is there of a column so far. */
class Column {
  readonly #ranges: HeldRanges
  readonly #reading: Reading
  #dictionary: Piece | undefined
  #data: Piece
  #found: FirstRows | undefined

  private constructor(ranges: HeldRanges, { from, to }: ColumnChunk, reading: Reading) {
    this.#ranges = ranges
    this.#reading = reading
    this.#data = { bytes: Buffer.alloc(0), from, to }
  }

  static async open(ranges: HeldRanges, chunk: ColumnChunk, reading: Reading): Promise<Column> {
    const column = new Column(ranges, chunk, reading)
    column.#data = await column.#longer(column.#data, reading.stepBytes)
    await column.#look()
    return column
  }

  get rows(): number {
    return this.#found?.rows ?? 0
  }

  get pages(): ExcerptColumn {
    return this.#found?.column ?? { bytes: Buffer.alloc(0) }
  }

  /** Reads what gives more rows. False: nothing does, or the limit does not leave it. */
  async readOn(): Promise<boolean> {
    const short = this.#found?.short
    const piece = short?.of === 'dictionary' ? this.#dictionary : this.#data
    if (short === undefined || piece === undefined) return false
    const rest = piece.to - piece.from - piece.bytes.length
    const { leftBytes } = this.#ranges
    if (rest === 0 || leftBytes < Math.max(1, short.bytes)) return false
    const twice = Math.max(piece.bytes.length, this.#reading.stepBytes)
    const wanted = short.bytes === 0 ? Math.min(twice, leftBytes) : short.bytes
    const longer = await this.#longer(piece, wanted)
    if (short.of === 'dictionary') this.#dictionary = longer
    else this.#data = longer
    await this.#look()
    return true
  }

  async #longer({ bytes, from, to }: Piece, count: number): Promise<Piece> {
    const at = from + bytes.length
    const more = await this.#ranges.read(at, Math.min(at + count, to))
    if (more.length === 0 && at < to) throw corrupt('it is cut off')
    return { bytes: Buffer.concat([bytes, more]), from, to }
  }

  async #look(): Promise<void> {
    this.#splitOff()
    const { rows, unpacking } = this.#reading
    const { bytes, from, to } = this.#data
    this.#found = await firstRows({
      ...unpacking,
      rows,
      dictionary: this.#dictionary?.bytes,
      data: bytes,
      isDataWhole: from + bytes.length === to,
    })
  }

  /** The data starts behind the dictionary, if there is one. */
  #splitOff(): void {
    if (this.#dictionary !== undefined) return
    const { bytes, from, to } = this.#data
    const page = pageStart(bytes, 0)
    if (page?.kind !== 'dictionary') return
    const end = from + page.sizeBytes
    if (end > to) throw corrupt('a page lies outside its column')
    this.#dictionary = { bytes: bytes.subarray(0, page.sizeBytes), from, to: end }
    this.#data = { bytes: bytes.subarray(page.sizeBytes), from: end, to }
  }
}
