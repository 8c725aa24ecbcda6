/**
 * A Parquet file of one group of rows out of a larger one: all of its pages or the first of each
 * column, and the footer with other places and counts in it. Pure. What tells of the larger file and
 * would lead astray, indexes and statistics, is left out.
 * Source: parquet-format 2.11, parquet.thrift.
 */
import { CHUNK, COLUMN, FILE, GROUP } from './parquet-fields.ts'
import type { ColumnChunk, ParquetFooter, RowGroup } from './parquet-footer.ts'
import type { ThriftStruct } from './thrift.ts'
import {
  THRIFT_KIND,
  thriftInt,
  thriftList,
  thriftNumber,
  thriftStruct,
  thriftText,
  type ThriftField,
} from './thrift-writer.ts'

const MAGIC = Buffer.from('PAR1')
const UNPACKED_CODEC = 0
const LEFT_OUT = [
  COLUMN.indexAt,
  COLUMN.statistics,
  COLUMN.encodingCounts,
  COLUMN.bloomAt,
  COLUMN.bloomBytes,
  COLUMN.sizeStatistics,
]
const INDEXES = [
  CHUNK.offsetIndexAt,
  CHUNK.offsetIndexBytes,
  CHUNK.columnIndexAt,
  CHUNK.columnIndexBytes,
]
const KEY_VALUE = { key: 1, value: 2 }

/** Pages of a column. */
export interface ExcerptColumn {
  readonly bytes: Buffer
  /** undefined: all of the chunk, as it lies there */
  readonly first?: FirstPages
}

/** What first pages are, in place of what the footer tells of all. */
export interface FirstPages {
  readonly values: number
  /** with the pages' heads */
  readonly unpackedBytes: number
  /** of the page of the dictionary, which is the first; 0: there is none */
  readonly dictionaryBytes: number
  /** whatever the codec of the chunk is */
  readonly isUnpacked: boolean
}

export interface ExcerptRequest {
  readonly footer: ParquetFooter
  /** undefined: no rows */
  readonly group: RowGroup | undefined
  /** of the group, the first ones; each column has them */
  readonly rows: number
  /** of each column in the group */
  readonly columns: readonly ExcerptColumn[]
  /** metadata in place of the file's own; undefined: that stays */
  readonly metadata?: { readonly key: string; readonly value: string }
}

/** The bytes of the file. */
export function parquetExcerpt(request: ExcerptRequest): Buffer {
  const { footer, group, rows, columns, metadata } = request
  const changes = [
    thriftNumber(FILE.rows, rows),
    {
      id: FILE.rowGroups,
      kind: THRIFT_KIND.list,
      bytes: thriftList(group === undefined ? [] : [groupBytes(group, request)]),
    },
  ]
  if (metadata !== undefined) {
    const { key, value } = metadata
    const own = thriftStruct([thriftText(KEY_VALUE.key, key), thriftText(KEY_VALUE.value, value)])
    changes.push({ id: FILE.metadata, kind: THRIFT_KIND.list, bytes: thriftList([own]) })
  }
  const tail = changed(footer, footer.struct, { changes })
  const length = Buffer.alloc(4)
  length.writeUInt32LE(tail.length)
  return Buffer.concat([MAGIC, ...columns.map(({ bytes }) => bytes), tail, length, MAGIC])
}

function groupBytes({ struct, chunks }: RowGroup, request: ExcerptRequest): Buffer {
  const { footer, rows, columns } = request
  let at = MAGIC.length
  const own = chunks.map((chunk, place) => {
    const column = columns[place] ?? { bytes: Buffer.alloc(0) }
    const bytes = changed(footer, chunk.metadata, metadataChange(chunk, column, at))
    at += column.bytes.length
    const metadata = { id: CHUNK.metadata, kind: THRIFT_KIND.struct, bytes }
    return changed(footer, chunk.struct, { changes: [metadata], without: INDEXES })
  })
  const list = { id: GROUP.columns, kind: THRIFT_KIND.list, bytes: thriftList(own) }
  return changed(footer, struct, { changes: [list, thriftNumber(GROUP.rows, rows)] })
}

/** What is another in the description of a column whose pages lie at a place. */
function metadataChange(
  { metadata, from }: ColumnChunk,
  { bytes, first }: ExcerptColumn,
  at: number,
): Change {
  if (first === undefined) {
    const changes = [COLUMN.dataAt, COLUMN.dictionaryAt].flatMap((field) => {
      const old = metadata.get(field)
      // Some writers say 0 where there is none.
      if (typeof old !== 'number' || old <= 0) return []
      return [thriftNumber(field, Math.max(0, old - from + at))]
    })
    return { changes, without: LEFT_OUT }
  }
  const { values, unpackedBytes, dictionaryBytes, isUnpacked } = first
  const changes = [
    thriftNumber(COLUMN.values, values),
    thriftNumber(COLUMN.unpackedBytes, unpackedBytes),
    thriftNumber(COLUMN.compressedBytes, bytes.length),
    thriftNumber(COLUMN.dataAt, at + dictionaryBytes),
    ...(dictionaryBytes > 0 ? [thriftNumber(COLUMN.dictionaryAt, at)] : []),
    ...(isUnpacked ? [thriftInt(COLUMN.codec, UNPACKED_CODEC)] : []),
  ]
  return { changes, without: [...LEFT_OUT, COLUMN.dictionaryAt] }
}

interface Change {
  readonly changes: readonly ThriftField[]
  readonly without?: readonly number[]
}

/** A structure of the footer with other fields in place of its own, or beside them. */
function changed(
  { bytes, places }: ParquetFooter,
  struct: ThriftStruct,
  { changes, without = [] }: Change,
): Buffer {
  const gone = new Set([...without, ...changes.map(({ id }) => id)])
  const kept = [...(places.get(struct)?.fields ?? [])].flatMap(([id, { from, to, kind }]) =>
    gone.has(id) ? [] : [{ id, kind, bytes: bytes.subarray(from, to) }],
  )
  return thriftStruct([...kept, ...changes])
}
