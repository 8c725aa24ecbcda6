/**
 * Where processed manifests lie: `{prefix}/{vendor}/{dataset}/{version}/manifests/`, a file a day,
 * `processed_YYYY-MM-DD.jsonl`. `processed.jsonl` is a link to the newest, or, of a producer that
 * knows nothing of days, a file of its own. Source: seed 002, "File Location".
 */
import type { Dirent } from 'node:fs'
import { lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { EngineError, isEngineError } from '../engine/index.ts'
import { stagingFault } from './processed-lines.ts'

export const CURRENT = 'processed.jsonl'
const DAY_FILE = /^processed_(\d{4}-\d{2}-\d{2})\.jsonl$/
const SEGMENT = /^(?!.*\.\.)[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/
const FOLDERS_MAX = 10_000

/** Whose files, of what kind, in which form; of the road: submitter, file type, layout and version. */
export interface StagingPlace {
  readonly vendor: string
  readonly dataset: string
  readonly version: string
}

export interface ListedManifest {
  readonly place: StagingPlace
  /** its name */
  readonly file: string
  /** absolute, if the prefix is */
  readonly path: string
  readonly sizeBytes: number
  readonly modifiedMs: number
}

/** The name of the file that is appended to on an instant's day, in UTC. */
export const dayFile = (nowMs: number): string =>
  `processed_${new Date(nowMs).toISOString().slice(0, 10)}.jsonl`

/** The day of a file, `YYYY-MM-DD`; undefined: it is not one of a day. */
export const dayOf = (file: string): string | undefined => DAY_FILE.exec(file)?.[1]

/** The folder of a version, which what others write in its lines is relative to. Throws USAGE. */
export function versionFolder(prefix: string, { vendor, dataset, version }: StagingPlace): string {
  for (const [name, value] of Object.entries({ vendor, dataset, version })) {
    if (SEGMENT.test(value)) continue
    const reason = `a ${name} has letters, digits, _ . -, at most 128, and no two dots`
    throw new EngineError('USAGE', { command: 'staging', reason })
  }
  return join(prefix, vendor, dataset, version)
}

/** The folder of a version's manifests. Throws USAGE. */
export const manifestsFolder = (prefix: string, place: StagingPlace): string =>
  join(versionFolder(prefix, place), 'manifests')

/**
 * Every manifest below a prefix, by place; of one, a plain `processed.jsonl` first and then the
 * newest day. Follows no link; names out of form, as of files under way, are passed over. Nothing where
 * there is no such folder. Throws STAGING_UNUSABLE, also for more than 10,000 entries in a folder; with
 * `onUnusable` such a folder below the prefix is told by its path, and the others are listed.
 */
export async function* listManifests(
  prefix: string,
  onUnusable?: OnUnusable,
): AsyncIterable<ListedManifest> {
  for (const vendor of await folders(prefix)) {
    for (const dataset of await folders(join(prefix, vendor), onUnusable)) {
      for (const version of await folders(join(prefix, vendor, dataset), onUnusable)) {
        yield* manifestsOf(prefix, { vendor, dataset, version }, onUnusable)
      }
    }
  }
}

type OnUnusable = (path: string) => void

/** Those of one place, in the same order. Throws STAGING_UNUSABLE, USAGE. */
export async function* manifestsOf(
  prefix: string,
  place: StagingPlace,
  onUnusable?: OnUnusable,
): AsyncIterable<ListedManifest> {
  const folder = manifestsFolder(prefix, place)
  const names = (await entriesOf(folder, onUnusable))
    .filter((entry) => entry.isFile())
    .map(({ name }) => name)
    .filter((name) => name === CURRENT || dayOf(name) !== undefined)
  for (const file of names.toSorted().toReversed().toSorted(plainFirst)) {
    const path = join(folder, file)
    const found = await lstat(path).catch((error: unknown) => {
      // It was there a moment ago.
      if (isCode(error, ['ENOENT'])) return undefined
      throw stagingFault(path, error)
    })
    if (found === undefined) continue
    yield { place, file, path, sizeBytes: found.size, modifiedMs: found.mtimeMs }
  }
}

const plainFirst = (a: string, b: string): number => Number(b === CURRENT) - Number(a === CURRENT)

async function folders(path: string, onUnusable?: OnUnusable): Promise<readonly string[]> {
  const found = (await entriesOf(path, onUnusable)).filter((entry) => entry.isDirectory())
  return found
    .map(({ name }) => name)
    .filter((name) => SEGMENT.test(name))
    .toSorted()
}

async function entriesOf(path: string, onUnusable?: OnUnusable): Promise<readonly Dirent[]> {
  try {
    return await allEntries(path)
  } catch (error) {
    if (onUnusable === undefined || !isEngineError(error, 'STAGING_UNUSABLE')) throw error
    onUnusable(path)
    return []
  }
}

const isCode = (error: unknown, codes: readonly string[]): boolean =>
  error instanceof Error && 'code' in error && codes.includes(String(error.code))

async function allEntries(path: string): Promise<readonly Dirent[]> {
  let entries: Dirent[]
  try {
    entries = await readdir(path, { withFileTypes: true })
  } catch (error) {
    if (isCode(error, ['ENOENT', 'ENOTDIR'])) return []
    throw stagingFault(path, error)
  }
  if (entries.length <= FOLDERS_MAX) return entries
  const reason = `more than ${FOLDERS_MAX} entries`
  throw new EngineError('STAGING_UNUSABLE', { path, reason })
}
