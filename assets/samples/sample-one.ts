/** One file of a manifest: found, sampled by a child, put into place. Its faults are its own. */
import { renameSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Catalog } from '../../engine/index.ts'
import { isEngineError, isoText } from '../../engine/index.ts'
import type { Claimed, Finished } from './ledger-claims.ts'
import { DRAFTS } from './drafts.ts'
import { notePath } from './ledger-claims.ts'
import type { Folders } from './folders.ts'
import { placeOf } from './place.ts'
import type { ProfileToWrite } from './profile-file.ts'
import { profilePath } from './profile-file.ts'
import type { Found, ReferenceRoots } from './references.ts'
import { follow } from './references.ts'
import { ownPath } from './sample-path.ts'
import type { SampleRunner } from './sample-pool.ts'
import { runTwice } from './sample-pool.ts'
import type { SampleMade, SampleTask } from './sample-task.ts'
import type { SamplesConfig } from './samples-config.ts'

export interface SamplingOptions {
  readonly ledger: Catalog
  /** who claims */
  readonly holder: string
  readonly pool: SampleRunner
  /** of staging; absolute */
  readonly prefix: string
  readonly config: SamplesConfig
  readonly rootsOf: (place: string) => ReferenceRoots
  /** the layout that a place's files have; undefined: nobody knows */
  readonly layoutOf: (place: string) => string | undefined
  readonly folders: Folders
  /** what no other sampler has: names of its drafts */
  readonly token: string
  readonly nowMs: () => number
}

/** A file that is not there is looked for so often, after 1, 2, 4 … minutes. */
const LOOKS_MAX = 10
const LOOK_AGAIN_MS = 60_000
/** Something lies where a sample's folder, or the sample, is to be. */
const TAKEN: ReadonlySet<string> = new Set(['EEXIST', 'EISDIR', 'ENOTDIR', 'ENOTEMPTY'])

/** What stops the machine, and with it every file. */
const MACHINE: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT', 'EMFILE', 'ENFILE', 'EROFS'])

/** Its words may quote the file. */
const nameOfFault = (error: unknown): string => (error instanceof Error ? error.name : 'unknown')

/** A claimed file as it was before. */
export const left = ({ id, attempts, retry_ms }: Claimed): Finished => ({
  id,
  status: 'PENDING',
  code: null,
  words: null,
  attempts,
  retry_ms,
})

/** What became of a file, and the profile of its sample, which is still to be written. */
export interface Outcome {
  readonly finished: Finished
  readonly profile?: ProfileToWrite
}

/** Samples one file. Throws what is no fault of the file: a full disk, a store that went away. */
export async function sampleOne(
  options: SamplingOptions,
  one: Claimed,
  signal: AbortSignal,
): Promise<Outcome> {
  const name = nameOf(one.raw)
  if (name.startsWith('temp_')) {
    const words = 'its name begins with temp_: it is still being written'
    return { finished: { ...left(one), status: 'SKIPPED', words } }
  }
  const reference = options.config.from.value === 'raw' ? one.raw : one.bronze
  const found = await follow(reference, options.rootsOf(one.place))
  if (found.kind === 'missing') return missing(one, options.nowMs())
  if (found.kind === 'refused') return failed(one, 'SAMPLE_REFUSED', found.words)
  const draft = join(options.prefix, one.place, 'samples', DRAFTS, `${one.id}-${options.token}`)
  try {
    return await make(options, { one, name, found, draft }, signal)
  } catch (error) {
    rmSync(draft, { force: true })
    if (signal.aborted) return { finished: left(one) }
    return faultOf(one, error, options.nowMs())
  }
}

/** What a fault says of the file; one that is none of its own is thrown again. */
function faultOf(one: Claimed, error: unknown, nowMs: number): Outcome {
  if (isEngineError(error, 'SAMPLER_LOST')) return failed(one, error.code, error.context.why)
  // What the operating system says of a path: a disk that is full stops all, a file's own fault none.
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  if (code === 'ENOENT' || isEngineError(error, 'PART_MISSING')) return missing(one, nowMs)
  if (code === 'EACCES' || code === 'EIO') return failed(one, 'INPUT_UNREADABLE', code)
  if (TAKEN.has(code)) return failed(one, 'SAMPLE_REFUSED', 'its sample’s place is taken')
  if (MACHINE.has(code) || isEngineError(error)) throw error
  return failed(one, 'SAMPLE_FAILED', code === '' ? nameOfFault(error) : code)
}

/** The file's name without folders. */
const nameOf = (raw: string): string => raw.slice(raw.lastIndexOf('/') + 1)

function missing(one: Claimed, nowMs: number): Outcome {
  const attempts = one.attempts + 1
  const isLast = attempts >= LOOKS_MAX
  const words = isLast ? 'it is not there, and is not looked for again' : 'it is not there yet'
  const retryMs = isLast ? 0 : nowMs + LOOK_AGAIN_MS * 2 ** (attempts - 1)
  return { finished: { ...left(one), status: 'MISSING', words, attempts, retry_ms: retryMs } }
}

const failed = (one: Claimed, code: string, words: string): Outcome => ({
  finished: { ...left(one), status: 'FAILED', code, words },
})

interface Sampling {
  readonly one: Claimed
  readonly name: string
  readonly found: Extract<Found, { kind: 'file' | 'ranges' }>
  readonly draft: string
}

async function make(
  options: SamplingOptions,
  { one, name, found, draft }: Sampling,
  signal: AbortSignal,
): Promise<Outcome> {
  const { config, pool, prefix } = options
  const samples = join(prefix, one.place, 'samples')
  options.folders.make(dirname(draft))
  const task: SampleTask = {
    path: found.kind === 'file' ? found.path : undefined,
    name,
    sizeBytes: found.kind === 'file' ? found.sizeBytes : found.file.sizeBytes,
    modifiedAt: isoText(one.mtime * 1000),
    out: draft,
    records: config.records.value,
    strategy: config.strategy.value,
    seed: one.raw,
    readBytesMax: config.readBytesMax.value,
    submitter: placeOf(one.place).vendor,
    layout: options.layoutOf(one.place) ?? null,
    isScored: true,
    isRaw: one.is_raw === 1,
  }
  const asked = { task, ...(found.kind === 'ranges' && { ranges: found.file }) }
  const reply = await runTwice(pool, asked, signal)
  if (reply.kind === 'failed') return failed(one, reply.code, 'it cannot be read')
  const path = pathFor(one, reply.made)
  const isOther = path !== one.planned
  if (isOther && !(await notePath(options.ledger, options.holder, { id: one.id, path }))) {
    rmSync(draft, { force: true })
    return { finished: left(one) }
  }
  publish(options.folders, { draft, samples, path, before: one.path })
  const { format, records, sizeBytes, readBytes } = reply.made
  const made = { path, format, records, bytes: sizeBytes, read_bytes: readBytes }
  return {
    finished: { ...left(one), status: 'MADE', ...made, made_ms: options.nowMs() },
    profile: {
      one,
      draft: `${draft}.profile`,
      samples,
      path,
      format,
      profile: reply.profile,
      layouts: reply.layouts,
    },
  }
}

/** As planned where the file is what its name says; else a path that is its own. */
const pathFor = (one: Claimed, { extension }: SampleMade): string =>
  one.planned.endsWith(extension) && !one.planned.endsWith(`.${extension}`)
    ? one.planned
    : ownPath(one.raw, placeOf(one.place).vendor, extension)

/** Swaps the draft in; a sample that lay elsewhere before leaves. */
function publish(
  folders: Folders,
  {
    draft,
    samples,
    path,
    before,
  }: {
    readonly draft: string
    readonly samples: string
    readonly path: string
    readonly before: string | null
  },
): void {
  const target = join(samples, path)
  folders.make(dirname(target))
  renameSync(draft, target)
  if (before !== null && before !== path) removeSample(samples, before)
}

/** Removes a sample and its profile; safe to repeat. */
export function removeSample(samples: string, path: string): void {
  rmSync(join(samples, path), { force: true })
  rmSync(profilePath(join(samples, path)), { force: true })
}
