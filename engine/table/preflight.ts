/**
 * The first records of a submission, judged by the grammar before DuckDB sees any.
 *
 * A file of another layout is told so after its first chunk has landed; and what the grammar
 * refuses here SQL must refuse too. Cost: 1,000 records in TypeScript, 20 ms at 60 columns.
 */
import type { ChunkContext, ChunkJob } from './chunk-context.ts'
import { ChunkRecords } from './chunk-records.ts'
import { LineFile, type WrittenLines } from './line-file.ts'
import { ReasonCounts } from './reason-counts.ts'
import { rejectLine } from './rejects.ts'
import { PREFLIGHT_RECORDS, type RecordsRead } from './stop.ts'

export interface Preflight extends RecordsRead {
  /** numbers of the refused records */
  readonly refused: ReadonlySet<number>
  readonly reasons: ReasonCounts
  /** the refused records, in the form of the rejects file */
  readonly rejects: WrittenLines
}

/** Judges the first PREFLIGHT_RECORDS data records of a chunk and writes the refused ones. */
export async function preflight(
  job: ChunkJob,
  context: ChunkContext,
  rejectsFile: string,
): Promise<Preflight> {
  const { index } = job.chunk
  const refused = new Set<number>()
  const reasons = new ReasonCounts()
  let records = 0
  await using source = await ChunkRecords.open(job, context)
  await using rejects = await LineFile.create(rejectsFile)
  for (const number of source.data(index.firstRecord, PREFLIGHT_RECORDS)) {
    records += 1
    const record = index.read(number)
    const raw = await source.raw(record)
    const found = source.reasons(record, raw)
    if (found.length === 0) continue
    refused.add(number)
    reasons.add(found)
    await rejects.add(rejectLine({ file: job.file, number, record, reasons: found, raw }))
  }
  return { records, rejected: refused.size, refused, reasons, rejects: await rejects.finish() }
}
