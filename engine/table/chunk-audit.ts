/**
 * An audit of each chunk: 64 of its rows are read back from the Parquet files, and the grammar has to
 * read the same values in their records. Which ones follows from the chunk's content, so a parse that
 * is repeated asks the same. They lie in runs of eight, in at most four files: Parquet is read by
 * pages, and rows all over 24 months were 6 % of a chunk's CPU time.
 */
import { createHash } from 'node:crypto'
import { EngineError } from '../core/errors.ts'
import type { ChunkContext, ChunkJob } from './chunk-context.ts'
import { ChunkRecords, isData } from './chunk-records.ts'
import type { DuckRow } from './duck-protocol.ts'
import { monthOf } from './grammar.ts'
import type { AuditedRows } from './sql.ts'

const RUNS = 8
const RUN_ROWS = 8
const FILES_MAX = 4

interface WrittenFile {
  readonly path: string
  readonly rows: number
}

/** The rows to read back, by file: SHA-256 of the chunk's seal says at which of them runs begin. */
export function auditedRows(seal: string, files: readonly WrittenFile[]): readonly AuditedRows[] {
  const sum = createHash('sha256').update(seal).digest()
  const count = Math.min(FILES_MAX, files.length)
  const from = sum.readUInt32LE(0) % Math.max(1, files.length)
  return Array.from({ length: count }, (_, at) => {
    const file = files[(from + Math.floor((at * files.length) / count)) % files.length]
    const { path, rows } = file as WrittenFile
    const positions = new Set<number>()
    for (let run = at; run < RUNS; run += count) {
      const start = sum.readUInt32LE(run * 4) % rows
      for (let row = start; row < Math.min(start + RUN_ROWS, rows); row += 1) positions.add(row)
    }
    return { path, positions: [...positions] }
  })
}

interface Audited {
  readonly files: readonly AuditedRows[]
  /** what auditSelect found of them */
  readonly rows: readonly DuckRow[]
  readonly context: ChunkContext
}

/** Throws ENGINE_DISAGREEMENT for the first value that differs: file, record and column. */
export async function auditChunk(job: ChunkJob, { files, rows, context }: Audited): Promise<void> {
  const wanted = files.reduce((sum, { positions }) => sum + positions.length, 0)
  if (rows.length !== wanted) {
    const record = job.chunk.index.firstRecord
    const what = `begins a chunk of which ${rows.length} of ${wanted} rows could be read back`
    throw new EngineError('ENGINE_DISAGREEMENT', { file: job.file, record, what })
  }
  await using records = await ChunkRecords.open(job, context)
  const inOrder = rows.toSorted((a, b) => Number(a['n']) - Number(b['n']))
  for (const row of inOrder) {
    const differs = await difference(job, records, { row, context })
    if (differs === null) continue
    const what = `was written otherwise than the grammar reads it: ${differs}`
    throw new EngineError('ENGINE_DISAGREEMENT', { file: job.file, record: Number(row['n']), what })
  }
}

interface Compared {
  readonly row: DuckRow
  readonly context: ChunkContext
}

/** What differs, by name; null when nothing does. */
async function difference(
  { chunk: { index } }: ChunkJob,
  records: ChunkRecords,
  { row, context }: Compared,
): Promise<string | null> {
  const number = Number(row['n'])
  if (!(number >= index.firstRecord && number <= index.lastRecord)) return 'it is of another chunk'
  const record = index.read(number)
  if (!isData(record.kind)) return 'it is no data'
  const raw = await records.raw(record)
  if (records.reasons(record, raw).length > 0) return 'it is refused'
  const values = records.values(record, raw)
  const { spec, declaredMonth } = context
  for (const [at, { name }] of spec.columns.entries()) {
    if ((values.get(name) ?? null) !== row[`v${at}`]) return `column ${name}`
  }
  const month = monthOf(spec, values, declaredMonth)
  return month === row['month'] ? null : `column ${context.monthColumn}`
}
