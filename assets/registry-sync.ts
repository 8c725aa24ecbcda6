/**
 * Syncs the registry: reads its files, checks them whole, and makes the catalog hold what they say.
 *
 * A registry with an error stops planning with every error and its place; the catalog keeps the
 * last good one.
 */
import type { Fact, Connection, Observation } from '../engine/index.ts'
import { EngineError, formatKey, rowsTable } from '../engine/index.ts'
import { blockedActivations } from '../registry/activation.ts'
import { FACT_DIMENSIONS } from '../registry/fact-kinds.ts'
import { facts } from '../registry/facts.ts'
import { filesDigest, loadFolder } from '../registry/folder.ts'
import { readRegistry } from '../registry/read.ts'
import type { Registry } from '../registry/registry.ts'
import type { RegistryFile } from '../registry/source.ts'
import { platformTables } from '../registry/tables.ts'
import { sql } from 'kysely'
import type { SyncOptions } from './sync-options.ts'
import { REGISTRY_SCOPE } from './sync-options.ts'

/** Reads a registry and throws REGISTRY_INVALID with every error of every file. */
export function requireRegistry(files: readonly RegistryFile[]): Registry {
  const { registry, issues } = readRegistry(files)
  if (registry !== undefined) return registry
  throw new EngineError('REGISTRY_INVALID', {
    issues: issues.filter(({ kind }) => kind === 'error'),
  })
}

/** The registry of a project's folder. */
export const readFolder = async (root: string): Promise<Registry> =>
  requireRegistry(await loadFolder(root))

/** The registry the catalog holds: the last good one. */
export const storedRegistry = async (db: Connection): Promise<Registry> =>
  requireRegistry(await storedFiles(db))

/** The registry's facts as the engine writes them. */
export const registryAsFacts = (registry: Registry): readonly Fact[] =>
  facts(registry).map(({ kind, key, slice }) => ({
    asset: kind,
    key: formatKey(key),
    value: slice,
  }))

/** The files of the last good registry. */
export async function storedFiles(db: Connection): Promise<readonly RegistryFile[]> {
  const rows = await platformTables(db)
    .selectFrom('registry_file')
    .selectAll()
    .orderBy('path')
    .execute()
  return rows.map((row) => ({ path: row.path, text: row.content }))
}

/** Reads and checks the folder now; returns what the planning transaction has to do. */
export async function prepareSync(
  db: Connection,
  {
    root,
    tokens,
    options,
  }: {
    readonly root: string
    readonly tokens: ReadonlyMap<string, string>
    readonly options: SyncOptions
  },
): Promise<NonNullable<Observation['apply']>> {
  const files = await loadFolder(root)
  const registry = requireRegistry(files)
  const stored = await storedFiles(db)
  const changed = filesDigest(stored) !== filesDigest(files)
  if (changed && !options.allowBlocked) refuseBlocked({ before: stored, after: registry, files })
  return async (access) => {
    const { trx } = access
    await trx.db.deleteFrom('seen_file').where('scope', '=', REGISTRY_SCOPE).execute()
    const seen = rowsTable(trx.dialect, { path: 'text', token: 'text' }, [...tokens])
    await sql`insert into seen_file (scope, path, token, sha256)
      select ${REGISTRY_SCOPE}, path, token, '' from ${seen} w`.execute(trx.db)
    if (!changed) return
    const rows = files.map(({ path, text }) => [path, text])
    const kept = rowsTable(trx.dialect, { path: 'text', content: 'text' }, rows)
    // Only what differs is written: each written row goes into the store's journal.
    await sql`delete from registry_file where path not in (select path from ${kept} w)`.execute(
      trx.db,
    )
    await sql`insert into registry_file (path, content)
      select path, content from ${kept} w where true
      on conflict (path) do update set content = excluded.content
      where registry_file.content <> excluded.content`.execute(trx.db)
    await access.replaceFacts(Object.keys(FACT_DIMENSIONS), registryAsFacts(registry))
    await options.after(access, registry)
  }
}

/** Throws REGISTRY_INVALID when a schema is activated that blocks months of a live layout. */
function refuseBlocked({
  before,
  after,
  files,
}: {
  readonly before: readonly RegistryFile[]
  readonly after: Registry
  readonly files: readonly RegistryFile[]
}): void {
  const { registry } = readRegistry(before)
  const issues = registry === undefined ? [] : blockedActivations(registry, after, files)
  if (issues.length > 0) throw new EngineError('REGISTRY_INVALID', { issues })
}
