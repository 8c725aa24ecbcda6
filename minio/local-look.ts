/**
 * What a local store holds, looked at without changing anything: projections, manifests, strays.
 *
 * The layout is that of local-store.ts.
 */
import { lstatSync, readFileSync, readdirSync, readlinkSync, statSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import type { Projection } from '../engine/index.ts'
import { EngineError } from '../engine/index.ts'

const VERSIONS = '.versions'
/** An attempt's folder: the run's number and a counter. No key holds an `@`, so none looks so. */
export const ATTEMPT = /^@r\d+-\d+$/
const MANIFEST = /^(\d{10})\.json$/

/**
 * Whether readers of a published path see exactly one version's parts.
 *
 * Called once a partition, so paths are put together by hand: `join` and `relative` cost as much as
 * the look-up itself (1.5 µs of 4).
 */
export function isShown(root: string, { path, mode, current }: Projection): boolean {
  const target = `${root}/${path}`
  if (mode === 'folder') {
    const [first] = current?.parts ?? []
    if (first === undefined) return lstatSync(target, { throwIfNoEntry: false }) === undefined
    const folder = attemptFolder(first.path)
    return linkTarget(target) === `${'../'.repeat(path.split('/').length - 1)}${folder}`
  }
  const shown = linkedParts(target, join(root, VERSIONS, path))
  const wanted = current?.parts ?? []
  return (
    shown.size === wanted.length &&
    wanted.every((part) => shown.get(part.name) === join(root, part.path))
  )
}

/** The attempt's folder in a part's path: `.versions/{path}/@r12-3/{part}`. */
export function attemptFolder(path: string): string {
  const [, folder] = /^(.*?\/@r\d+-\d+)\//.exec(path) ?? []
  if (folder === undefined) {
    throw new EngineError('ASSERTION', { what: 'a part lies in the folder of an attempt' })
  }
  return folder
}

/** Where a link points to as it is written; undefined: there is no link. */
function linkTarget(path: string): string | undefined {
  try {
    return readlinkSync(path)
  } catch {
    return undefined // gone, or something else stands there: either way it is not the link wanted
  }
}

/**
 * Links in a folder to parts of one node's versions: name → where to.
 *
 * A link to a version of a node whose path lies below, as silver's months below a parse, is none.
 */
export function linkedParts(folder: string, versions: string): ReadonlyMap<string, string> {
  const shown = new Map<string, string>()
  if (lstatSync(folder, { throwIfNoEntry: false }) === undefined) return shown
  for (const name of readdirSync(folder)) {
    const to = linkTarget(join(folder, name))
    if (to === undefined) continue
    const at = resolve(folder, to)
    const attempt = dirname(at)
    if (dirname(attempt) === versions && ATTEMPT.test(basename(attempt))) shown.set(name, at)
  }
  return shown
}

/** The highest numbered manifest in a folder. */
export function lastManifest(
  folder: string,
): { readonly number: number; readonly text: string } | undefined {
  if (lstatSync(folder, { throwIfNoEntry: false }) === undefined) return undefined
  const numbers = readdirSync(folder).flatMap((name) => MANIFEST.exec(name)?.[1] ?? [])
  const [last] = numbers.toSorted().toReversed()
  if (last === undefined) return undefined
  return { number: Number(last), text: readFileSync(join(folder, `${last}.json`), 'utf8') }
}

/** Every manifest below a store's root, or of one published path; a path's together, ascending. */
export async function* listManifests(
  root: string,
  path?: string,
): AsyncIterable<{ readonly path: string; readonly number: number }> {
  const pending = [path === undefined ? VERSIONS : `${VERSIONS}/${path}/_manifest`]
  for (let folder = pending.pop(); folder !== undefined; folder = pending.pop()) {
    const entries = await readdir(join(root, folder), { withFileTypes: true }).catch(
      (error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return []
        throw error
      },
    )
    if (folder.endsWith('/_manifest')) {
      const published = folder.slice(VERSIONS.length + 1, -'/_manifest'.length)
      const numbers = entries.flatMap(({ name }) => MANIFEST.exec(name)?.[1] ?? [])
      for (const number of numbers.toSorted()) yield { path: published, number: Number(number) }
      continue
    }
    for (const entry of entries) {
      if (entry.isDirectory() && !ATTEMPT.test(entry.name)) pending.push(`${folder}/${entry.name}`)
    }
  }
}

/** Every entry below the store with its time and size, folders and links included. */
export async function* listEverything(root: string): AsyncIterable<string> {
  const pending = ['']
  for (let folder = pending.pop(); folder !== undefined; folder = pending.pop()) {
    for (const entry of await readdir(join(root, folder), { withFileTypes: true })) {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`
      if (entry.isDirectory()) pending.push(path)
      const { mtimeNs, size } = lstatSync(join(root, path), { bigint: true })
      yield `${path} ${mtimeNs} ${size}`
    }
  }
}

/** Paths below the store that belong to nothing: temporary names, foreign files, dead links. */
export async function* listStrays(root: string): AsyncIterable<string> {
  const pending = ['']
  for (let folder = pending.pop(); folder !== undefined; folder = pending.pop()) {
    const entries = await readdir(join(root, folder), { withFileTypes: true })
    for (const entry of entries) {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`
      // What lies in an attempt's folder is a version's own affair.
      const isAttempt = path.startsWith(`${VERSIONS}/`) && ATTEMPT.test(entry.name)
      if (entry.isDirectory() && !isAttempt) pending.push(path)
      if (!entry.isDirectory() && isStray(root, path, entry)) yield path
    }
  }
}

function isStray(
  root: string,
  path: string,
  entry: { readonly name: string; readonly isSymbolicLink: () => boolean },
): boolean {
  if (entry.isSymbolicLink()) {
    if (entry.name.endsWith('.tributary-tmp')) return true
    return statSync(join(root, path), { throwIfNoEntry: false }) === undefined
  }
  if (!path.startsWith(`${VERSIONS}/`)) return entry.name.endsWith('.tmp')
  if (!dirname(path).endsWith('/_manifest')) return true
  return !MANIFEST.test(entry.name) && !isBeingWritten(join(root, path))
}

/** A half-written file as young as this may be somebody's who is at it: no number is written twice. */
const BEING_WRITTEN_MS = 60 * 60 * 1000

const isBeingWritten = (path: string): boolean =>
  path.includes(`/${VERSIONS}/_`) &&
  Date.now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0) < BEING_WRITTEN_MS
