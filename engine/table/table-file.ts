/**
 * A workbook or a Parquet file as the delimited text that the landing pass reads.
 *
 * The file is copied into the parse's folder, read by child processes, and given on as one text:
 * comma, double quote, line feed. Size and SHA-256 stay those of the file that was delivered; its
 * content is the text. The same file gives the same text, so a parse that was cut off makes it anew.
 */
import { createReadStream } from 'node:fs'
import { mkdir, open, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { BLOCK_BYTES, type ContentDigest, type ContentSink } from './content-stream.ts'
import type { LogicalFile } from './delivered-file.ts'
import type { DuckPool } from './duck-pool.ts'
import type { ContentBudget } from './package-limits.ts'
import { writeParquetText } from './parquet-file.ts'
import { quotedField, type ColumnMark } from './sheet-text.ts'
import type { ParseSpec } from './spec.ts'
import { failTable } from './table-failure.ts'
import { isTable } from './table-format.ts'
import { askTwice } from './table-process.ts'

export interface TableTools {
  /** absolute; its own files are removed again */
  readonly scratch: string
  readonly duck: DuckPool
  readonly budget: ContentBudget
  readonly signal: AbortSignal
  /** hears what the text does not say, before the first of it */
  readonly learn: (facts: TableFacts) => void
}

/** What a text does not say of its table. */
export interface TableFacts {
  readonly marks: readonly ColumnMark[]
  /** sheets that were not read */
  readonly left: { readonly count: number; readonly names: readonly string[] }
}

export const NO_FACTS: TableFacts = { marks: [], left: { count: 0, names: [] } }

/**
 * The logical file as one whose content is text; itself where it is text. Reading throws PARSE_FAILED for a file that is damaged
 * or past its limits, and DISK_FULL.
 */
export function asText(file: LogicalFile, spec: ParseSpec, tools: TableTools): LogicalFile {
  if (!isTable(spec)) return file
  return { ...file, read: async (accept) => readTable({ file, spec, tools }, accept) }
}

interface TableReading {
  readonly file: LogicalFile
  readonly spec: ParseSpec
  readonly tools: TableTools
}

async function readTable(reading: TableReading, accept: ContentSink): Promise<ContentDigest> {
  const { file, spec, tools } = reading
  const folder = join(tools.scratch, 'table')
  await rm(folder, { recursive: true, force: true })
  await mkdir(folder, { recursive: true })
  try {
    const [path, out] = [join(folder, 'delivered'), join(folder, 'text')]
    const digest = await copyFile(file, path)
    let head = Buffer.alloc(0)
    if (spec.format === 'parquet') {
      const names = await writeParquetText(file.name, { path, out, ...tools })
      head = Buffer.from(`${names.map(quotedField).join(',')}\n`)
    } else tools.learn(await sheetText(reading, { path, out }))
    const contentBytes = head.length + (await stat(out)).size
    let read = 0
    for await (const block of textBlocks(head, out, tools.signal)) {
      read += block.length
      tools.budget.take(block.length, file.name)
      await accept(block, Math.round((digest.sizeBytes * read) / contentBytes))
    }
    return { ...digest, contentBytes }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function* textBlocks(
  head: Buffer,
  path: string,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  if (head.length > 0) yield head
  const rest: AsyncIterable<Buffer> = createReadStream(path, { highWaterMark: BLOCK_BYTES, signal })
  yield* rest
}

async function copyFile(file: LogicalFile, to: string): Promise<ContentDigest> {
  await using copy = await open(to, 'w')
  return await file.read(async (window) => {
    await copy.writeFile(window)
  })
}

async function sheetText(
  { file, spec, tools: { budget, signal } }: TableReading,
  { path, out }: { readonly path: string; readonly out: string },
): Promise<TableFacts> {
  const request = {
    task: 'text' as const,
    path,
    out,
    sheet: spec.sheet,
    fieldsMin: spec.dialect.header ? 0 : spec.columns.length,
    bytesMax: budget.leftBytes,
    ratio: budget.limits.ratio,
  }
  const reply = await askTwice(request, signal)
  return 'fault' in reply ? failTable(file.name, reply) : reply
}
