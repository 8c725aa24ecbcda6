/**
 * One file of 60 columns to Parquet by month, once, in one process:
 *
 *     node data-plane.js make FOLDER ROWS       writes the file, prints its path
 *     node data-plane.js parse FILE FOLDER      the product's parse, two workers
 *     node data-plane.js duckdb FILE FOLDER     bare DuckDB: typed read_csv, partitioned COPY
 *     node data-plane.js sha256 FILE            the file read and hashed, nothing else
 *     node data-plane.js land FILE FOLDER       the landing pass alone; chunks are removed as they come
 *
 * What it prints is JSON; memory is the most that the process and its children had at one look.
 */
import { createHash } from 'node:crypto'
import { createReadStream, mkdirSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { keepMemorySteady } from '../../../engine/cli/steady-memory.ts'
import { removeChunk } from '../../../engine/table/chunk-resume.ts'
import { ChunkWriter } from '../../../engine/table/chunk-writer.ts'
import { DeliveredFile } from '../../../engine/table/delivered-file.ts'
import { landFile, type LandedChunk } from '../../../engine/table/landing.ts'
import { ContentBudget, PACKAGE_LIMITS } from '../../../engine/table/package-limits.ts'
import { quoteName, quoteText } from '../../../engine/table/quote.ts'
import { WIDE, parseTruth, plantedFile } from '../../table/truth.ts'

const LOOK_MS = 50
const WORKERS = 2
const MEMORY_MB = 800

const [what = 'make', first = '.', second = '.'] = process.argv.slice(2)

/** Resident bytes of each process of the tree that has this one at its root: Linux only. */
function residentMb(): { readonly own: number; readonly all: number } {
  const mbOf = (pid: string | number): number => {
    try {
      const status = readFileSync(`/proc/${pid}/status`, 'utf8')
      return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024
    } catch {
      return 0 // it has just ended
    }
  }
  const children = readdirSync(`/proc/${process.pid}/task`).flatMap((task) =>
    readFileSync(`/proc/${process.pid}/task/${task}/children`, 'utf8').trim().split(/\s+/),
  )
  const own = mbOf(process.pid)
  return { own, all: children.reduce((sum, pid) => sum + (pid === '' ? 0 : mbOf(pid)), own) }
}

const most = { own_mb: 0, all_mb: 0 }
const looking = setInterval(() => {
  const { own, all } = residentMb()
  most.own_mb = Math.max(most.own_mb, own)
  most.all_mb = Math.max(most.all_mb, all)
}, LOOK_MS)

const SQL_TYPES = {
  string: 'VARCHAR',
  integer: 'BIGINT',
  decimal: 'DECIMAL(12,2)',
  date: 'DATE',
  datetime: 'TIMESTAMP',
  boolean: 'BOOLEAN',
} as const

async function bareDuckdb(file: string, folder: string): Promise<number> {
  // The product has DuckDB in its children alone: it is not to weigh on the parse here.
  const { DuckDBInstance } = await import('@duckdb/node-api')
  const instance = await DuckDBInstance.create(':memory:', { threads: String(WORKERS) })
  const connection = await instance.connect()
  const columns = WIDE.columns
    .map(({ name, type }) => `${quoteText(name)}: ${quoteText(SQL_TYPES[type])}`)
    .join(', ')
  const month = `strftime(${quoteName('c2')}, '%Y-%m') AS atomic_month`
  const result = await connection.run(`COPY (SELECT *, ${month} FROM read_csv(${quoteText(file)},
      columns={${columns}}, delim='|', header=false, quote='', escape='', auto_detect=false,
      dateformat='%Y%m%d', ignore_errors=true, null_padding=false, new_line='\\n'))
    TO ${quoteText(folder)} (FORMAT parquet, COMPRESSION zstd, PARTITION_BY (atomic_month))`)
  return Number((await result.getRows())[0]?.[0] ?? 0)
}

async function landed(file: string, folder: string): Promise<number> {
  const { signal } = new AbortController()
  const budget = new ContentBudget(PACKAGE_LIMITS)
  const options = { name: 'a', path: file, members: undefined, format: undefined }
  const delivered = new DeliveredFile({ ...options, budget, signal })
  const writer = new ChunkWriter({ folder, chunkBytes: 64 * 2 ** 20, delimiter: '|' })
  let records = 0
  for await (const one of delivered.logicalFiles()) {
    const accept = async ({ chunk }: LandedChunk): Promise<void> => removeChunk(chunk)
    const request = { file: one, fileIndex: 0, firstRecord: 1, spec: WIDE, writer, accept }
    records += (await landFile(request)).dataRecords
  }
  return records
}

async function hashed(file: string): Promise<number> {
  const sum = createHash('sha256')
  let bytes = 0
  for await (const block of createReadStream(file, { highWaterMark: 2 ** 20 })) {
    sum.update(block as Buffer)
    bytes += (block as Buffer).length
  }
  sum.digest()
  return bytes
}

async function measured(): Promise<object> {
  if (what === 'make') {
    // Without defects: bare DuckDB gives the whole file up at a lone CR.
    const { path } = await plantedFile(first, { rows: Number(second), seed: 'bench', defects: 0 })
    return { path }
  }
  if (what === 'sha256') return { bytes: await hashed(first) }
  mkdirSync(second, { recursive: true })
  if (what === 'land') return { rows: await landed(first, second) }
  if (what === 'duckdb') return { rows: await bareDuckdb(first, join(second, 'out')) }
  keepMemorySteady()
  const truth = { path: first, rows: 0, planted: [], kinds: new Set<string>() }
  const options = { folder: second, workers: WORKERS, memoryMb: MEMORY_MB }
  const { outcome, digest } = await parseTruth(truth, options)
  return { rows: outcome.report.accepted, rejected: outcome.report.rejected, digest }
}

const found = await measured()
clearInterval(looking)
console.log(JSON.stringify({ ...found, ...most }))
