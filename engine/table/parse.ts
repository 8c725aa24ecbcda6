/**
 * The files of one submission to Parquet parts per month, a rejects file and a report.
 *
 * The bytes written depend on the content, the spec and the chunk size only: not on the number of
 * workers, their memory, paths or time. What the submitter has to correct is an outcome
 * (`failed`); an exception is a fault of the engine or the machine. A parse that was interrupted
 * goes on where it was when it is called again with the same scratch and out folders.
 */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { assert, EngineError, isEngineError } from '../core/errors.ts'
import { RANGES_MAX, type ChunkOutcome, type ParsedPart } from './chunk-outcome.ts'
import { rejectsPath, type ChunkContext } from './chunk-context.ts'
import { parseChunk, type ChunkJob } from './chunk-parse.ts'
import { finishChunk, removeChunk, resumeChunk } from './chunk-resume.ts'
import { ChunkWriter } from './chunk-writer.ts'
import type { DuckPool } from './duck-pool.ts'
import { fieldGrammar, monthRole } from './grammar.ts'
import type { ParseFailureCode } from './header.ts'
import { landFile, type LandedFile } from './landing.ts'
import { LineFile, type WrittenLines } from './line-file.ts'
import { parseReport, type ParseReport } from './parse-report.ts'
import { specProblems } from './spec-problems.ts'
import type { ParseSpec } from './spec.ts'

export interface ParseRequest {
  readonly spec: ParseSpec
  /** files of one submission in order; names are unique and appear in report and rejects */
  readonly files: readonly { readonly name: string; readonly path: string }[]
  /** `YYYY-MM`: the month of all rows when the month rule is `declared` */
  readonly declaredLastMonth: string
  /** name of the month's column, the last of every part */
  readonly monthColumn: string
  /** VARCHAR columns with one value, between `line_number` and the month */
  readonly constants: readonly { readonly name: string; readonly value: string }[]
  /** absolute; survives a crash, belongs to this parse (one fingerprint) alone */
  readonly scratch: string
  /** absolute, on the same disk as scratch */
  readonly out: string
  readonly duck: DuckPool
  readonly signal: AbortSignal
  /** decompressed bytes per chunk; part of the recipe. Default 64 MiB */
  readonly chunkBytes?: number
  /** decompressed bytes of all files at most. Default 64 GiB */
  readonly contentBytesMax?: number
  /** DuckDB memory per task; does not change the bytes. Default 500 */
  readonly memoryMb?: number
  /** called after each chunk */
  readonly onProgress?: (progress: ParseProgress) => void
}

export interface ParseProgress {
  readonly chunks: number
  /** accepted */
  readonly records: number
  readonly contentBytes: number
}

export interface ParsedMonth {
  readonly month: string
  readonly rows: number
  readonly parts: readonly (Omit<ParsedPart, 'month'> & { readonly path: string })[]
}

export type ParseOutcome =
  | {
      readonly kind: 'parsed'
      /** ascending; parts in chunk order */
      readonly months: readonly ParsedMonth[]
      readonly rejects: WrittenLines
      readonly report: ParseReport
    }
  | {
      readonly kind: 'failed'
      readonly code: ParseFailureCode
      /** in words; positions and layout names, no value */
      readonly detail: string
      readonly file: string
      /** present when the file could be read to its end */
      readonly report?: ParseReport
      readonly rejects?: WrittenLines
    }

const CHUNK_BYTES = 64 * 1024 * 1024
const CONTENT_BYTES_MAX = 64 * 1024 ** 3
const MEMORY_MB = 500

/** Parses a submission. See ParseOutcome; throws for faults of the engine and on abort. */
export async function parseFiles(request: ParseRequest): Promise<ParseOutcome> {
  checkRequest(request)
  await mkdir(request.scratch, { recursive: true })
  await mkdir(request.out, { recursive: true })
  const parse = new Parse(request)
  try {
    const files = await parse.run()
    return await conclude(parse, files, request)
  } catch (error) {
    await parse.abandon()
    request.signal.throwIfAborted()
    if (isEngineError(error, 'PARSE_FAILED')) {
      const { file, reason, detail } = error.context
      return { kind: 'failed', code: reason as ParseFailureCode, detail, file }
    }
    throw isDiskFull(error) ? new EngineError('DISK_FULL', { what: 'the parse' }) : error
  }
}

const isDiskFull = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'ENOSPC'

function checkRequest({ spec, files, constants, ...request }: ParseRequest): void {
  const [problem] = specProblems(spec)
  assert(problem === undefined, `a ParseSpec whose ${problem?.pointer} ${problem?.text}`)
  assert(files.length > 0, 'a parse without files')
  assert(new Set(files.map(({ name }) => name)).size === files.length, 'two files of one name')
  const isMonth = /^\d{4}-(0[1-9]|1[0-2])$/.test(request.declaredLastMonth)
  assert(isMonth, 'a declared month that is not YYYY-MM')
  const lineage = ['line_number', ...constants.map(({ name }) => name), request.monthColumn]
  const names = [...spec.columns.map(({ name }) => name), ...lineage].map((n) => n.toLowerCase())
  const twice = names.find((name, at) => names.indexOf(name) < at)
  assert(twice === undefined, `two columns named ${twice} in the output of a parse`)
}

/** One parse under way: the landing pass on one side, at most pool size + 1 chunks on the other. */
class Parse {
  readonly #request: ParseRequest
  readonly #context: ChunkContext
  readonly #writer: ChunkWriter
  readonly #stop = new AbortController()
  readonly #running = new Set<Promise<void>>()
  readonly outcomes: ChunkOutcome[] = []
  #rangeCount = 0
  #progress: ParseProgress = { chunks: 0, records: 0, contentBytes: 0 }
  #failure: { error: unknown } | null = null

  constructor(request: ParseRequest) {
    const { spec, scratch, chunkBytes = CHUNK_BYTES, memoryMb = MEMORY_MB } = request
    const signal = AbortSignal.any([request.signal, this.#stop.signal])
    const grammars = new Map(
      spec.columns.map((column) => [column.name, fieldGrammar(column, monthRole(spec, column))]),
    )
    this.#request = request
    this.#context = { ...request, memoryMb, grammars, signal }
    const { delimiter } = spec.dialect
    this.#writer = new ChunkWriter({ folder: scratch, chunkBytes, delimiter })
  }

  async run(): Promise<LandedFile[]> {
    const { files, spec, contentBytesMax = CONTENT_BYTES_MAX } = this.#request
    const landed: LandedFile[] = []
    let firstRecord = 1
    let left = contentBytesMax
    for (const [fileIndex, file] of files.entries()) {
      const result = await landFile({
        file,
        fileIndex,
        firstRecord,
        spec,
        writer: this.#writer,
        contentBytesMax: left,
        signal: this.#context.signal,
        accept: (chunk, fields) => this.#accept({ chunk, fields, file: file.name }),
      }).catch((error: unknown) => {
        // an aborted stream is the echo of a chunk that failed
        throw this.#failure === null ? error : this.#failure.error
      })
      landed.push(result)
      firstRecord += result.records
      left -= result.contentBytes
    }
    await Promise.all(this.#running)
    if (this.#failure !== null) throw this.#failure.error
    return landed
  }

  /** Ends what runs and removes chunk files; finished chunks stay for the next call. */
  async abandon(): Promise<void> {
    this.#stop.abort()
    await Promise.all(this.#running)
    await this.#writer.discard()
  }

  /** Takes a complete chunk; returns when another may be written. */
  async #accept(job: ChunkJob): Promise<void> {
    if (this.#failure !== null) {
      await removeChunk(job.chunk)
      throw this.#failure.error
    }
    const running = this.#parse(job)
      .catch((error: unknown) => {
        this.#failure ??= { error }
        this.#stop.abort()
      })
      .finally(() => this.#running.delete(running))
    this.#running.add(running)
    if (this.#running.size > this.#request.duck.size) await Promise.race(this.#running)
  }

  async #parse(job: ChunkJob): Promise<void> {
    const { chunk } = job
    const context = this.#context
    try {
      let outcome = await resumeChunk(chunk, context)
      if (outcome === null) {
        outcome = await parseChunk(job, context)
        await finishChunk(chunk, outcome, context)
      }
      this.#keep(outcome)
    } finally {
      await removeChunk(chunk)
    }
  }

  #keep(outcome: ChunkOutcome): void {
    this.#rangeCount += outcome.rangeCount
    const isBounded = this.#rangeCount <= RANGES_MAX
    this.outcomes[outcome.chunk] = isBounded ? outcome : { ...outcome, ranges: [] }
    const { chunks, records, contentBytes } = this.#progress
    this.#progress = {
      chunks: chunks + 1,
      records: records + outcome.totals.accepted.records,
      contentBytes: contentBytes + outcome.byteEnd - outcome.byteStart,
    }
    this.#request.onProgress?.(this.#progress)
  }
}

async function conclude(
  parse: Parse,
  files: readonly LandedFile[],
  request: ParseRequest,
): Promise<ParseOutcome> {
  const { outcomes } = parse
  const report = parseReport({ files, outcomes, columns: request.spec.columns })
  for (const { totals, contentBytes, name } of report.files) {
    const bytes = Object.values(totals).reduce((sum, total) => sum + total.bytes, 0)
    assert(bytes === contentBytes, `the records of ${name} do not tile it`)
  }
  const rejects = await joinRejects(outcomes, request)
  if (report.accepted === 0 && report.rejected > 0) {
    const detail = `none of its ${report.rejected} data records fits the layout`
    const file = request.files[0]?.name ?? ''
    return { kind: 'failed', code: 'NOTHING_ACCEPTED', detail, file, report, rejects }
  }
  return { kind: 'parsed', months: monthsOf(outcomes, request), rejects, report }
}

async function joinRejects(
  outcomes: readonly ChunkOutcome[],
  { out, scratch }: ParseRequest,
): Promise<WrittenLines> {
  await using file = await LineFile.create(join(out, 'rejects.jsonl'))
  for (const { chunk, rejects } of outcomes) {
    if (rejects.lines === 0) continue
    await file.addFile(rejectsPath(chunk, { scratch }), rejects.lines)
  }
  return file.finish()
}

function monthsOf(
  outcomes: readonly ChunkOutcome[],
  { out, monthColumn }: ParseRequest,
): ParsedMonth[] {
  const parts = outcomes.flatMap((outcome) => outcome.parts)
  const byMonth = Map.groupBy(parts, (part) => part.month)
  return [...byMonth]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([month, own]) => ({
      month,
      rows: own.reduce((sum, part) => sum + part.rows, 0),
      parts: own.map(({ month: _, ...part }) => ({
        ...part,
        path: join(out, `${monthColumn}=${month}`, part.name),
      })),
    }))
}
