/** A file of 60 columns to Parquet by month: `node csv-parse.mjs FILE FOLDER MODULES`. */
import { createReadStream, mkdirSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'

const [path, folder, modules] = process.argv.slice(2)
const require = createRequire(join(modules, 'package.json'))
const { parse } = require('csv-parse')
const arrow = require('apache-arrow')
const { Compression, Table, WriterPropertiesBuilder, writeParquet } = require('parquet-wasm')

const COLUMNS = 60
const FLUSH_ROWS = 20_000
mkdirSync(folder, { recursive: true })
const months = new Map()
let [rows, files] = [0, 0]

const TYPES = ['text', 'number', 'date', 'text', 'text', 'integer']
const valueOf = (text, type) => {
  if (text === '' || type === 'text') return text === '' ? null : text
  if (type === 'number') return Number(text)
  if (type === 'integer') return BigInt(text)
  return new Date(`${text.slice(0, 4)}-${text.slice(4, 6)}-${text.slice(6, 8)}`)
}
const ARROW = {
  text: () => new arrow.Utf8(),
  number: () => new arrow.Float64(),
  integer: () => new arrow.Int64(),
  date: () => new arrow.DateMillisecond(),
}

function flush(month, columns) {
  const vectors = columns.map((values, at) => [
    `c${at}`,
    arrow.vectorFromArray(values, ARROW[TYPES[at % TYPES.length]]()),
  ])
  const bytes = arrow.tableToIPC(new arrow.Table(Object.fromEntries(vectors)), 'stream')
  const properties = new WriterPropertiesBuilder().setCompression(Compression.ZSTD).build()
  const out = writeParquet(Table.fromIPCStream(bytes), properties)
  writeFileSync(join(folder, `${month}-${files++}.parquet`), out)
}

const records = createReadStream(path).pipe(
  parse({ delimiter: '|', quote: false, relax_column_count: true }),
)
for await (const record of records) {
  if (record.length !== COLUMNS) continue
  const month = `${record[2].slice(0, 4)}-${record[2].slice(4, 6)}`
  let columns = months.get(month)
  if (columns === undefined) months.set(month, (columns = record.map(() => [])))
  for (const [at, text] of record.entries())
    columns[at].push(valueOf(text, TYPES[at % TYPES.length]))
  rows += 1
  if (columns[0].length < FLUSH_ROWS) continue
  flush(month, columns)
  months.delete(month)
}
for (const [month, columns] of months) flush(month, columns)
console.log(JSON.stringify({ rows }))
