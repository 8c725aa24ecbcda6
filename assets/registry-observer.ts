/**
 * The registry folder as an observation: whether its files look touched, and nothing more.
 *
 * What reads them (zod, yaml) is loaded only when something has to be read: it is a fifth of the
 * start-up of a run that finds nothing to do.
 */
import { statSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Connection, Observer } from '../engine/index.ts'
import { frameDigest } from '../engine/index.ts'
import type { Registry } from '../registry/registry.ts'
import type { SyncOptions } from './sync-options.ts'
import { REGISTRY_SCOPE } from './sync-options.ts'

const FOLDERS = ['registry', 'schemas', 'mappings']

/** One registry for one observation: the folder's, or the catalog's last good one. */
export class CurrentRegistry {
  readonly #root: string
  readonly #sync: boolean
  #read: Promise<Registry> | undefined

  constructor(root: string, options: { readonly sync: boolean }) {
    this.#root = root
    this.#sync = options.sync
  }

  /** Read only when something has to be routed or synced; the folder's at most once. */
  async get(db: Connection): Promise<Registry> {
    // A daemon outlives many: each is read as the catalog holds it then.
    if (!this.#sync) return this.#open(db)
    this.#read ??= this.#open(db)
    return this.#read
  }

  async #open(db: Connection): Promise<Registry> {
    const { readFolder, storedRegistry } = await import('./registry-sync.ts')
    return this.#sync ? readFolder(this.#root) : storedRegistry(db)
  }

  /** Forgets it: the next observation reads again. */
  reset(): void {
    this.#read = undefined
  }
}

/** Observes the registry folder of a project. Throws REGISTRY_INVALID. */
export function registryObserver(
  root: string,
  current: CurrentRegistry,
  options: SyncOptions,
): Observer {
  return {
    name: 'registry',
    observe: async ({ db }) => {
      current.reset()
      const tokens = await fileTokens(root)
      const seen = await db
        .selectFrom('seen_file')
        .select(['path', 'token'])
        .where('scope', '=', REGISTRY_SCOPE)
        .execute()
      const known = new Map(seen.map((row) => [row.path, row.token]))
      const digest = frameDigest([REGISTRY_SCOPE, ...[...tokens].flat()])
      const touched =
        tokens.size !== known.size || [...tokens].some(([path, token]) => known.get(path) !== token)
      if (!touched) return { digest }
      const { prepareSync } = await import('./registry-sync.ts')
      return { digest, apply: await prepareSync(db, { root, tokens, options }) }
    },
  }
}

/** Size and modification time of every file, by path. */
async function fileTokens(root: string): Promise<ReadonlyMap<string, string>> {
  const found = await Promise.all(
    FOLDERS.map(async (folder) => {
      const entries = await readdir(join(root, folder), {
        recursive: true,
        withFileTypes: true,
      }).catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return []
        throw error
      })
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
