/**
 * Where the bytes of a manifest's `raw` and `bronze` lie, and whether a sampler may read them.
 *
 * `store:` and `inbox:` name what the project has of the place's own submitter, `project:` what it
 * collected. Anything else is a path, below the manifest's own version folder or absolute; a manifest
 * may be anybody's, so that a path counts only inside that folder and those of samples.roots, after
 * every link is followed, and only as a plain file.
 */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import { realpath, stat } from 'node:fs/promises'
import { isAbsolute, join, resolve, sep } from 'node:path'
import type { RangedFile } from '../../engine/index.ts'
import { hasInvisible } from '../../engine/index.ts'

/** Where a file was found, or why it is not read. */
export type Found =
  | { readonly kind: 'file'; readonly path: string; readonly sizeBytes: number }
  | { readonly kind: 'ranges'; readonly file: RangedFile }
  | { readonly kind: 'missing' }
  | { readonly kind: 'refused'; readonly words: string }

export interface ReferenceRoots {
  /** of the manifest: relative paths start here */
  readonly versionFolder: string
  /** whose place it is: what the project has of others is not theirs to show; undefined: a person asks */
  readonly vendor: string | undefined
  /** absolute; a path must lie in one of them */
  readonly folders: readonly string[]
  /** the inbox, where it is a folder */
  readonly inbox: string | undefined
  /** the project's folder, and where in it collected files lie */
  readonly project: string
  readonly discovery: string | undefined
  /** a path of the project's store */
  readonly inStore: (path: string) => Promise<Found>
}

const REFERENCE_BYTES_MAX = 4096
/** Folders remembered: a few for each place. */
const FOLDERS_MAX = 100_000
const SCHEME = /^(store|inbox|project):(.+)$/

/** Follows a reference. Never throws for what a manifest says. */
export async function follow(reference: string, roots: ReferenceRoots): Promise<Found> {
  if (reference === '' || Buffer.byteLength(reference) > REFERENCE_BYTES_MAX) {
    return refused('its path is empty or too long')
  }
  if (hasInvisible(reference)) return refused('its path has characters nobody can see')
  const [, scheme, rest = ''] = SCHEME.exec(reference) ?? []
  if (scheme !== undefined) return ofProject(scheme, rest, roots)
  const path = isAbsolute(reference) ? reference : join(roots.versionFolder, reference)
  return plainFile(path, [roots.versionFolder, ...roots.folders])
}

/** What the project has: of others it is not the place's to show. */
async function ofProject(scheme: string, rest: string, roots: ReferenceRoots): Promise<Found> {
  const { vendor, inbox, discovery, project } = roots
  if (HIDDEN.test(rest)) return refused(OWN)
  if (scheme === 'project') {
    return plainFile(join(project, rest), discovery === undefined ? [] : [discovery])
  }
  const owner = rest.split('/')[scheme === 'store' ? 1 : 0]
  if (vendor !== undefined && owner !== vendor) return refused('its path is another submitter’s')
  if (scheme === 'store') return roots.inStore(rest)
  if (inbox === undefined) return refused('the inbox is no folder: sample from bronze')
  return plainFile(join(inbox, rest), [inbox])
}

const refused = (words: string): Found => ({ kind: 'refused', words })

async function plainFile(path: string, folders: readonly string[]): Promise<Found> {
  try {
    const real = await realpath(path)
    const allowed = await Promise.all(folders.map(realFolder))
    const root = rootOf(
      real,
      allowed.filter((folder) => folder !== undefined),
    )
    if (root === undefined) return refused(OUTSIDE)
    if (root !== sep && HIDDEN.test(real.slice(root.length))) return refused(OWN)
    const found = await stat(real)
    if (!found.isFile()) return refused('its path names no plain file')
    return { kind: 'file', path: real, sizeBytes: found.size }
  } catch (error) {
    const found = unreadable(error)
    // Whether something lies outside is nobody's business.
    return found.kind === 'missing' && rootOf(resolve(path), folders) === undefined
      ? refused(OUTSIDE)
      : found
  }
}

const OUTSIDE = 'its path lies outside the folders of samples.roots'

/** What a project keeps for itself, its catalog and keys, lies in folders that begin with a dot. */
const HIDDEN = /(?:^|\/)\./
const OWN = 'its path leads where nothing is delivered'

const rootOf = (path: string, folders: readonly string[]): string | undefined =>
  folders.find((folder) => path.startsWith(folder.endsWith(sep) ? folder : folder + sep))

/** A folder that is there is asked once: links in front of it are the project's, not a producer's. */
const known = new Map<string, string>()

async function realFolder(folder: string): Promise<string | undefined> {
  const before = known.get(folder)
  if (before !== undefined) return before
  const real = await realpath(folder).catch(() => undefined)
  if (real !== undefined && known.size < FOLDERS_MAX) known.set(folder, real)
  return real
}

function unreadable(error: unknown): Found {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  if (code === 'ENOENT' || code === 'ENOTDIR') return { kind: 'missing' }
  if (code === 'EACCES' || code === 'EPERM') return refused('its path may not be read')
  if (code === 'ELOOP' || code === 'ENAMETOOLONG') return refused('its path leads nowhere')
  throw error
}

/**
 * A file of this machine by ranges; `close` it. For a process that does one thing at a time: nothing
 * is handed to other threads (measured: a third of a small sample's time). Opened without waiting,
 * so that a pipe that took the place of a file hangs nobody.
 */
export function openRanged(
  path: string,
  name: string,
): { readonly file: RangedFile; readonly close: () => void } {
  const flags = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW
  const descriptor = openSync(path, flags)
  const found = fstatSync(descriptor)
  if (!found.isFile()) {
    closeSync(descriptor)
    throw Object.assign(new Error('no plain file'), { code: 'EIO' })
  }
  const { size } = found
  const read = async (from: number, to: number): Promise<Buffer> => {
    const length = Math.max(0, Math.min(to, size) - from)
    const bytes = Buffer.allocUnsafe(length)
    return bytes.subarray(0, readSync(descriptor, bytes, 0, length, from))
  }
  return { file: { name, sizeBytes: size, read }, close: () => closeSync(descriptor) }
}
