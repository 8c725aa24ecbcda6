/**
 * One chunk file to Parquet parts and rejects.
 *
 * DuckDB writes the rows it accepts; which records are missing is found by set difference on the
 * record number, and each missing one is explained by the grammar. A missing record in which the
 * grammar finds no fault stops the parse: silence would be the loss of a row.
 */
import { mkdir, rename, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { assert, EngineError } from '../core/errors.ts'
import type { FooterColumn } from './arrow-schema.ts'
import { ChunkTally, type ChunkOutcome, type ParsedPart } from './chunk-outcome.ts'
import { chunkName, rejectsPath, type ChunkContext } from './chunk-context.ts'
import type { Chunk } from './chunk-writer.ts'
import type { DuckRow, DuckValue } from './duck-protocol.ts'
import { fileDigest } from './file-digest.ts'
import { checkPart } from './footer.ts'
import { FIELD_TYPES } from './grammar.ts'
import { LineFile } from './line-file.ts'
import { KIND, type IndexedRecord } from './record-index.ts'
import { explain, faultReasons, rawMembers, SliceReader, type FileGrammar } from './rejects.ts'
import type { ColumnSpec } from './spec.ts'
import { chunkCopy, missingNumbers } from './sql.ts'

export interface ChunkJob {
  readonly chunk: Chunk
  /** layout column of each field, in file order */
  readonly fields: readonly (ColumnSpec | null)[]
  /** name of the file the chunk is of */
  readonly file: string
}

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

/** Parses one chunk and removes its files. Ends with parts in `out` and rejects in `scratch`. */
export async function parseChunk(job: ChunkJob, context: ChunkContext): Promise<ChunkOutcome> {
  const { chunk } = job
  const written = chunk.records === 0 ? NOTHING : await writeRows(job, context)
  const missing = await missingRecords(chunk, written, context)
  const tally = new ChunkTally(job.file, chunk)
  const rejects = await explainRecords(job, { missing, context, tally })
  if (tally.accepted !== written.rows) {
    throw new EngineError('ENGINE_DISAGREEMENT', {
      file: job.file,
      record: chunk.index.firstRecord,
      what: `begins a chunk with ${written.rows} rows for ${tally.accepted} accepted records`,
    })
  }
  const parts = await keepParts(chunk, written, context)
  await rm(chunkFolder(chunk, context), { recursive: true, force: true })
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

async function writeRows(job: ChunkJob, context: ChunkContext): Promise<WrittenRows> {
  const { chunk, fields } = job
  const { spec, duck, signal, memoryMb, scratch, out } = context
  const folder = chunkFolder(chunk, context)
  await rm(folder, { recursive: true, force: true })
  await mkdir(folder, { recursive: true })
  const { delimiter } = spec.dialect
  const shape = { fields, delimiter, hasEscapes: chunk.hasEscapes }
  const copy = chunkCopy({ ...context, shape, chunkPath: chunk.path }, folder)
  const task = { statements: [copy], folders: [scratch, out], memoryMb }
  const { rows } = await duck.run(task, signal)
  return readStatistics(rows, context)
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

function monthOf(path: string, { spec, monthColumn, declaredLastMonth }: ChunkContext): string {
  if ('declared' in spec.month) return declaredLastMonth
  const folder = basename(join(path, '..'))
  assert(folder.startsWith(`${monthColumn}=`), 'a part outside its month')
  return folder.slice(monthColumn.length + 1)
}

/** Ranges of record numbers that are not in the written files. */
type Missing = readonly { readonly first: number; readonly last: number }[]

async function missingRecords(
  chunk: Chunk,
  written: WrittenRows,
  context: ChunkContext,
): Promise<Missing> {
  if (written.rows === chunk.records) return []
  const { firstRecord, lastRecord } = chunk.index
  if (written.rows === 0) return [{ first: firstRecord, last: lastRecord }]
  const paths = written.files.map((file) => file.path)
  const { duck, signal, memoryMb } = context
  const statements = [missingNumbers(paths, firstRecord, lastRecord)]
  const { rows } = await duck.run({ statements, folders: [context.out], memoryMb }, signal)
  return rows.map((row) => ({ first: Number(row['first']), last: Number(row['last']) }))
}

interface Explanation {
  readonly missing: Missing
  readonly context: ChunkContext
  readonly tally: ChunkTally
}

/** Walks the index once: counts every record and writes those that were rejected. */
async function explainRecords(job: ChunkJob, { missing, context, tally }: Explanation) {
  const { chunk, fields, file } = job
  const { index } = chunk
  await using rejects = await LineFile.create(rejectsPath(chunk.number, context))
  await using lines = await SliceReader.open(chunk.path)
  await using raws = await SliceReader.open(chunk.rawPath)
  const grammar: FileGrammar = {
    delimiter: context.spec.dialect.delimiter,
    fields: fields.map((field) => (field && context.grammars.get(field.name)) ?? null),
  }
  let range = 0
  for (let number = index.firstRecord; number <= index.lastRecord; number += 1) {
    const kind = index.kindOf(number)
    while ((missing[range]?.last ?? Infinity) < number) range += 1
    const isMissing = number >= (missing[range]?.first ?? Infinity)
    const isData = kind === KIND.plain || kind === KIND.quoted
    if (isData && !isMissing) {
      tally.accept()
      continue
    }
    const record = index.read(number)
    if (!isData && kind !== KIND.rejected) {
      tally.setAside(record)
      continue
    }
    const source = kind === KIND.plain ? lines : raws
    const raw = await source.read(record.rawOffset, record.rawBytes)
    const reasons =
      record.faults === 0 ? explain(raw, record, grammar) : faultReasons(record.faults)
    if (reasons.length === 0) throw disagreement(file, number)
    tally.reject(record, reasons)
    await rejects.add(rejectLine({ file, number, record, reasons, raw }))
  }
  return rejects.finish()
}

const disagreement = (file: string, record: number): EngineError =>
  new EngineError('ENGINE_DISAGREEMENT', {
    file,
    record,
    what: 'was not accepted by SQL, and the grammar finds no fault in it',
  })

interface RejectLine {
  readonly file: string
  readonly number: number
  readonly record: IndexedRecord
  readonly reasons: readonly object[]
  readonly raw: Buffer
}

const rejectLine = ({ file, number, record, reasons, raw }: RejectLine): object => ({
  file,
  record: number,
  line: record.line,
  byteStart: record.byteStart,
  byteEnd: record.byteEnd,
  reasons,
  ...rawMembers(raw, record.faults),
})

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
