/**
 * Rows of an Arrow table: the texts of their values, and a table of some of them, masked. Pure.
 *
 * A column with parts is a tree whose leaves are sampled columns: `address.city` of a structure,
 * `codes` of a list, `map.key` and `map.value` of a map. Nothing of a value that is masked is kept;
 * where the mask's text is no value of the type, there is none, or zero where one is required.
 */
import {
  Data,
  DataType,
  DateDay,
  DateUnit,
  Field,
  RecordBatch,
  Schema,
  Struct,
  Table,
  Vector,
} from 'apache-arrow'
import { assert } from '../../core/errors.ts'
import { valueForm, type ValueForm } from './arrow-text.ts'
import { nestedData, valueAt, valuesData, widthBytes, withDictionary } from './arrow-values.ts'
import type { MaskText, SampledColumn } from './contract.ts'
import { maskedText, type Masks } from './masks.ts'

interface Node {
  readonly data: Data
  readonly isNullable: boolean
  readonly children: readonly Node[]
  /** undefined: it has children */
  readonly leaf: Leaf | undefined
  /** its leaves, in order: places of columns */
  readonly places: readonly number[]
}

interface Leaf {
  readonly path: string
  readonly place: number
  /** undefined: its values have no text */
  readonly form: ValueForm | undefined
  readonly isEmpty: boolean
}

/** Rows as they were read, in one batch. */
export class ArrowRows {
  /** a column has another type than it was read with, because Parquet has no dates of its own */
  readonly hasMoved: boolean
  readonly #schema: Schema
  readonly #roots: readonly Node[]
  readonly #leaves: Leaf[] = []

  /** Asserts that the table is one batch at most. */
  constructor(table: Table) {
    assert(table.batches.length <= 1, 'rows that come in more than one batch')
    const [batch] = table.batches
    this.hasMoved = table.schema.fields.some(({ type }) => isMilliseconds(type))
    this.#schema = new Schema(table.schema.fields.map(asDays))
    this.#roots = this.#schema.fields.flatMap((field, at) => {
      const data = batch?.data.children[at]
      if (data === undefined || batch?.numRows === 0) return []
      return [this.#node(field, isMilliseconds(data.type) ? daysOf(data) : data, field.name)]
    })
  }

  /** Whether a column has values without text, which therefore cannot be masked. */
  get hasOpaque(): boolean {
    return this.#leaves.some(({ form, isEmpty }) => form === undefined && !isEmpty)
  }

  /** The values of a row, a text for each of its columns; '' where there is none. */
  fields(row: number): readonly string[] {
    return this.#roots.map((root) => {
      const texts: string[] = []
      visit(root, row, (_, text) => texts.push(text ?? ''))
      return texts.join(' ')
    })
  }

  /** The leaves of some rows, each value of a list on its own. */
  columns(rows: readonly number[]): readonly SampledColumn[] {
    const texts = this.#leaves.map((): (string | null)[] => [])
    for (const root of this.#roots) {
      for (const row of rows) visit(root, row, (place, text) => texts[place]?.push(text))
    }
    return this.#leaves.map(({ path, form }, place) => ({
      name: path,
      texts: texts[place] ?? [],
      type: form?.kind ?? 'text',
    }))
  }

  /** A table of some rows, without the metadata of the file; no masks: as they are. */
  taken(rows: readonly number[], masks: Masks): Table {
    const schema = this.#schema
    const { fields } = schema
    if (this.#roots.length === 0) return new Table(schema)
    const children = this.#roots.map((root) => taken(root, rows, masks))
    const data = new Data(new Struct(fields), 0, rows.length, 0, undefined, children)
    return new Table(schema, [new RecordBatch(schema, data)])
  }

  #node({ type, nullable: isNullable }: Field, data: Data, path: string): Node {
    assert(data.offset === 0, 'rows that start within their batch')
    const parts = DataType.isDictionary(type) ? [] : ((type.children as Field[] | null) ?? [])
    if (parts.length === 0 && !DataType.isStruct(type)) {
      const place = this.#leaves.length
      const plain = DataType.isDictionary(type) ? type.dictionary : type
      const leaf = { path, place, form: valueForm(plain), isEmpty: DataType.isNull(plain) }
      this.#leaves.push(leaf)
      return { data, isNullable, children: [], leaf, places: [place] }
    }
    const children = parts.map((field, at) =>
      this.#node(field, childOf(data, at), partPath(type, path, field.name)),
    )
    const places = children.flatMap((child) => child.places)
    return { data, isNullable, children, leaf: undefined, places }
  }
}

/** Dates in milliseconds: written as they are, a Parquet file would have integers. */
const isMilliseconds = (type: DataType): boolean =>
  DataType.isDate(type) && type.unit === DateUnit.MILLISECOND

const asDays = (field: Field): Field =>
  new Field(field.name, isMilliseconds(field.type) ? new DateDay() : field.type, field.nullable)

function daysOf(data: Data): Data {
  const days = Int32Array.from(data.values as BigInt64Array, (ms) => Number(ms / 86_400_000n))
  const buffers = [undefined, days, data.nullBitmap] as never
  return new Data(new DateDay(), 0, data.length, data.nullCount, buffers)
}

function childOf(data: Data, at: number): Data {
  const child = data.children[at]
  assert(child !== undefined, 'a part of a column that its type names')
  return child
}

/** A list and the entries of a map are called as what they are in. */
const partPath = (type: DataType, path: string, name: string): string =>
  DataType.isStruct(type) ? `${path}.${name}` : path

/** Rows of the child that lie in a row of a list. */
function within({ data }: Node, row: number): readonly number[] {
  const { type } = data
  const [from, to] = DataType.isFixedSizeList(type)
    ? [row * type.listSize, (row + 1) * type.listSize]
    : [Number(data.valueOffsets[row]), Number(data.valueOffsets[row + 1])]
  return Array.from({ length: Math.max(0, to - from) }, (_, at) => from + at)
}

function visit(node: Node, row: number, tell: (place: number, text: string | null) => void): void {
  const { data, children, leaf, places } = node
  if (leaf !== undefined) {
    tell(leaf.place, leafText(data, row, leaf))
    return
  }
  const isThere = data.getValid(row)
  const rows = !isThere ? [] : DataType.isStruct(data.type) ? [row] : within(node, row)
  if (rows.length === 0) for (const place of places) tell(place, null)
  for (const child of children) for (const inner of rows) visit(child, inner, tell)
}

function leafText(data: Data, row: number, { form }: Leaf): string | null {
  if (form === undefined || !data.getValid(row)) return null
  if (!DataType.isDictionary(data.type)) return form.text(valueAt(data, row))
  const [values, at] = entryOf(data, row)
  return values.getValid(at) ? form.text(valueAt(values, at)) : null
}

/** The chunk of a dictionary that a row's value lies in, and its place there. */
function entryOf({ dictionary, values }: Data, row: number): readonly [chunk: Data, at: number] {
  let at = Number((values as ArrayLike<number | bigint>)[row])
  const chunk = (dictionary?.data ?? []).find(({ length }) => {
    if (at < length) return true
    at -= length
    return false
  })
  assert(chunk !== undefined && at >= 0, 'a value that its dictionary holds')
  return [chunk, at]
}

function taken(node: Node, rows: readonly number[], masks: Masks): Data {
  const { data, children, leaf } = node
  if (leaf !== undefined) return leafTaken(node, leaf, { rows, mask: masks[leaf.place] ?? null })
  const isThere = rows.map((row) => data.getValid(row))
  if (DataType.isStruct(data.type)) {
    return nestedData(data, isThere, { children: children.map((one) => taken(one, rows, masks)) })
  }
  // Lists of one length have their room where they are not there, too.
  const isFixed = DataType.isFixedSizeList(data.type)
  const parts = rows.map((row) => (isFixed || data.getValid(row) ? within(node, row) : []))
  const inner = parts.flat()
  return nestedData(data, isThere, {
    children: children.map((one) => taken(one, inner, masks)),
    lengths: isFixed ? undefined : parts.map(({ length }) => length),
  })
}

interface Wanted {
  readonly rows: readonly number[]
  readonly mask: MaskText | null
}

function leafTaken({ data, isNullable }: Node, leaf: Leaf, { rows, mask }: Wanted): Data {
  if (leaf.isEmpty) return new Data(data.type, 0, rows.length, rows.length)
  if (!DataType.isDictionary(data.type)) {
    return valuesData(data, valuesOf({ data, isNullable, form: leaf.form }, { rows, mask }))
  }
  const keys = valuesData(
    data,
    valuesOf({ data, isNullable, form: undefined }, { rows, mask: null }),
  )
  // Every entry is masked, those that no row names too.
  const chunks = (data.dictionary?.data ?? []).map((chunk) => {
    const all = Array.from({ length: chunk.length }, (_, at) => at)
    const column = { data: chunk, isNullable: false, form: leaf.form }
    return valuesData(chunk, valuesOf(column, { rows: all, mask }))
  })
  return withDictionary(keys, new Vector(chunks))
}

function valuesOf(
  { data, isNullable, form }: Pick<Node, 'data' | 'isNullable'> & Pick<Leaf, 'form'>,
  { rows, mask }: Wanted,
): readonly (Buffer | null)[] {
  return rows.map((row) => {
    if (!data.getValid(row)) return null
    const value = valueAt(data, row)
    if (mask === null) return value
    const text = form?.text(value) ?? ''
    const shown = maskedText([mask], 0, text)
    const other = form?.value(shown, value)
    // Texts that differ may round to one value.
    const isKept = shown !== text && other?.equals(value) === true
    if (other !== undefined && !isKept) return other
    return isNullable ? null : Buffer.alloc(widthBytes(data))
  })
}
