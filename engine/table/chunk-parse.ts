/**
 * One chunk file to Parquet parts and rejects.
 *
 * DuckDB writes the rows it accepts; which records are missing is found by set difference on the
 * record number, and each missing one is explained by the grammar. A missing record in which the
 * grammar finds no fault stops the parse: silence would be the loss of a row.
 */
import { mkdir, rename, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { assert, EngineError, isEngineError } from '../core/errors.ts'
import type { FooterColumn } from './arrow-schema.ts'
import { auditChunk, auditedRows } from './chunk-audit.ts'
import { ChunkTally, type ChunkOutcome, type ParsedPart } from './chunk-outcome.ts'
import { chunkName, rejectsPath, type ChunkContext, type ChunkJob } from './chunk-context.ts'
import { ChunkRecords } from './chunk-records.ts'
import type { Chunk } from './chunk-writer.ts'
import type { DuckRow, DuckValue } from './duck-protocol.ts'
import { fileDigest } from './file-digest.ts'
import { checkPart } from './footer.ts'
import { FIELD_TYPES } from './grammar.ts'
import { LineFile } from './line-file.ts'
import { KIND } from './record-index.ts'
import { rejectLine } from './rejects.ts'
import { auditSelects, chunkCopy, chunkMonths, missingNumbers } from './sql.ts'
import type { AuditedRows, ChunkQuery } from './sql.ts'
import { monthsAtOnce } from './wide.ts'

/** Columns of every part, in order, as its footer must show them. */
function partColumns(context: ChunkContext): FooterColumn[] {
  const { spec, constants, monthColumn } = context
  const text = (name: string): FooterColumn => ({ name, type: 'VARCHAR' })
  return [
    ...spec.columns.map((column) => ({
      name: column.name,
      type: FIELD_TYPES[column.type].sqlType(column),
    })),
    { name: 'line_number', type: 'UINTEGER' },
    ...constants.map(({ name }) => text(name)),
    text(monthColumn),
  ]
}

/** Parses one chunk. Ends with parts in `out` and rejects in `scratch`, or with neither. */
export async function parseChunk(job: ChunkJob, context: ChunkContext): Promise<ChunkOutcome> {
  try {
    return await parse(job, context)
  } finally {
    await rm(chunkFolder(job.chunk, context), { recursive: true, force: true })
  }
}

async function parse(job: ChunkJob, context: ChunkContext): Promise<ChunkOutcome> {
  const { chunk } = job
  const written = chunk.records === 0 ? NOTHING : await writeRows(job, context)
  const { missing, ...audited } = await readBack(chunk, written, context)
  const tally = new ChunkTally(job.file, chunk)
  const rejects = await explainRecords(job, { missing, context, tally })
  await auditChunk(job, { ...audited, context })
  if (tally.accepted !== written.rows) {
    throw new EngineError('ENGINE_DISAGREEMENT', {
      file: job.file,
      record: chunk.index.firstRecord,
      what: `begins a chunk with ${written.rows} rows for ${tally.accepted} accepted records`,
    })
  }
  const parts = await keepParts(chunk, written, context)
  return tally.finish({ parts, nulls: written.nulls, rejects })
}

const chunkFolder = (chunk: Chunk, { out }: ChunkContext): string =>
  join(out, `.chunk-${chunkName(chunk.number)}`)

interface WrittenFile {
  readonly path: string
  readonly month: string
  readonly rows: number
}
interface WrittenRows {
  readonly rows: number
  readonly files: readonly WrittenFile[]
  /** NULLs by column */
  readonly nulls: Readonly<Record<string, number>>
}
const NOTHING: WrittenRows = { rows: 0, files: [], nulls: {} }

/** Columns that fit in the memory of a task, whatever else a layout says. */
const COLUMNS_FITTING = 1000

async function writeRows(job: ChunkJob, context: ChunkContext): Promise<WrittenRows> {
  const { chunk, fields } = job
  const { spec, duck, signal, memoryMb, scratch, out } = context
  const folder = chunkFolder(chunk, context)
  await rm(folder, { recursive: true, force: true })
  await mkdir(folder, { recursive: true })
  const { delimiter } = spec.dialect
  const shape = { fields, delimiter, hasEscapes: chunk.hasEscapes }
  const query = { ...context, shape, chunkPath: chunk.path }
  const run = async (statement: string): Promise<readonly DuckRow[]> =>
    (await duck.run({ statements: [statement], folders: [scratch, out], memoryMb }, signal)).rows
  try {
    const rows = await run(chunkCopy(query, folder)).catch(async (error: unknown) => {
      if (!isEngineError(error, 'DUCK_MEMORY') || 'declared' in spec.month) throw error
      return writeByMonths(query, folder, run)
    })
    return readStatistics(rows, context)
  } catch (error) {
    const columns = spec.columns.length
    if (!isEngineError(error, 'DUCK_MEMORY') || columns <= COLUMNS_FITTING) throw error
    const limitMb = error.context.limitMb
    throw new EngineError('LAYOUT_TOO_WIDE', { file: job.file, columns, limitMb }, { cause: error })
  }
}

/**
 * Some months at a time, each time reading the chunk anew: what a partitioned COPY holds grows with
 * columns × months, 790 MB at 1,000 columns and 24 months. The bytes are those of one COPY.
 */
async function writeByMonths(
  query: ChunkQuery,
  folder: string,
  run: (statement: string) => Promise<readonly DuckRow[]>,
): Promise<readonly DuckRow[]> {
  await rm(folder, { recursive: true, force: true })
  const months = (await run(chunkMonths(query))).map(({ month }) => {
    assert(typeof month === 'string', 'a month that is no text')
    return month
  })
  const atOnce = monthsAtOnce(query.spec.columns.length)
  const written: DuckRow[] = []
  for (let at = 0; at < months.length; at += atOnce) {
    const own = join(folder, String(at))
    await mkdir(own, { recursive: true })
    written.push(...(await run(chunkCopy(query, own, months.slice(at, at + atOnce)))))
  }
  return written
}

/** The rows COPY returns with RETURN_STATS. Column minima and maxima are data: left where they are. */
function readStatistics(rows: readonly DuckRow[], context: ChunkContext): WrittenRows {
  const nulls: Record<string, number> = {}
  const files = rows.flatMap((row): WrittenFile[] => {
    const path = row['filename']
    const count = Number(row['count'])
    assert(typeof path === 'string', 'COPY returned no file name')
    assert(Number.isSafeInteger(count), 'COPY returned no row count')
    if (count === 0) return []
    for (const { key, value } of entries(row['column_statistics'])) {
      assert(typeof key === 'string', 'COPY returned statistics of no column')
      const column = key.slice(1, -1)
      const found = entries(value).find((entry) => entry.key === 'null_count')
      nulls[column] = (nulls[column] ?? 0) + Number(found?.value ?? 0)
    }
    return [{ path, month: monthOf(path, context), rows: count }]
  })
  const total = files.reduce((sum, file) => sum + file.rows, 0)
  return { rows: total, files, nulls }
}

interface MapEntry {
  readonly key: DuckValue
  readonly value: DuckValue
}
const isMapEntry = (value: DuckValue): value is { key: DuckValue; value: DuckValue } =>
  value !== null && typeof value === 'object' && 'key' in value && 'value' in value

const entries = (value: DuckValue | undefined): readonly MapEntry[] =>
  Array.isArray(value) ? value.filter(isMapEntry) : []

function monthOf(path: string, { spec, monthColumn, declaredMonth }: ChunkContext): string {
  if ('declared' in spec.month) return declaredMonth
  const folder = basename(join(path, '..'))
  assert(folder.startsWith(`${monthColumn}=`), 'a part outside its month')
  return folder.slice(monthColumn.length + 1)
}

/** Ranges of record numbers that are not in the written files. */
type Missing = readonly { readonly first: number; readonly last: number }[]

interface ReadBack {
  readonly missing: Missing
  /** rows of the audit: which, and what lies there */
  readonly files: readonly AuditedRows[]
  readonly rows: readonly DuckRow[]
}

/** One task for all that is asked of the written files: a DuckDB instance costs 15 ms. */
async function readBack(
  chunk: Chunk,
  written: WrittenRows,
  context: ChunkContext,
): Promise<ReadBack> {
  const { firstRecord: first, lastRecord: last } = chunk.index
  if (written.rows === 0) {
    return { missing: chunk.records === 0 ? [] : [{ first, last }], files: [], rows: [] }
  }
  const { duck, signal, memoryMb, spec, monthColumn } = context
  const inOrder = written.files.toSorted((a, b) => (a.path < b.path ? -1 : 1))
  const files = auditedRows(chunk.seal, inOrder)
  const audits = auditSelects({ spec, monthColumn, files })
  const isWhole = written.rows === chunk.records
  const paths = written.files.map((file) => file.path)
  const statements = isWhole ? audits : [missingNumbers(paths, first, last), ...audits]
  const { results } = await duck.run({ statements, folders: [context.out], memoryMb }, signal)
  const ranges = isWhole ? [] : (results[0] ?? [])
  const missing = ranges.map((row) => ({ first: Number(row['first']), last: Number(row['last']) }))
  const rows = results.slice(isWhole ? 0 : 1).flat()
  return { missing, files, rows }
}

interface Explanation {
  readonly missing: Missing
  readonly context: ChunkContext
  readonly tally: ChunkTally
}

/** Records explained between two looks at the signal: 50 ms at 60 columns. */
const EXPLAINED_AT_ONCE = 1000

/** Walks the index once: counts every record and writes those that were rejected. */
async function explainRecords(job: ChunkJob, { missing, context, tally }: Explanation) {
  const { chunk, file } = job
  const { index } = chunk
  await using rejects = await LineFile.create(rejectsPath(chunk.number, context))
  await using records = await ChunkRecords.open(job, context)
  let range = 0
  let explained = 0
  for (let number = index.firstRecord; number <= index.lastRecord; number += 1) {
    const kind = index.kindOf(number)
    while ((missing[range]?.last ?? Infinity) < number) range += 1
    const isMissing = number >= (missing[range]?.first ?? Infinity)
    const isData = kind === KIND.plain || kind === KIND.split
    if (isData && !isMissing) {
      if (job.refused.has(number)) throw disagreement(file, number, ACCEPTED)
      tally.accept()
      continue
    }
    const record = index.read(number)
    if (!isData && kind !== KIND.rejected) {
      tally.setAside(record)
      continue
    }
    const raw = await records.raw(record)
    const reasons = records.reasons(record, raw)
    if (reasons.length === 0) throw disagreement(file, number, REFUSED)
    tally.reject(record, reasons)
    await rejects.add(rejectLine({ file, number, record, reasons, raw }))
    explained += 1
    if (explained % EXPLAINED_AT_ONCE === 0) await rest(context.signal)
  }
  return rejects.finish()
}

/** Lets timers and signals through; throws when the parse is to end. */
async function rest(signal: AbortSignal): Promise<void> {
  await setImmediate()
  signal.throwIfAborted()
}

const ACCEPTED = 'was accepted by SQL, and the grammar finds a fault in it'
const REFUSED = 'was not accepted by SQL, and the grammar finds no fault in it'

const disagreement = (file: string, record: number, what: string): EngineError =>
  new EngineError('ENGINE_DISAGREEMENT', { file, record, what })

/** Moves the written files to their names and checks each with another reader. */
async function keepParts(
  chunk: Chunk,
  written: WrittenRows,
  context: ChunkContext,
): Promise<ParsedPart[]> {
  const columns = partColumns(context)
  const name = `part-${chunkName(chunk.number)}.parquet`
  const parts: ParsedPart[] = []
  for (const { path, month, rows } of written.files) {
    assert(!parts.some((part) => part.month === month), 'a month of a chunk in two files')
    const folder = join(context.out, `${context.monthColumn}=${month}`)
    await mkdir(folder, { recursive: true })
    await rename(path, join(folder, name))
    await checkPart(join(folder, name), { rows, columns })
    parts.push({ month, name, rows, ...(await fileDigest(join(folder, name))) })
  }
  return parts
}
