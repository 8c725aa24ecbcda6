/**
 * The registry as an observation: what its files say now, beside what the catalog holds.
 *
 * Files that look untouched (size and modification time) are not read. A registry with an error
 * stops planning with every error and its place; the catalog keeps the last good one.
 */
import { statSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Fact, Handle, Observation, Observer, PlanningAccess } from '../engine/index.ts'
import { formatKey, frameDigest } from '../engine/index.ts'
import { FACT_DIMENSIONS, facts } from '../registry/facts.ts'
import { filesDigest, loadFolder } from '../registry/folder.ts'
import { readRegistry } from '../registry/read.ts'
import type { Registry } from '../registry/registry.ts'
import type { RegistryFile } from '../registry/source.ts'
import { platformTables } from '../registry/tables.ts'
import { EngineError } from '../engine/index.ts'

const SCOPE = 'registry'
const FOLDERS = ['registry', 'schemas', 'mappings']

/** Reads a registry and throws REGISTRY_INVALID with every error of every file. */
export function requireRegistry(files: readonly RegistryFile[]): Registry {
  const { registry, issues } = readRegistry(files)
  if (registry !== undefined) return registry
  throw new EngineError('REGISTRY_INVALID', { issues: issues.filter(({ kind }) => kind === 'error') })
}

/** The registry's facts as the engine writes them. */
export const registryAsFacts = (registry: Registry): readonly Fact[] =>
  facts(registry).map(({ kind, key, slice }) => ({ asset: kind, key: formatKey(key), value: slice }))

/** The files the catalog holds: the last good registry. */
export async function storedFiles(db: Handle): Promise<readonly RegistryFile[]> {
  const rows = await platformTables(db)
    .selectFrom('registry_file')
    .selectAll()
    .orderBy('path')
    .execute()
  return rows.map((row) => ({ path: row.path, text: row.content }))
}

/** One registry for one observation: the folder's, or the catalog's last good one. */
export class CurrentRegistry {
  readonly #root: string
  readonly #sync: boolean
  #read: Promise<Registry> | undefined

  constructor(root: string, options: { readonly sync: boolean }) {
    this.#root = root
    this.#sync = options.sync
  }

  /** Read at most once, and only when something has to be routed or synced. */
  async get(db: Handle): Promise<Registry> {
    this.#read ??= this.#open(db)
    return this.#read
  }

  async #open(db: Handle): Promise<Registry> {
    const files = this.#sync ? await loadFolder(this.#root) : await storedFiles(db)
    return requireRegistry(files)
  }

  /** Forgets it: the next observation reads again. */
  reset(): void {
    this.#read = undefined
  }
}

/** Observes the registry folder of a project. */
export function registryObserver(
  root: string,
  current: CurrentRegistry,
  after: (access: PlanningAccess, registry: Registry) => Promise<void>,
): Observer {
  return {
    name: 'registry',
    observe: async ({ db }) => {
      current.reset()
      const tokens = await fileTokens(root)
      const seen = await db
        .selectFrom('seen_file')
        .select(['path', 'token'])
        .where('scope', '=', SCOPE)
        .execute()
      const known = new Map(seen.map((row) => [row.path, row.token]))
      const digest = frameDigest([SCOPE, ...[...tokens].flat()])
      const touched = tokens.size !== known.size || [...tokens].some(([path, token]) => known.get(path) !== token)
      if (!touched) return { digest }
      const files = await loadFolder(root)
      const registry = requireRegistry(files)
      const stored = filesDigest(await storedFiles(db))
      const changed = stored !== filesDigest(files)
      return { digest, apply: applyOf({ files, registry, tokens, changed, after }) }
    },
  }
}

async function fileTokens(root: string): Promise<ReadonlyMap<string, string>> {
  const found = await Promise.all(
    FOLDERS.map(async (folder) => {
      const entries = await readdir(join(root, folder), { recursive: true, withFileTypes: true }).catch(
        (error: NodeJS.ErrnoException) => {
          if (error.code === 'ENOENT') return []
          throw error
        },
      )
      return entries.flatMap((entry) => {
        if (!entry.isFile()) return []
        const path = join(entry.parentPath, entry.name)
        const { size, mtimeNs } = statSync(path, { bigint: true })
        return [[path.slice(root.length + 1), `${mtimeNs}:${size}`] as const]
      })
    }),
  )
  return new Map(found.flat().toSorted(([a], [b]) => (a < b ? -1 : 1)))
}

function applyOf({
  files,
  registry,
  tokens,
  changed,
  after,
}: {
  readonly files: readonly RegistryFile[]
  readonly registry: Registry
  readonly tokens: ReadonlyMap<string, string>
  readonly changed: boolean
  readonly after: (access: PlanningAccess, registry: Registry) => Promise<void>
}): NonNullable<Observation['apply']> {
  return async (access) => {
    const { db } = access.trx
    await db.deleteFrom('seen_file').where('scope', '=', SCOPE).execute()
    const rows = [...tokens].map(([path, token]) => ({ scope: SCOPE, path, token, sha256: '' }))
    if (rows.length > 0) await db.insertInto('seen_file').values(rows).execute()
    if (!changed) return
    const tables = platformTables(db)
    await tables.deleteFrom('registry_file').execute()
    const stored = files.map(({ path, text }) => ({ path, content: text }))
    if (stored.length > 0) await tables.insertInto('registry_file').values(stored).execute()
    await access.replaceFacts(Object.keys(FACT_DIMENSIONS), registryAsFacts(registry))
    await after(access, registry)
  }
}
