/**
 * Discovery manifests: what a collector found becomes submissions on the same road.
 *
 * The newest manifest of each source counts. Its entries are grouped into releases (dataset, file
 * type, vintage); a release whose identity is new or has changed is a new submission that declares
 * the vintage's months. An entry that a newer manifest leaves out withdraws nothing, and one that
 * differs only in timestamps changes nothing. Entries that point at local files are landed; for
 * others the finding says what to fetch.
 */
import { readFile, readdir } from 'node:fs/promises'
import { statSync } from 'node:fs'
import { join, resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import type {
  Connection,
  Observation,
  Observer,
  PackageSecrets,
  PlanningAccess,
} from '../engine/index.ts'
import { EngineError, frameDigest, isEngineError } from '../engine/index.ts'
import type { Manifest, ManifestEntry } from '../registry/discovery-manifest.ts'
import { platformTables } from '../registry/tables.ts'
import { readFolderFile } from './folder-inbox.ts'
import type { Arrival } from './intake.ts'
import type { SecretsOf } from './package-secrets.ts'
import type { CurrentRegistry } from './registry-observer.ts'
import { takeBack, unlandedOf } from './unlanded.ts'

export interface ManifestOptions {
  /** absolute; holds `{source}/manifests/` */
  readonly folder: string
  /** absolute; entries may point below it */
  readonly root: string
  readonly registry: CurrentRegistry
  /** absolute; packages are copied there while they are looked at */
  readonly scratch: string
  readonly secretsOf: SecretsOf
}

const SCOPE = 'manifest'

/** A manifest file, where it lies and what it looked like. */
export interface ManifestFile {
  /** absolute */
  readonly path: string
  readonly name: string
  readonly source: string
  readonly token: string
}

/** The newest manifest of every source below a folder, by source. */
async function newestManifests(folder: string): Promise<readonly ManifestFile[]> {
  const found: ManifestFile[] = []
  const sources = await names(folder)
  if (sources.length === 0) return found
  // Readers are loaded only where there is something to read.
  const { latestManifests } = await import('../registry/discovery-manifest.ts')
  for (const source of sources) {
    const own = join(folder, source, 'manifests')
    for (const { name, source: named } of latestManifests(await names(own)).latest) {
      const path = join(own, name)
      const { size, mtimeNs } = statSync(path, { bigint: true })
      found.push({ path, name, source: named, token: `${mtimeNs}:${size}` })
    }
  }
  return found.toSorted((a, b) => (a.path < b.path ? -1 : 1))
}

async function names(folder: string): Promise<readonly string[]> {
  try {
    return (await readdir(folder)).toSorted()
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'ENOENT' || code === 'ENOTDIR') return []
    throw error
  }
}

/** Observes the discovery folder. A manifest with a fault lands nothing and becomes a finding. */
export function manifestObserver(options: ManifestOptions): Observer {
  return {
    name: 'manifests',
    observe: async ({ db }) => {
      const files = await newestManifests(options.folder)
      const seen = await db
        .selectFrom('seen_file')
        .select(['path', 'token'])
        .where('scope', '=', SCOPE)
        .execute()
      const known = new Map(seen.map((row) => [row.path, row.token]))
      const fresh = files.filter((file) => known.get(file.path) !== file.token)
      const digest = frameDigest([SCOPE, ...fresh.flatMap((file) => [file.path, file.token])])
      if (fresh.length === 0) return { digest }
      const looked = []
      for (const file of fresh) looked.push(await look(options, db, file))
      return { digest, apply: applyOf(options, looked) }
    },
  }
}

/** A file of one release of a manifest. */
interface Release {
  readonly source: string
  /** `{dataset}/{file type}/{vintage}` */
  readonly name: string
  readonly identity: string
  readonly arrival: Arrival | undefined
  readonly fault: string | undefined
}

interface Looked {
  readonly file: ManifestFile
  readonly releases: readonly Release[]
  readonly fault: string | undefined
}

async function look(options: ManifestOptions, db: Connection, file: ManifestFile): Promise<Looked> {
  const { manifestIdentity, readManifest } = await import('../registry/discovery-manifest.ts')
  let manifest: Manifest
  try {
    const text = await readFile(file.path, 'utf8')
    manifest = readManifest({ file: file.path, name: file.name, text })
  } catch (error) {
    if (!isEngineError(error, 'MANIFEST_INVALID')) throw error
    return { file, releases: [], fault: error.message }
  }
  const before = await platformTables(db)
    .selectFrom('manifest_entry')
    .select(['release', 'identity'])
    .where('source', '=', file.source)
    .execute()
  const known = new Map(before.map((row) => [row.release, row.identity]))
  const groups = Map.groupBy(manifest.entries, releaseName)
  const releases: Release[] = []
  for (const [name, entries] of groups) {
    const identity = frameDigest(entries.map(manifestIdentity).toSorted())
    if (known.get(name) === identity) continue
    releases.push({
      source: file.source,
      name,
      identity,
      ...(await arrive(options, name, entries)),
    })
  }
  return { file, releases, fault: undefined }
}

/** Entries of one dataset, file type and vintage are one release. */
export const releaseName = (entry: ManifestEntry): string =>
  [entry.dataset, entry.fileType, entry.vintage ?? 'undated'].join('/')

/** Reads a release's files where they lie. A fault in one file holds back its release only. */
async function arrive(
  options: ManifestOptions,
  name: string,
  entries: readonly ManifestEntry[],
): Promise<Pick<Release, 'arrival' | 'fault'>> {
  const [first] = entries
  if (first === undefined || first.period === null) {
    return { arrival: undefined, fault: 'the vintage declares no months: route it by hand' }
  }
  const { inspect } = await import('./inspect.ts')
  const files = []
  try {
    for (const entry of entries) {
      const source = localPath(options, entry)
      const bytes = readFolderFile(source)
      const { scratch, secretsOf } = options
      const secrets: PackageSecrets = async () => secretsOf(first.dataset)
      const file = await inspect({ source, name: entry.filename, bytes, scratch, secrets })
      if (entry.sha256 !== null && entry.sha256 !== file.sha256) {
        throw new EngineError('PART_CHANGED', {
          path: entry.filename,
          want: entry.sha256,
          got: file.sha256,
        })
      }
      files.push(file)
    }
  } catch (error) {
    if (!isEngineError(error)) throw error
    return { arrival: undefined, fault: error.message }
  }
  return {
    arrival: {
      submitter: first.dataset,
      drop: `manifest:${first.source}/${name}`,
      grouping: 'MANIFEST',
      files,
      declared: { fileType: first.fileType, ...first.period },
    },
    fault: undefined,
  }
}

/** The file an entry points at. Throws INPUT_UNREADABLE for one that is not local or lies outside. */
function localPath({ root, folder }: ManifestOptions, entry: ManifestEntry): string {
  const refuse = (reason: string): never => {
    throw new EngineError('INPUT_UNREADABLE', { path: entry.filename, reason })
  }
  if (/^https?:/.test(entry.url))
    return refuse('it has to be fetched first; its URL is in the manifest')
  const path = entry.url.startsWith('file:') ? fileURLToPath(entry.url) : resolve(root, entry.url)
  const inside = [root, folder].some((allowed) => path.startsWith(allowed + sep))
  return inside ? path : refuse('it lies outside the project and its discovery folder')
}

function applyOf(
  { registry }: ManifestOptions,
  looked: readonly Looked[],
): NonNullable<Observation['apply']> {
  return async (access) => {
    for (const one of looked) {
      const { path, token } = one.file
      await access.trx.db
        .deleteFrom('seen_file')
        .where('scope', '=', SCOPE)
        .where('path', '=', path)
        .execute()
      await access.trx.db
        .insertInto('seen_file')
        .values({ scope: SCOPE, path, token, sha256: '' })
        .execute()
      await noteFault(access, path, one.fault)
      for (const release of one.releases) {
        await noteFault(access, `${release.source}/${release.name}`, release.fault)
      }
    }
    const releases = looked.flatMap((one) =>
      one.releases.map((release) => ({ release, manifest: one.file.name })),
    )
    const arrivals = releases.flatMap(({ release }) => release.arrival ?? [])
    if (arrivals.length === 0) return
    const { takeIn } = await import('./intake.ts')
    // A release takes the place of one whose files changed before they were landed.
    const sources = arrivals.flatMap((one) => one.files.map((file) => file.source))
    await takeBack(access, await unlandedOf(access.trx.db, sources))
    const taken = await takeIn(access, await registry.get(access.trx.db), arrivals)
    for (const { release, manifest } of releases) {
      if (release.arrival === undefined) continue
      const submission = taken.get(release.arrival.drop)?.[0]?.submissionId ?? null
      await remember(access, { release, manifest, submission })
    }
  }
}

async function remember(
  { trx }: PlanningAccess,
  {
    release,
    manifest,
    submission,
  }: {
    readonly release: Release
    readonly manifest: string
    readonly submission: string | null
  },
): Promise<void> {
  const values = {
    source: release.source,
    release: release.name,
    identity: release.identity,
    submission_id: submission,
    manifest,
  }
  await platformTables(trx.db)
    .insertInto('manifest_entry')
    .values(values)
    .onConflict((conflict) => conflict.columns(['source', 'release']).doUpdateSet(values))
    .execute()
}

/** Opens, keeps or closes the finding about one manifest or release. */
async function noteFault(
  { trx, nowMs }: PlanningAccess,
  subject: string,
  fault: string | undefined,
): Promise<void> {
  const tables = platformTables(trx.db)
  await tables
    .updateTable('finding')
    .set({ closed_ms: nowMs })
    .where('code', '=', 'MANIFEST')
    .where('subject', '=', subject)
    .where('closed_ms', 'is', null)
    .execute()
  if (fault === undefined) return
  await tables
    .insertInto('finding')
    .values({
      at_ms: nowMs,
      severity: 'error',
      code: 'MANIFEST',
      subject,
      words: fault,
      closed_ms: null,
    })
    .execute()
}
