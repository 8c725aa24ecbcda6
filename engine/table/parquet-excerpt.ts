/**
 * A Parquet file of one group of rows out of a larger one: its pages as they are, and the footer with
 * other places in it. Pure. What is not rewritten, statistics and indexes, tells of the larger file.
 * Source: parquet-format 2.11, parquet.thrift.
 */
import {
  COLUMN,
  FILE,
  type ColumnChunk,
  type ParquetFooter,
  type RowGroup,
} from './parquet-pages.ts'
import type { ThriftPlace } from './thrift.ts'

interface Edit extends ThriftPlace {
  readonly by: Buffer
}

const MAGIC = Buffer.from('PAR1')
/** The head of a list of structures, by how many there are: none or one. */
const LIST_OF = { none: Buffer.from([0x0c]), one: Buffer.from([0x1c]) }
/** Heads of a list and of a text that are the next field. */
const LIST_NEXT = 0x19
const TEXT_NEXT = 0x18

export interface ExcerptRequest {
  readonly footer: ParquetFooter
  /** undefined: no rows */
  readonly group: RowGroup | undefined
  /** of each column in the group */
  readonly pages: readonly Buffer[]
  /** metadata in place of the file's own; undefined: that stays */
  readonly metadata?: { readonly key: string; readonly value: string }
}

/** The bytes of the file. */
export function parquetExcerpt({ footer, group, pages, metadata }: ExcerptRequest): Buffer {
  let at = MAGIC.length
  const edits = (group?.chunks ?? []).flatMap((chunk, column) => {
    const moved = offsetEdits(footer, chunk, at)
    at += pages[column]?.length ?? 0
    return moved
  })
  const groupPlace = group === undefined ? undefined : footer.places.get(group.struct)
  const groups =
    groupPlace === undefined
      ? [LIST_OF.none]
      : [LIST_OF.one, edited(footer.bytes, groupPlace, edits)]
  const file = footer.places.get(footer.struct)
  const own = [
    { field: FILE.rows, by: zigzag(group?.rows ?? 0) },
    { field: FILE.rowGroups, by: Buffer.concat(groups) },
  ].flatMap(({ field, by }) => {
    const place = file?.fields.get(field)
    return place === undefined ? [] : [{ ...place, by }]
  })
  const said = metadata === undefined ? [] : metadataEdits(footer, keyValues(metadata))
  const tail = edited(footer.bytes, file ?? { from: 0, to: 0 }, [...own, ...said])
  const length = Buffer.alloc(4)
  length.writeUInt32LE(tail.length)
  return Buffer.concat([MAGIC, ...pages, tail, length, MAGIC])
}

function offsetEdits({ places }: ParquetFooter, chunk: ColumnChunk, at: number): readonly Edit[] {
  const { metadata, from } = chunk
  const fields = places.get(metadata)?.fields
  return [COLUMN.dataAt, COLUMN.indexAt, COLUMN.dictionaryAt].flatMap((field) => {
    const [place, old] = [fields?.get(field), metadata.get(field)]
    // Some writers say 0 where there is none.
    if (place === undefined || typeof old !== 'number' || old <= 0) return []
    return [{ ...place, by: zigzag(Math.max(0, old - from + at)) }]
  })
}

/** A list of one structure of two texts. */
function keyValues({ key, value }: { readonly key: string; readonly value: string }): Buffer {
  const [name, text] = [Buffer.from(key), Buffer.from(value)]
  const head = Buffer.from([TEXT_NEXT])
  const parts = [LIST_OF.one, head, varint(name.length), name, head, varint(text.length), text]
  return Buffer.concat([...parts, Buffer.alloc(1)])
}

function metadataEdits({ bytes, places, struct }: ParquetFooter, by: Buffer): readonly Edit[] {
  const fields = places.get(struct)?.fields
  const own = fields?.get(FILE.metadata)
  if (own !== undefined) return [{ ...own, by }]
  const before = fields?.get(FILE.rowGroups)
  if (before === undefined) return []
  const head = bytes[before.to] ?? 0
  // The field behind it tells its number as a distance from the one before, which is another now.
  const next = head >> 4 > 1 ? head - (1 << 4) : head
  return [{ from: before.to, to: before.to + 1, by: Buffer.from([LIST_NEXT, ...by, next]) }]
}

/** The bytes of a place with others in some places within. */
function edited(bytes: Buffer, within: ThriftPlace, edits: readonly Edit[]): Buffer {
  const parts: Buffer[] = []
  let { from } = within
  for (const edit of edits.toSorted((a, b) => a.from - b.from)) {
    parts.push(bytes.subarray(from, edit.from), edit.by)
    from = edit.to
  }
  return Buffer.concat([...parts, bytes.subarray(from, within.to)])
}

/** A signed integer of the compact protocol that is not negative. */
const zigzag = (value: number): Buffer => varint(value * 2)

function varint(value: number): Buffer {
  const bytes: number[] = []
  let rest = value
  while (rest >= 128) {
    bytes.push((rest % 128) + 128)
    rest = Math.floor(rest / 128)
  }
  return Buffer.from([...bytes, rest])
}
