/**
 * Counts a file's records a second time, by the landing pass's reader alone: no layout, no SQL.
 *
 * Given what a report says is not a row, everything else must be the accepted rows, and every
 * range must start and end where a record does. Cost: one pass over the bytes.
 */
import type { ContentDigest } from './content-stream.ts'
import { DeliveredFile, type LogicalFile } from './delivered-file.ts'
import type { DuckPool } from './duck-pool.ts'
import { ContentBudget, PACKAGE_LIMITS } from './package-limits.ts'
import { NO_SECRETS, type PackageSecrets } from './package-secret.ts'
import { tableFormat } from './table-format.ts'
import { RecordReader, type RecordSyntax } from './record-reader.ts'
import type { ParseSpec } from './spec.ts'
import { asText } from './table-file.ts'

/** Bytes of the decompressed file, end exclusive. */
export interface CountedRange {
  readonly byteStart: number
  readonly byteEnd: number
}

export interface RecountRequest {
  readonly name: string
  readonly path: string
  readonly spec: ParseSpec
  /** what is not a row, by position, of a logical file */
  readonly rangesOf: (name: string) => readonly CountedRange[]
  /** what opens its encrypted members; default none */
  readonly secrets?: PackageSecrets
  /** absolute; tables are made text there */
  readonly scratch: string
  readonly duck: DuckPool
  readonly signal: AbortSignal
}

export interface Recount extends ContentDigest {
  /** of the logical file */
  readonly name: string
  readonly records: number
  /** records outside every range */
  readonly rows: { readonly records: number; readonly bytes: number }
  /** records that lie partly in a range: none, when the ranges are right */
  readonly straddling: number
}

/** Reads a delivered file once, member by member. Throws PARSE_FAILED for a broken package. */
export async function* recountRecords(request: RecountRequest): AsyncGenerator<Recount> {
  const { name, path, spec, scratch, duck, secrets = NO_SECRETS, signal } = request
  // It has been read before: what a layout allows now is not asked again.
  const limits = { ...PACKAGE_LIMITS, contentBytes: Infinity, ratio: Infinity }
  const budget = new ContentBudget(limits)
  const { members } = spec.package ?? {}
  const delivered = new DeliveredFile({
    name,
    path,
    members,
    format: tableFormat(spec),
    budget,
    secrets,
    signal,
  })
  const tools = { scratch, duck, budget, signal, learn: () => undefined }
  for await (const file of delivered.logicalFiles()) {
    const text = asText(file, spec, tools)
    yield await recountFile(text, { syntax: spec, ranges: request.rangesOf(file.name) })
  }
}

async function recountFile(
  file: LogicalFile,
  { syntax, ranges }: { readonly syntax: RecordSyntax; readonly ranges: readonly CountedRange[] },
): Promise<Recount> {
  const rows = { records: 0, bytes: 0 }
  let records = 0
  let straddling = 0
  let at = 0
  const reader = new RecordReader(syntax, ({ byteStart, byteEnd }) => {
    records += 1
    while (at < ranges.length && (ranges[at] as CountedRange).byteEnd <= byteStart) at += 1
    const range = ranges[at]
    if (range === undefined || range.byteStart >= byteEnd) {
      rows.records += 1
      rows.bytes += byteEnd - byteStart
    } else if (range.byteStart > byteStart || range.byteEnd < byteEnd) straddling += 1
  })
  const content = await file.read(async (window) => reader.push(window))
  reader.end()
  return { ...content, name: file.name, records, rows, straddling }
}
