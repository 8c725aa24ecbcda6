/**
 * A child process of the sampler: hostile bytes are opened, masked and described here, and nowhere
 * else. It has no environment and no credentials; what does not lie on this machine it asks for by
 * ranges. What goes out is the sample's file, its profile without one value, and codes.
 */
import { writeFileSync } from 'node:fs'
import type { Beat, RangedFile, Sample, SampledColumn, TextForm } from '../../engine/index.ts'
import { areColumnNames, isEngineError, sampleFile } from '../../engine/index.ts'
import type { LayoutScore, ScoredFile } from '../../registry/layout-scores.ts'
import { layoutScorer } from '../../registry/layout-scores.ts'
import { maskColumns } from '../../registry/sample-mask.ts'
import { profileSample } from '../../registry/sample-profile.ts'
import { formGuesses, layoutForm, trustedForm } from '../../registry/text-form.ts'
import { openRanged } from './references.ts'
import type {
  RangeAsked,
  RangeGiven,
  SampledLayout,
  SampleReply,
  SampleTask,
  SampleTerms,
} from './sample-task.ts'

const HEARTBEAT_MS = 250
/** A sample with values as they are is for whoever asked for it. */
const OWNER_ONLY = 0o600
const EVERYBODY = 0o640

type Request = SampleTask & { readonly id: number }

const say = (message: SampleReply | RangeAsked | Beat): void => {
  process.send?.(message)
}

/** Submitters whose scorers are kept. */
const SCORERS_MAX = 100

/** What this child was told once. */
class Terms {
  readonly key: Buffer
  readonly #told: SampleTerms
  readonly #layouts: ReadonlyMap<string, SampledLayout>
  readonly #scorers = new Map<string, ReturnType<typeof layoutScorer>>()

  constructor(told: SampleTerms) {
    this.key = Buffer.from(told.key, 'hex')
    this.#told = told
    this.#layouts = new Map(told.layouts.map(({ id, slices }) => [id, slices]))
  }

  layoutOf({ layout }: Pick<SampleTask, 'layout'>): SampledLayout | undefined {
    return typeof layout === 'string' ? this.#layouts.get(layout) : (layout ?? undefined)
  }

  scores(submitter: string, file: ScoredFile): readonly LayoutScore[] {
    const { layouts, rules, submitters } = this.#told
    let scorer = this.#scorers.get(submitter)
    if (scorer === undefined) {
      if (this.#scorers.size >= SCORERS_MAX) this.#scorers.clear()
      scorer = layoutScorer({
        layouts,
        rules,
        submitter: submitters.find(({ id }) => id === submitter),
      })
      this.#scorers.set(submitter, scorer)
    }
    return scorer(file)
  }
}

let terms: Terms | undefined
const guesses = formGuesses()
const asked = new Map<number, (bytes: Uint8Array | undefined) => void>()

async function run(request: Request): Promise<SampleReply> {
  const { id, path, name } = request
  try {
    if (path === undefined) return await sample(request, askedFile(request))
    const { file, close } = openRanged(path, name)
    try {
      return await sample(request, file)
    } finally {
      close()
    }
  } catch (error) {
    return { kind: 'failed', id, code: codeOf(error) }
  }
}

async function sample(request: Request, file: RangedFile): Promise<SampleReply> {
  if (terms === undefined) throw new TypeError('the terms come before the first task')
  const { id, submitter, isRaw, isScored, modifiedAt, name, out } = request
  const { records, strategy, seed, readBytesMax } = request
  const layout = terms.layoutOf(request)
  const masked = layout === undefined ? undefined : { slices: layout }
  const mask = isRaw ? undefined : maskColumns({ key: terms.key, submitter, layout: masked })
  const { bytes, head, columns, ...made } = await sampleFile({
    file: { ...file, modifiedAt },
    records,
    strategy,
    seed,
    readBytesMax,
    mask,
    textForm: (start) => formOf(start, request, layout),
  })
  writeFileSync(out, bytes, { mode: isRaw ? OWNER_ONLY : EVERYBODY })
  const told = isRaw ? vouchedFor(columns) : columns
  const profile = profileSample({ columns: told, records: made.records, layout: masked })
  const layouts = isScored ? terms.scores(submitter, scoredFile(name, { head, columns, made })) : []
  return { kind: 'made', id, made: { ...made, sizeBytes: bytes.length }, profile, layouts }
}

/** A profile holds no value, also beside values as they are: names only where they surely are names. */
function vouchedFor(columns: readonly SampledColumn[]): readonly SampledColumn[] {
  const names = columns.flatMap(({ name }) => name?.split('.') ?? [])
  return areColumnNames(names) ? columns : columns.map((one) => ({ ...one, name: undefined }))
}

/** Where values are masked, a record of names is shown only if it surely is one. */
function formOf(
  head: Buffer,
  { name, isRaw }: Request,
  layout: SampledLayout | undefined,
): TextForm | undefined {
  const form = layout === undefined ? guesses(head, name) : layoutForm(head, layout)
  return isRaw || form === undefined ? form : trustedForm(head, form, layout)
}

/** Of a table its names are what layouts are held against; of text its first bytes. */
function scoredFile(
  name: string,
  {
    head,
    columns,
    made,
  }: Pick<Sample, 'head' | 'columns'> & { readonly made: Pick<Sample, 'format'> },
): ScoredFile {
  if (made.format !== 'parquet') return { name, head }
  const names = columns.flatMap((column) => column.name ?? [])
  return { name, head, format: 'parquet', names }
}

/** A file whose ranges the parent reads: one question at a time is enough. */
function askedFile({ name, sizeBytes }: SampleTask): RangedFile {
  return {
    name,
    sizeBytes,
    read: async (from, to) => {
      const number = (questions += 1)
      const bytes = await new Promise<Uint8Array | undefined>((resolve) => {
        asked.set(number, resolve)
        say({ kind: 'range', number, from, to: Math.min(to, sizeBytes) })
      })
      if (bytes === undefined) throw Object.assign(new Error('a range is gone'), { code: 'EIO' })
      return Buffer.from(bytes)
    },
  }
}

let questions = 0

/** What may be said of an error: its code. Its words may hold bytes of the file. */
function codeOf(error: unknown): string {
  if (isEngineError(error)) return error.code
  if (error instanceof Error && 'code' in error) return String(error.code)
  return error instanceof Error ? error.name : 'unknown'
}

process.on('message', (message: SampleTerms | RangeGiven | Request) => {
  if ('id' in message) void run(message).then(say)
  else if (message.kind === 'terms') terms = new Terms(message)
  else {
    asked.get(message.number)?.(message.bytes)
    asked.delete(message.number)
  }
})
// Ctrl-C reaches the whole group: the parent decides what becomes of a task.
process.on('SIGINT', () => undefined)
process.on('disconnect', () => process.exit(0))
setInterval(() => {
  if (process.platform !== 'linux') say({ kind: 'memory', rssBytes: process.memoryUsage.rss() })
}, HEARTBEAT_MS).unref()
