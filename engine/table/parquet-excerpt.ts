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

/** The file; `pages` are those of each column in the group. Undefined group: no rows. */
export function parquetExcerpt(
  footer: ParquetFooter,
  group: RowGroup | undefined,
  pages: readonly Buffer[],
): Buffer {
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
  const tail = edited(footer.bytes, file ?? { from: 0, to: 0 }, own)
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

/** An integer of the compact protocol; not negative. */
function zigzag(value: number): Buffer {
  const bytes: number[] = []
  let rest = value * 2
  while (rest >= 128) {
    bytes.push((rest % 128) + 128)
    rest = Math.floor(rest / 128)
  }
  return Buffer.from([...bytes, rest])
}
