/**
 * What entitles a writer to change nodes: the run lease, or claims of a worker's own.
 *
 * A run takes nodes under one lease, so all its claims end with it. A worker has no lease: each of
 * its claims is an intent with its name and an end, renewed while it works. In both cases a commit
 * is conditional on the node's epoch, which whoever ends a dead holder's claims raises first.
 */
import { sql } from 'kysely'
import type { Lease } from '../catalog/leases.ts'
import { leaseEnd, leaseNow, renewLease, requireLease } from '../catalog/leases.ts'
import type { Catalog, WriteTransaction } from '../catalog/open.ts'
import { rowsTable } from '../catalog/rows.ts'
import { EngineError } from '../core/errors.ts'
import type { Clock } from '../core/ports.ts'

/** Where claims are kept, and what time it is: a project. */
interface Place {
  readonly catalog: Catalog
  readonly clock: Clock
}

/** How long a lease or a claim stands without renewal. */
export const HOLD_MS = 15_000
/** How often it is renewed: two beats may be lost. */
export const BEAT_MS = 5_000
/** Nothing that a plan depends on, and worth no fsync. */
export const BOOKKEEPING = { volatile: true, bookkeeping: true } as const

export interface Hold {
  /** as intents name it */
  readonly holder: string
  /** the end of claims made now; 0: with the run lease */
  readonly claimsEndMs: (trx: WriteTransaction) => Promise<number>
  /** first in every transaction. Throws RUN_BUSY when the lease was lost */
  readonly require: (trx: WriteTransaction) => Promise<void>
  /** makes sure that these claimed nodes stay ours for some time. Throws RUN_BUSY, CLAIM_LOST */
  readonly keep: (claimed: readonly number[], forMs: number) => Promise<void>
}

/** The hold of a run. */
export const runHold = (place: Place, lease: Lease): Hold => ({
  holder: runHolder(lease),
  claimsEndMs: async () => 0,
  require: async (trx) => requireLease(trx, lease),
  keep: async (_claimed, forMs) => keepLease(place, lease, forMs),
})

/** How the intents of a run name their holder. */
export const runHolder = ({ fence }: Lease): string => `run:${fence}`

/** The hold of a worker, by its name. */
export const workerHold = (place: Place, holder: string): Hold => ({
  holder,
  claimsEndMs: async (trx) => (await leaseNow(trx, place.clock)) + HOLD_MS,
  require: async () => undefined,
  keep: async (claimed, forMs) => keepClaims(place, { holder, claimed, forMs }),
})

/** Makes sure that the lease is held for some time still. Throws RUN_BUSY when it was lost. */
async function keepLease({ catalog, clock }: Place, lease: Lease, forMs: number): Promise<void> {
  const expiresMs = await leaseEnd(catalog.db, lease)
  if (expiresMs - (await leaseNow(catalog, clock)) > forMs) return
  await catalog.write(async (trx) => {
    await requireLease(trx, lease)
    await renewLease(trx, lease, (await leaseNow(trx, clock)) + HOLD_MS)
  }, BOOKKEEPING)
}

/** Renews a worker's claims; returns the nodes that are not its own any more. */
export async function renewClaims(
  { catalog, clock }: Place,
  { holder, claimed }: { readonly holder: string; readonly claimed: readonly number[] },
): Promise<readonly number[]> {
  if (claimed.length === 0) return []
  return catalog.write(async (trx) => {
    const endMs = (await leaseNow(trx, clock)) + HOLD_MS
    const wanted = rowsTable(
      trx.dialect,
      { node: 'int' },
      claimed.map((node) => [node]),
    )
    const { rows } = await sql<{ node: number }>`
      update intent set expires_ms = ${endMs} where holder = ${holder}
      and node in (select w.node from ${wanted} w) returning node`.execute(trx.db)
    const ours = new Set(rows.map((row) => row.node))
    return claimed.filter((node) => !ours.has(node))
  }, BOOKKEEPING)
}

async function keepClaims(
  place: Place,
  {
    holder,
    claimed,
    forMs,
  }: { readonly holder: string; readonly claimed: readonly number[]; readonly forMs: number },
): Promise<void> {
  const { catalog, clock } = place
  if (claimed.length === 0) return
  const wanted = rowsTable(
    catalog.dialect,
    { node: 'int' },
    claimed.map((node) => [node]),
  )
  const { rows } = await sql<{ node: number; expiresMs: number }>`
    select i.node, i.expires_ms as "expiresMs" from ${wanted} w
    join intent i on i.node = w.node and i.holder = ${holder}`.execute(catalog.db)
  const nowMs = await leaseNow(catalog, clock)
  const isKept = rows.every((row) => row.expiresMs - nowMs > forMs)
  if (isKept && rows.length === claimed.length) return
  const lost = await renewClaims(place, { holder, claimed })
  if (lost.length > 0) throw new EngineError('CLAIM_LOST', { holder, claims: lost.length })
}
