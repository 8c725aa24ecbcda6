/**
 * Encrypted packages that wait for a secret: looked at again once other secrets are set than the
 * ones this process has tried. Looking writes nothing; what was tried is kept in memory alone.
 */
import type { Observer } from '../engine/index.ts'
import { frameDigest } from '../engine/index.ts'
import type { RegistryTables } from '../registry/tables.ts'
import { platformTables } from '../registry/tables.ts'
import { submitterSecrets } from './package-secrets.ts'
import type { CurrentRegistry } from './registry-observer.ts'
import type { Routing } from './reroute.ts'

const SECRET = 'PACKAGE_SECRET'

/** Observes the submissions that wait for one. */
export function shutPackagesObserver({
  registry: current,
  ...place
}: Omit<Routing, 'registry'> & { readonly registry: CurrentRegistry }): Observer {
  const tried = new Set<string>()
  return {
    name: 'secrets',
    observe: async ({ db }) => {
      const waiting = await platformTables(db)
        .selectFrom('submission')
        .selectAll()
        .where('status', '=', 'NEEDS_REVIEW')
        .where('status_code', '=', SECRET)
        .orderBy('submission_id')
        .execute()
      const moved: string[] = []
      if (waiting.length > 0) {
        const { isAsBefore } = await import('./reroute.ts')
        const registry = await current.get(db)
        for (const row of waiting) {
          const secrets = submitterSecrets(registry, row.submitter_id, place.secrets)
          const set = secrets.flatMap(({ name, bytes }) => [name, bytes?.toString('hex') ?? ''])
          const attempt = frameDigest([row.submission_id, ...set])
          if (tried.has(attempt)) continue
          const isSame = await isAsBefore(db, { ...place, registry }, row)
          // What cannot be read now was not tried.
          if (isSame === true) tried.add(attempt)
          if (isSame === false) moved.push(row.submission_id)
        }
      }
      const digest = frameDigest(['secrets', ...moved])
      if (moved.length === 0) return { digest }
      const isWaiting = (row: RegistryTables['submission']): boolean =>
        row.status_code === SECRET && moved.includes(row.submission_id)
      return {
        digest,
        apply: async (access) => {
          const { routeAgain } = await import('./reroute.ts')
          const registry = await current.get(access.trx.db)
          await routeAgain(access, { ...place, registry }, isWaiting)
        },
      }
    },
  }
}
