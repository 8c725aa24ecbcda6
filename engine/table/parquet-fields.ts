/** Numbers of the fields that are read or written. Source: parquet-format 2.11, parquet.thrift. */

export const FILE = { schema: 2, rows: 3, rowGroups: 4, metadata: 5, encryption: 8 }
export const GROUP = { columns: 1, rows: 3 }
export const CHUNK = {
  file: 1,
  metadata: 3,
  offsetIndexAt: 4,
  offsetIndexBytes: 5,
  columnIndexAt: 6,
  columnIndexBytes: 7,
  encryption: 8,
}
export const COLUMN = {
  type: 1,
  path: 3,
  codec: 4,
  values: 5,
  unpackedBytes: 6,
  compressedBytes: 7,
  dataAt: 9,
  indexAt: 10,
  dictionaryAt: 11,
  statistics: 12,
  encodingCounts: 13,
  bloomAt: 14,
  bloomBytes: 15,
  sizeStatistics: 16,
}
export const PAGE = {
  kind: 1,
  unpackedBytes: 2,
  packedBytes: 3,
  sum: 4,
  v1: 5,
  dictionary: 7,
  v2: 8,
}
