/**
 * A canonical month of 20 submitters, once, in one process:
 *
 *     node canonical.js make FOLDER COLUMNS ROWS     silver of one submitter and month
 *     node canonical.js months FOLDER COLUMNS N      N months at once, as a run builds them
 *     node canonical.js duckdb FOLDER COLUMNS        bare DuckDB: one month, one file, no order
 *
 * What it prints is JSON.
 */
import { join } from 'node:path'
import { DuckPool } from '../../../engine/table/duck-pool.ts'
import { copyParts } from '../../../engine/table/query.ts'
import { quoteText } from '../../../engine/table/quote.ts'

const SUBMITTERS = 20
const WORKERS = 2
const [what = 'make', folder = '.', columnsText = '42', countText = '1'] = process.argv.slice(2)
const columns = Array.from({ length: Number(columnsText) }, (_, at) => at)
const source = join(folder, 'silver', `${columns.length}.parquet`)

/** A silver value, and the type it is cast to. */
const KINDS: readonly (readonly [(at: number) => string, string])[] = [
  [(at) => `md5((range * ${at + 7})::VARCHAR)[1:12]`, 'VARCHAR'],
  [(at) => `((range * ${at + 3}) % 100000 / 100)::DECIMAL(12,2)`, 'DECIMAL(18,2)'],
  [(at) => `DATE '2024-01-01' + ((range * ${at}) % 31)::INTEGER`, 'DATE'],
  [(at) => `chr((65 + (range + ${at}) % 3)::INTEGER)`, 'VARCHAR'],
  [(at) => `lpad(((range * ${at + 11}) % 99999)::VARCHAR, 5, '0')`, 'VARCHAR'],
  [(at) => `(range * ${at + 1}) % 1000003`, 'BIGINT'],
]
const kindOf = (at: number) => KINDS[at % KINDS.length] ?? ([() => 'NULL', 'VARCHAR'] as const)

const mapped = (submitter: number): string => {
  const values = columns.map((at) => `CAST(c${at} AS ${kindOf(at)[1]}) AS x${at}`).join(', ')
  return `SELECT ${values}, 'OR' AS state, 'medical' AS file_type, '2024-01' AS atomic_month,
    's${submitter}' AS submitter_id, TIMESTAMP '2024-02-01' AS canonical_built_at`
}

async function make(duck: DuckPool): Promise<object> {
  const values = columns.map((at) => `${kindOf(at)[0](at)} AS c${at}`).join(', ')
  const select = `SELECT ${values}, (range + 1)::UINTEGER AS line_number FROM range(${Number(countText)})`
  const copy = { select, order: ['line_number'], view: 'none', parts: [], out: source }
  const [made] = await copyParts([copy], { duck })
  return { rows: made?.rows }
}

async function months(duck: DuckPool): Promise<object> {
  const one = async (month: number): Promise<number> => {
    const copies = Array.from({ length: SUBMITTERS }, (_, at) => ({
      select: `${mapped(at)} FROM silver_${at}`,
      order: ['line_number'],
      view: `silver_${at}`,
      parts: [source],
      out: join(folder, `month-${month}`, `part-s${at}.parquet`),
    }))
    const made = await copyParts(copies, { duck })
    return made.reduce((sum, { rows }) => sum + rows, 0)
  }
  const rows = await Promise.all(
    Array.from({ length: Number(countText) }, async (_, at) => one(at)),
  )
  return { rows: rows.reduce((sum, count) => sum + count, 0) }
}

async function bareDuckdb(): Promise<object> {
  const { DuckDBInstance } = await import('@duckdb/node-api')
  const instance = await DuckDBInstance.create(':memory:', { threads: String(WORKERS) })
  const connection = await instance.connect()
  const all = Array.from(
    { length: SUBMITTERS },
    (_, at) => `${mapped(at)} FROM read_parquet(${quoteText(source)})`,
  )
  const out = quoteText(join(folder, 'bare.parquet'))
  const result = await connection.run(
    `COPY (${all.join(' UNION ALL ')}) TO ${out} (FORMAT parquet, COMPRESSION zstd)`,
  )
  return { rows: Number((await result.getRows())[0]?.[0] ?? 0) }
}

await using duck = new DuckPool({ size: WORKERS, folder: join(folder, 'duck') })
const found =
  what === 'make' ? await make(duck) : what === 'months' ? await months(duck) : await bareDuckdb()
console.log(JSON.stringify(found))
