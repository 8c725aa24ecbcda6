/**
 * The files of one submission to Parquet parts per month, a rejects file and a report.
 *
 * The bytes written depend on the content, the spec and the chunk size only: not on the number of
 * workers, their memory, paths or time. What the submitter has to correct is an outcome
 * (`failed`); an exception is a fault of the engine or the machine. A parse that was interrupted
 * goes on where it was when it is called again with the same scratch and out folders.
 */
import { mkdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { assert, EngineError, isEngineError } from '../core/errors.ts'
import { RANGES_MAX, type ChunkOutcome, type ParsedPart } from './chunk-outcome.ts'
import { rejectsPath, type ChunkContext, type ChunkJob } from './chunk-context.ts'
import { parseChunk } from './chunk-parse.ts'
import { finishChunk, removeChunk, resumeChunk } from './chunk-resume.ts'
import { ChunkWriter } from './chunk-writer.ts'
import { DeliveredFile, type LogicalFile } from './delivered-file.ts'
import type { DuckPool } from './duck-pool.ts'
import { fieldGrammar, monthRole } from './grammar.ts'
import { landFile, type LandedFile } from './landing.ts'
import { LineFile, type WrittenLines } from './line-file.ts'
import { ContentBudget, PACKAGE_LIMITS, type PackageLimits } from './package-limits.ts'
import { NO_SECRETS, type PackageSecrets } from './package-secret.ts'
import { fail, type ParseFailureCode } from './parse-failure.ts'
import { countReasons, parseReport, type LeftMembers, type ParseReport } from './parse-report.ts'
import { preflight } from './preflight.ts'
import { tableFormat } from './table-format.ts'
import { specProblems } from './spec-problems.ts'
import type { ParseSpec, StopRule } from './spec.ts'
import { isPastStop, reasonWords, stopDetail, type RecordsRead, type Stopped } from './stop.ts'
import { chunkRecordsMax } from './wide.ts'
import { asText, NO_FACTS, type TableFacts, type TableTools } from './table-file.ts'
import { tableFindings } from './table-findings.ts'

export interface ParseRequest {
  readonly spec: ParseSpec
  /** files of one submission in order; names are unique and appear in report and rejects */
  readonly files: readonly { readonly name: string; readonly path: string }[]
  /** `YYYY-MM`: the month of all rows when the month rule is `declared` */
  readonly declaredMonth: string
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
  /** how much the files may hold. Default PACKAGE_LIMITS; those of the layout come first */
  readonly limits?: PackageLimits
  /** DuckDB memory per task; does not change the bytes. Default 800 */
  readonly memoryMb?: number
  /** what opens encrypted packages; no part of the recipe. Default none */
  readonly secrets?: PackageSecrets
  /** called after each chunk */
  readonly onProgress?: (progress: ParseProgress) => void
}

export interface ParseProgress {
  readonly chunks: number
  /** accepted */
  readonly records: number
  /** of the files as they lie there, whose chunks are done */
  readonly bytes: number
  /** of all files */
  readonly bytesTotal: number
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
      /** present when it was not read to its end: its rejects are past the layout's stop rule */
      readonly stopped?: Stopped
      readonly rejects?: WrittenLines
    }

/** Tries at a chunk: a child that is lost is lost once. */
const ATTEMPTS_MAX = 2
/** Rejects that a stopped parse keeps. */
const STOPPED_REJECTS_MAX = 1000
const NONE_REFUSED: ReadonlySet<number> = new Set()

const CHUNK_BYTES = 64 * 1024 * 1024
const MEMORY_MB = 800

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
      const seen = await parse.whenStopped()
      return { kind: 'failed', code: reason as ParseFailureCode, detail, file, ...seen }
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
  const isMonth = /^\d{4}-(0[1-9]|1[0-2])$/.test(request.declaredMonth)
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
  /** members of packages that are no data */
  readonly left: LeftMembers[] = []
  readonly #landed: LandedFile[] = []
  #nextRecord = 1
  #rangeCount = 0
  #progress: ParseProgress = { chunks: 0, records: 0, bytes: 0, bytesTotal: 0 }
  #failure: { error: unknown } | null = null
  /** chunks judged against the stop rule: the first so many, whatever order they end in */
  #judged = 0
  #read: RecordsRead = { records: 0, rejected: 0 }
  #stopped: { readonly read: Stopped; readonly files: readonly string[] } | null = null

  constructor(request: ParseRequest) {
    const { spec, scratch, chunkBytes = CHUNK_BYTES, memoryMb = MEMORY_MB } = request
    const signal = AbortSignal.any([request.signal, this.#stop.signal])
    const grammars = new Map(
      spec.columns.map((column) => [column.name, fieldGrammar(column, monthRole(spec, column))]),
    )
    this.#request = request
    this.#context = { ...request, memoryMb, grammars, signal }
    const { delimiter } = spec.dialect
    const chunkRecords = chunkRecordsMax(spec.columns.length)
    this.#writer = new ChunkWriter({ folder: scratch, chunkBytes, chunkRecords, delimiter })
  }

  async run(): Promise<LandedFile[]> {
    const { files, spec, limits = PACKAGE_LIMITS, secrets = NO_SECRETS } = this.#request
    const sizes = await Promise.all(files.map(async ({ path }) => (await stat(path)).size))
    const bytesTotal = sizes.reduce((sum, size) => sum + size, 0)
    this.#progress = { ...this.#progress, bytesTotal }
    const budget = new ContentBudget({ ...limits, ...spec.package?.limits })
    let before = 0
    for (const [at, { name, path }] of files.entries()) {
      const { signal } = this.#context
      const { members } = spec.package ?? {}
      const format = tableFormat(spec)
      const delivered = new DeliveredFile({ name, path, members, format, budget, secrets, signal })
      const { scratch, duck } = this.#request
      const tools = { scratch, duck, budget, signal }
      for await (const file of delivered.logicalFiles()) await this.#land(file, before, tools)
      if (delivered.left.count > 0) this.left.push({ file: name, ...delivered.left })
      before += sizes[at] ?? 0
    }
    await Promise.all(this.#running)
    if (this.#failure !== null) throw this.#failure.error
    return this.#landed
  }

  /** `before`: bytes of the files delivered before it. */
  async #land(file: LogicalFile, before: number, tools: Omit<TableTools, 'learn'>): Promise<void> {
    const isTaken = this.#landed.some(({ name }) => name === file.name)
    if (isTaken) fail(file.name, 'PACKAGE_MEMBERS', 'a delivered file has the name of a member')
    const { spec } = this.#request
    let facts: TableFacts = NO_FACTS
    try {
      const result = await landFile({
        file: asText(file, spec, { ...tools, learn: (found) => (facts = found) }),
        fileIndex: this.#landed.length,
        firstRecord: this.#nextRecord,
        spec,
        writer: this.#writer,
        accept: ({ readBytes, ...chunk }) =>
          this.#accept({ ...chunk, file: file.name, refused: NONE_REFUSED }, before + readBytes),
      })
      this.#landed.push({ ...result, cells: tableFindings(facts.marks, result, spec) })
      if (facts.left.count > 0) this.left.push({ file: file.name, ...facts.left })
      this.#nextRecord += result.records
    } catch (error) {
      // What chunks before it come to is told first, however fast they are. An aborted stream is the
      // echo of a chunk that failed.
      if (isEngineError(error, 'PARSE_FAILED')) await Promise.all(this.#running)
      throw this.#failure === null ? error : this.#failure.error
    }
  }

  /** Ends what runs and removes chunk files; finished chunks stay for the next call. */
  async abandon(): Promise<void> {
    this.#stop.abort()
    await Promise.all(this.#running)
    await this.#writer.discard()
  }

  /** What a parse past its stop rule had seen, with the first rejects written to `out`. */
  async whenStopped(): Promise<{ stopped: Stopped; rejects: WrittenLines } | undefined> {
    if (this.#stopped === null) return undefined
    const { read, files } = this.#stopped
    await using rejects = await LineFile.create(join(this.#request.out, 'rejects.jsonl'))
    let left = STOPPED_REJECTS_MAX
    for (const path of files) {
      left -= await rejects.addFile(path, left)
      if (left === 0) break
    }
    return { stopped: read, rejects: await rejects.finish() }
  }

  /** Takes a complete chunk; returns when another may be written. */
  async #accept(job: ChunkJob, readBytes: number): Promise<void> {
    try {
      if (this.#failure !== null) throw this.#failure.error
      const refused = job.chunk.number === 0 ? await this.#preflight(job) : job.refused
      const running = this.#parse({ ...job, refused }, readBytes)
        .catch((error: unknown) => this.#fail(error))
        .finally(() => this.#running.delete(running))
      this.#running.add(running)
    } catch (error) {
      await removeChunk(job.chunk)
      throw error
    }
    if (this.#running.size > this.#request.duck.size) await Promise.race(this.#running)
  }

  async #preflight(job: ChunkJob): Promise<ReadonlySet<number>> {
    const { scratch } = this.#request
    const file = join(scratch, 'preflight.jsonl')
    const { records, rejected, refused, reasons } = await preflight(job, this.#context, file)
    const read = { records, rejected }
    if (isPastStop(this.#request.spec.stop, read)) {
      throw this.#stopAt(job.file, { ...read, reasons: reasons.sorted }, [file])
    }
    return refused
  }

  async #parse(job: ChunkJob, readBytes: number): Promise<void> {
    const { chunk } = job
    const context = this.#context
    try {
      let outcome = await resumeChunk(chunk, context)
      if (outcome === null) {
        outcome = await this.#try(job)
        await finishChunk(chunk, outcome, context)
      }
      this.#keep(outcome, readBytes)
    } finally {
      await removeChunk(chunk)
    }
  }

  async #try(job: ChunkJob): Promise<ChunkOutcome> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await parseChunk(job, this.#context)
      } catch (error) {
        const isLost = isEngineError(error, 'DUCK_CHILD_LOST')
        if (!isLost || attempt === ATTEMPTS_MAX) throw error
      }
    }
  }

  #keep(outcome: ChunkOutcome, readBytes: number): void {
    this.#rangeCount += outcome.rangeCount
    const isBounded = this.#rangeCount <= RANGES_MAX
    this.outcomes[outcome.chunk] = isBounded ? outcome : { ...outcome, ranges: [] }
    const { chunks, records, bytes, bytesTotal } = this.#progress
    this.#progress = {
      chunks: chunks + 1,
      records: records + outcome.totals.accepted.records,
      bytes: Math.max(bytes, readBytes),
      bytesTotal,
    }
    this.#request.onProgress?.(this.#progress)
    this.#judge()
  }

  /** Holds the chunks that are known up to the first unknown one against the stop rule, in order. */
  #judge(): void {
    const { spec } = this.#request
    for (let one = this.outcomes[this.#judged]; one !== undefined && this.#stopped === null;) {
      this.#judged += 1
      const { accepted, rejected } = one.totals
      this.#read = {
        records: this.#read.records + accepted.records + rejected.records,
        rejected: this.#read.rejected + rejected.records,
      }
      if (isPastStop(spec.stop, this.#read)) {
        const judged = this.outcomes.slice(0, this.#judged)
        const files = judged.map(({ chunk }) => rejectsPath(chunk, this.#context))
        this.#fail(this.#stopAt(one.file, { ...this.#read, reasons: countReasons(judged) }, files))
      }
      one = this.outcomes[this.#judged]
    }
  }

  #stopAt(file: string, read: Stopped, files: readonly string[]): EngineError {
    this.#stopped = { read, files }
    const detail = stopDetail(this.#request.spec.stop as StopRule, read)
    return new EngineError('PARSE_FAILED', { file, reason: 'TOO_MANY_REJECTS', detail })
  }

  #fail(error: unknown): void {
    this.#failure ??= { error }
    this.#stop.abort()
  }
}

async function conclude(
  parse: Parse,
  files: readonly LandedFile[],
  request: ParseRequest,
): Promise<ParseOutcome> {
  const { outcomes } = parse
  const { left } = parse
  const report = parseReport({ files, outcomes, spec: request.spec, left })
  for (const { totals, contentBytes, name } of report.files) {
    const bytes = Object.values(totals).reduce((sum, total) => sum + total.bytes, 0)
    assert(bytes === contentBytes, `the records of ${name} do not tile it`)
  }
  const rejects = await joinRejects(outcomes, request)
  if (report.accepted === 0 && report.rejected > 0) {
    const { reasons } = report
    const detail = `none of its ${report.rejected} data records fits the layout: ${reasonWords(reasons)}`
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
    await file.addFile(rejectsPath(chunk, { scratch }))
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
