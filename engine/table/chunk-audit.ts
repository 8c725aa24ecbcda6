/**
 * An audit of each chunk: 64 of its records are read again by the grammar, and their values in the
 * Parquet files must be the same. Which ones follows from the chunk's content, so a parse that is
 * repeated asks the same. Records lie in runs of eight: Parquet is read by pages.
 */
import { createHash } from 'node:crypto'
import { EngineError } from '../core/errors.ts'
import type { ChunkContext, ChunkJob } from './chunk-context.ts'
import { ChunkRecords } from './chunk-records.ts'
import type { DuckRow } from './duck-protocol.ts'
import { monthOf } from './grammar.ts'
import { auditSelect } from './sql.ts'

const RUNS = 8
const RUN_RECORDS = 8

export interface Audited {
  /** the files DuckDB wrote */
  readonly paths: readonly string[]
  readonly context: ChunkContext
}

/** Throws ENGINE_DISAGREEMENT for the first value that differs: file, record and column. */
export async function auditChunk(job: ChunkJob, { paths, context }: Audited): Promise<void> {
  if (paths.length === 0) return
  await using records = await ChunkRecords.open(job, context)
  const numbers = auditedNumbers(job, records)
  const { spec, monthColumn, duck, signal, memoryMb, out } = context
  const statements = [auditSelect({ spec, monthColumn, paths, numbers })]
  const { rows } = await duck.run({ statements, folders: [out], memoryMb }, signal)
  const byNumber = new Map(rows.map((row) => [Number(row['n']), row]))
  for (const number of numbers) {
    const differs = await difference(job, records, { number, row: byNumber.get(number), context })
    if (differs === null) continue
    const what = `was written otherwise than the grammar reads it: ${differs}`
    throw new EngineError('ENGINE_DISAGREEMENT', { file: job.file, record: number, what })
  }
}

/** Ascending. SHA-256 of the chunk's seal gives the places at which runs begin. */
function auditedNumbers({ chunk }: ChunkJob, records: ChunkRecords): number[] {
  const sum = createHash('sha256').update(chunk.seal).digest()
  const numbers = new Set<number>()
  for (let run = 0; run < RUNS; run += 1) {
    const from = chunk.index.firstRecord + (sum.readUInt32LE(run * 4) % chunk.index.size)
    for (const number of records.data(from, RUN_RECORDS)) numbers.add(number)
  }
  return [...numbers].toSorted((a, b) => a - b)
}

interface Compared {
  readonly number: number
  readonly row: DuckRow | undefined
  readonly context: ChunkContext
}

/** What differs, by name; null when nothing does. */
async function difference(
  { chunk }: ChunkJob,
  records: ChunkRecords,
  { number, row, context }: Compared,
): Promise<string | null> {
  const record = chunk.index.read(number)
  const raw = await records.raw(record)
  if (records.reasons(record, raw).length > 0) return row === undefined ? null : 'it is refused'
  if (row === undefined) return 'it is missing'
  const values = records.values(record, raw)
  const { spec, declaredMonth } = context
  for (const [at, { name }] of spec.columns.entries()) {
    if ((values.get(name) ?? null) !== row[`v${at}`]) return `column ${name}`
  }
  const month = monthOf(spec, values, declaredMonth)
  return month === row['month'] ? null : `column ${context.monthColumn}`
}
