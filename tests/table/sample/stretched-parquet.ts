/** Parquet files that are larger than anybody wants to write in a test. */
import { FILE } from '../../../engine/table/parquet-fields.ts'
import { ThriftReader } from '../../../engine/table/thrift.ts'
import {
  THRIFT_KIND,
  thriftInt,
  thriftList,
  thriftNumber,
  thriftStruct,
  thriftText,
} from '../../../engine/table/thrift-writer.ts'

const MAGIC = Buffer.from('PAR1')
const INT64 = 2
const RUNS = 3
const REQUIRED = 0

const inner = (id: number, bytes: Buffer) => ({ id, kind: THRIFT_KIND.struct, bytes })
const list = (id: number, structs: readonly Buffer[]) => ({
  id,
  kind: THRIFT_KIND.list,
  bytes: thriftList(structs),
})
const texts = (id: number, text: string) => {
  const { bytes } = thriftText(0, text)
  return { id, kind: THRIFT_KIND.list, bytes: Buffer.concat([Buffer.from([0x18]), bytes]) }
}

/** Two columns of integers, a page each; rows of one row group count from 0, as far as `filled`. */
export function stretchedParquet(size: {
  readonly fileBytes: number
  readonly columnBytes: number
  readonly filled: number
}): readonly (readonly [at: number, bytes: Buffer])[] {
  const rows = size.columnBytes / 8
  const own = thriftStruct(
    [1, 2, 3, 4].map((id) => thriftInt(id, [rows, 0, RUNS, RUNS][id - 1] ?? 0)),
  )
  const head = thriftStruct([
    thriftInt(1, 0),
    thriftInt(2, size.columnBytes),
    thriftInt(3, size.columnBytes),
    inner(5, own),
  ])
  const values = Buffer.from(
    BigInt64Array.from({ length: size.filled }, (_, at) => BigInt(at)).buffer,
  )
  const chunkBytes = head.length + size.columnBytes
  const columns = ['a', 'b'].map((name, at) => {
    const from = MAGIC.length + at * chunkBytes
    const metadata = thriftStruct([
      thriftInt(1, INT64),
      { ...thriftInt(2, 0), kind: THRIFT_KIND.list, bytes: Buffer.from([0x15, 0]) },
      texts(3, name),
      thriftInt(4, 0),
      thriftNumber(5, rows),
      thriftNumber(6, chunkBytes),
      thriftNumber(7, chunkBytes),
      thriftNumber(9, from),
    ])
    return { from, chunk: thriftStruct([thriftNumber(2, 0), inner(3, metadata)]) }
  })
  const leaf = (name: string): Buffer =>
    thriftStruct([thriftInt(1, INT64), thriftInt(3, REQUIRED), thriftText(4, name)])
  const group = thriftStruct([
    list(
      1,
      columns.map(({ chunk }) => chunk),
    ),
    thriftNumber(2, 2 * chunkBytes),
    thriftNumber(3, rows),
  ])
  const root = thriftStruct([thriftText(4, 'root'), thriftInt(5, 2)])
  const footer = thriftStruct([
    thriftInt(1, 1),
    list(2, [root, leaf('a'), leaf('b')]),
    thriftNumber(3, rows),
    list(4, [group]),
  ])
  const length = Buffer.alloc(4)
  length.writeUInt32LE(footer.length)
  const tail = Buffer.concat([footer, length, MAGIC])
  return [
    [0, MAGIC],
    ...columns.map(({ from }) => [from, Buffer.concat([head, values])] as const),
    [size.fileBytes - tail.length, tail],
  ]
}

/** The file with its row groups so many times more in the footer, all of the same pages. */
export function groupsRepeated(bytes: Buffer, times: number): Buffer {
  const end = bytes.length - 8
  const footer = bytes.subarray(end - bytes.readUInt32LE(end), end)
  const { fields, entries } = new ThriftReader(footer).upTo(FILE.rowGroups, 1000)
  const groups = entries.map(({ from, to }) => footer.subarray(from, to))
  const own = thriftStruct([
    ...[...fields].map(([id, { from, to, kind }]) => ({
      id,
      kind,
      bytes: footer.subarray(from, to),
    })),
    list(FILE.rowGroups, Array.from({ length: times }, () => groups).flat()),
  ])
  const length = Buffer.alloc(4)
  length.writeUInt32LE(own.length)
  return Buffer.concat([bytes.subarray(0, end - footer.length), own, length, MAGIC])
}
