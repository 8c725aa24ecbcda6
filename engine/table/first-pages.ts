/**
 * The first rows of a Parquet column, from starts of its dictionary and of its data: whole pages as
 * they lie there, or pages that are cut behind the last value that is wanted or there.
 *
 * A page holds a hundred thousand values as easily as a hundred. Cut pages are unpacked and written
 * without a codec, levels and values in the encodings they have. Not cut are pages of the DELTA
 * encodings and of BYTE_STREAM_SPLIT, whose values cannot be told apart one after the other.
 */
import type { ExcerptColumn } from './parquet-excerpt.ts'
import {
  PLAIN,
  missingOf,
  newPage,
  pageContent,
  pageStart,
  rowsTold,
  valuesThere,
  type PageContent,
  type PageStart,
  type Unpacking,
} from './page-content.ts'
import type { ParquetLeaf } from './parquet-leaves.ts'
import { runsOf } from './parquet-runs.ts'

/** Of a page, looked through for its rows: a row may have any number. */
const ENTRIES_MAX = 1_000_000
/** Repetition levels that are read first, for each row; lists are short more often than not. */
const ENTRIES_OF_ROW = 4
/** Of a page that is taken as it lies there, unpacked. */
const WHOLE_PAGE_BYTES_MAX = 64 * 1024 ** 2

export interface FirstRowsRequest extends Unpacking {
  /** from the head of its page; undefined: the column has none */
  readonly dictionary: Buffer | undefined
  /** from the head of the first page of data */
  readonly data: Buffer
  /** nothing of the column follows */
  readonly isDataWhole: boolean
  /** wanted, 1 at least */
  readonly rows: number
}

/** Rows of a column that can be read. */
export interface FirstRows {
  /** may be more than wanted */
  readonly rows: number
  readonly column: ExcerptColumn
  /** where fewer rows came out, what more bytes of would give more; undefined: none would */
  readonly short: Short | undefined
}

export interface Short {
  readonly of: 'dictionary' | 'data'
  /** so many more, or nothing comes of it; 0: any number will do */
  readonly bytes: number
}

interface Found {
  readonly rows: number
  readonly column: ExcerptColumn
}

/** Throws ParquetFault, for pages that are not sound. */
export async function firstRows(request: FirstRowsRequest): Promise<FirstRows> {
  const { dictionary, rows } = request
  const page = dictionary === undefined ? undefined : pageStart(dictionary, 0)
  const whole = await wholePages(request, page)
  if (whole.rows >= rows) return { ...whole, short: undefined }
  const cut = await cutPages(request, page)
  const { rows: found, column } = cut.rows > whole.rows ? cut : whole
  return { rows: found, column, short: found >= rows ? undefined : shortOf(request, page, cut) }
}

function shortOf(
  { dictionary, data, isDataWhole, codec }: FirstRowsRequest,
  page: PageStart | undefined,
  { last, uncutTo, isPastDictionary }: Cut,
): Short | undefined {
  const isUncutThere = uncutTo !== undefined && uncutTo <= data.length
  if (dictionary !== undefined && page?.isWhole !== true) {
    if (page === undefined) return { of: 'dictionary', bytes: 0 }
    if (isPastDictionary) return { of: 'dictionary', bytes: missingOf(page, codec) }
    if (isUncutThere) return { of: 'dictionary', bytes: page.sizeBytes - dictionary.length }
  }
  if (isDataWhole) return undefined
  if (uncutTo !== undefined && !isUncutThere) return { of: 'data', bytes: uncutTo - data.length }
  return { of: 'data', bytes: last === undefined ? 0 : missingOf(last, codec) }
}

/** Pages as they lie there. */
async function wholePages(
  request: FirstRowsRequest,
  dictionary: PageStart | undefined,
): Promise<Found> {
  const { data, rows } = request
  const pages = new Pages(request.dictionary?.subarray(0, dictionary?.sizeBytes), false)
  if (request.dictionary !== undefined) {
    if (dictionary === undefined || !isReadable(dictionary)) return pages.found
    pages.unpackedBytes += unpackedBytes(dictionary)
  }
  for (let at = 0; pages.rows < rows;) {
    const page = pageStart(data, at)
    if (page === undefined || page.kind === 'dictionary' || !isReadable(page)) break
    const rowStarts = await startsIn(page, request)
    if (rowStarts === undefined) break
    const end = at + page.sizeBytes
    pages.unpackedBytes += unpackedBytes(page)
    pages.add(data.subarray(at, end), {
      values: page.values,
      rowStarts,
      isRowEnd: endsRow(page, request) || isLast(request, end),
    })
    at = end
  }
  return pages.found
}

const isReadable = ({ isWhole, unpackedBytes: bytes }: PageStart): boolean =>
  isWhole && bytes <= WHOLE_PAGE_BYTES_MAX

const unpackedBytes = (page: PageStart): number =>
  page.sizeBytes - page.body.length + page.unpackedBytes

const endsRow = ({ kind }: PageStart, { leaf }: FirstRowsRequest): boolean =>
  kind === 'v2' || leaf.repetitionMax === 0

const isLast = ({ data, isDataWhole }: FirstRowsRequest, end: number): boolean =>
  isDataWhole && end >= data.length

/** Rows that start in a whole page. */
async function startsIn(page: PageStart, request: FirstRowsRequest): Promise<number | undefined> {
  const told = rowsTold(page)
  if (told !== undefined) return told
  if (request.leaf.repetitionMax === 0) return page.values
  const content = await pageContent(page, request)
  if (typeof content === 'string' || page.values > ENTRIES_MAX) return undefined
  const bits = bitsOf(request.leaf.repetitionMax)
  const { numbers } = runsOf(content.repetition, bits, page.values)
  return numbers.length < page.values ? undefined : zeros(numbers)
}

/** Pages that are collected. */
class Pages {
  readonly #parts: Buffer[] = []
  readonly #dictionaryBytes: number
  readonly #isUnpacked: boolean
  #values = 0
  #rowStarts = 0
  #isRowEnd = true
  /** with heads */
  unpackedBytes = 0

  constructor(dictionary: Buffer | undefined, isUnpackedNow: boolean) {
    if (dictionary !== undefined) this.#parts.push(dictionary)
    this.#dictionaryBytes = dictionary?.length ?? 0
    this.#isUnpacked = isUnpackedNow
  }

  /** those that start, but for a last one that may go on */
  get rows(): number {
    return Math.max(0, this.#rowStarts - Number(!this.#isRowEnd))
  }

  get rowStarts(): number {
    return this.#rowStarts
  }

  get found(): Found {
    const first = {
      values: this.#values,
      unpackedBytes: this.unpackedBytes,
      dictionaryBytes: this.#dictionaryBytes,
      isUnpacked: this.#isUnpacked,
    }
    return { rows: this.rows, column: { bytes: Buffer.concat(this.#parts), first } }
  }

  add(bytes: Buffer, { values, rowStarts, isRowEnd }: Entries): void {
    if (values > 0) this.#parts.push(bytes)
    this.#values += values
    this.#rowStarts += rowStarts
    this.#isRowEnd = isRowEnd
  }
}

interface Entries {
  /** nulls among them */
  readonly values: number
  readonly rowStarts: number
  /** what follows them starts a row */
  readonly isRowEnd: boolean
}

interface Cut extends Found {
  readonly isPastDictionary: boolean
  /** that was looked at */
  readonly last: PageStart | undefined
  /** where a page ends that is not cut; undefined: there was none */
  readonly uncutTo: number | undefined
}

/** Pages that are unpacked and end behind the last value that is wanted or there. */
async function cutPages(
  request: FirstRowsRequest,
  dictionary: PageStart | undefined,
): Promise<Cut> {
  const { data, rows } = request
  const known = await dictionaryOf(request, dictionary)
  const pages = new Pages(known.page, true)
  let last: PageStart | undefined
  let uncutTo: number | undefined
  let isPastDictionary = false
  for (let at = 0; pages.rows < rows;) {
    const page = pageStart(data, at)
    if (page === undefined || page.kind === 'dictionary') {
      last = undefined
      break
    }
    last = page
    const content = await pageContent(page, request)
    const wanted = { rows: rows - pages.rowStarts, dictionaryValues: known.values }
    if (content === 'short') break
    const cut = content === 'unread' ? undefined : cutPage({ page, content, request, wanted })
    at += page.sizeBytes
    if (cut === undefined) {
      uncutTo = at
      break
    }
    pages.unpackedBytes += cut.bytes.length
    pages.add(cut.bytes, { ...cut, isRowEnd: cut.isRowEnd || (cut.isAll && isLast(request, at)) })
    isPastDictionary = cut.isPastDictionary
    if (!cut.isAll) break
  }
  return { ...pages.found, isPastDictionary, last, uncutTo }
}

/** The dictionary as far as it is there. */
async function dictionaryOf(
  request: FirstRowsRequest,
  page: PageStart | undefined,
): Promise<{ readonly page: Buffer | undefined; readonly values: number }> {
  const content = page === undefined ? 'short' : await pageContent(page, request)
  if (page === undefined || typeof content === 'string') return { page: undefined, values: 0 }
  const there = valuesThere({
    values: content.values,
    // Whatever its head says: old ones call it otherwise.
    encoding: PLAIN,
    leaf: request.leaf,
    countMax: page.values,
    dictionaryValues: 0,
  })
  const { count, bytes } = there ?? { count: 0, bytes: 0 }
  const values = content.values.subarray(0, bytes)
  return {
    page: newPage({ kind: 'dictionary', count, encoding: PLAIN, ...content, values }),
    values: count,
  }
}

interface CutRequest {
  readonly page: PageStart
  readonly content: PageContent
  readonly request: FirstRowsRequest
  readonly wanted: { readonly rows: number; readonly dictionaryValues: number }
}

interface CutPage extends Entries {
  readonly bytes: Buffer
  /** all entries of the page */
  readonly isAll: boolean
  readonly isPastDictionary: boolean
}

/** undefined: pages of its encoding are not cut. */
function cutPage({ page, content, request, wanted }: CutRequest): CutPage | undefined {
  const { leaf } = request
  const repetition = repetitionOf({ page, content, request, wanted })
  const most = repetition?.entries ?? Math.min(page.values, wanted.rows, ENTRIES_MAX)
  const definition = definitionOf(content, leaf, most)
  const there = valuesThere({
    values: content.values,
    encoding: page.encoding,
    leaf,
    countMax: filledIn(definition, leaf),
    dictionaryValues: wanted.dictionaryValues,
  })
  if (there === undefined) return undefined
  const values = entriesOf(definition, leaf, there.count)
  const starts = repetition?.levels.subarray(0, values)
  const isAll = values === page.values
  return {
    values,
    rowStarts: starts === undefined ? values : zeros(starts),
    isRowEnd: repetition === undefined ? true : isRowEndOf(page, repetition, values),
    isAll,
    isPastDictionary: there.isPastDictionary,
    bytes: newPage({
      kind: 'v1',
      count: values,
      // Nulls alone: a page of places in a dictionary has to say how wide they are.
      encoding: there.count === 0 ? PLAIN : page.encoding,
      repetition: content.repetition.subarray(0, repetition?.bytes ?? 0),
      definition: content.definition.subarray(0, definition.bytes),
      values: content.values.subarray(0, there.bytes),
    }),
  }
}

/** Which entries have a value: those of the highest level. */
interface Definition {
  /** undefined: all have */
  readonly levels: Uint32Array | undefined
  /** of the runs they were read from */
  readonly bytes: number
  readonly entries: number
}

function definitionOf(
  { definition }: PageContent,
  { definitionMax }: ParquetLeaf,
  entries: number,
): Definition {
  if (definitionMax === 0) return { levels: undefined, bytes: 0, entries }
  const { numbers, bytes } = runsOf(definition, bitsOf(definitionMax), entries)
  return { levels: numbers, bytes, entries: numbers.length }
}

function filledIn({ levels, entries }: Definition, { definitionMax }: ParquetLeaf): number {
  if (levels === undefined) return entries
  let filled = 0
  for (const level of levels) filled += Number(level === definitionMax)
  return filled
}

/** How many entries have no more than so many values. */
function entriesOf(
  { levels, entries }: Definition,
  { definitionMax }: ParquetLeaf,
  values: number,
): number {
  if (levels === undefined) return Math.min(entries, values)
  let left = values
  const end = levels.findIndex((level) => {
    if (level === definitionMax) left -= 1
    return left < 0
  })
  return end === -1 ? entries : end
}

/** Whether what follows so many entries of a page starts a row. */
const isRowEndOf = (
  { kind, values }: PageStart,
  { levels }: Repetition,
  entries: number,
): boolean => (entries === values ? kind === 'v2' : levels[entries] === 0)

interface Repetition {
  readonly levels: Uint32Array
  /** of the runs they were read from */
  readonly bytes: number
  /** up to the start of the row behind those that are wanted */
  readonly entries: number
}

/** undefined: each entry is a row. */
function repetitionOf({ page, content, request, wanted }: CutRequest): Repetition | undefined {
  const { repetitionMax } = request.leaf
  if (repetitionMax === 0) return undefined
  const all = Math.min(page.values, ENTRIES_MAX)
  for (let most = ENTRIES_OF_ROW * (wanted.rows + 1); ; most *= ENTRIES_OF_ROW) {
    const count = Math.min(most, all)
    const { numbers, bytes } = runsOf(content.repetition, bitsOf(repetitionMax), count)
    const end = startOf(numbers, wanted.rows)
    if (end !== -1) return { levels: numbers, bytes, entries: end }
    if (count === all || numbers.length < count) {
      return { levels: numbers, bytes, entries: numbers.length }
    }
  }
}

/** Where the row starts that comes after so many others; -1: none does. */
function startOf(levels: Uint32Array, rowsBefore: number): number {
  let starts = 0
  return levels.findIndex((level) => {
    if (level > 0) return false
    starts += 1
    return starts > rowsBefore
  })
}

function zeros(levels: Uint32Array): number {
  let count = 0
  for (const level of levels) count += Number(level === 0)
  return count
}

/** Of a level that is at most `max`. */
const bitsOf = (max: number): number => 32 - Math.clz32(max)
