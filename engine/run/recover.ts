/**
 * Recovery: ends what a dead run or worker left open, before anything else happens.
 *
 * An intent `prepared` was never committed: what it staged goes. An intent `committed` is in the
 * catalog: its publication is repeated, and what that superseded is removed. Both are safe to
 * repeat, so recovery may die as well. Nothing is looked for: an intent says what it left.
 */
import type { Selectable } from 'kysely'
import { sql } from 'kysely'
import type { Definitions } from '../catalog/membership.ts'
import type { Connection, WriteTransaction } from '../catalog/open.ts'
import { rowsTable } from '../catalog/rows.ts'
import { leaseNow } from '../catalog/leases.ts'
import type { Tables } from '../catalog/tables.ts'
import { isUnprojected } from '../catalog/unprojected.ts'
import { failpoint } from '../core/failpoint.ts'
import type { Hold } from './hold.ts'
import { runHolder } from './hold.ts'
import { isDeadHolder } from './holder.ts'
import { projectJournal } from './journal.ts'
import type { Project } from './project.ts'
import { publishNodes } from './publish.ts'

/** Whether something is left open: an intent, a lagging journal, or a run itself. */
export async function isLeftOpen(db: Connection): Promise<boolean> {
  const intent = await db.selectFrom('intent').select('node').limit(1).executeTakeFirst()
  if (intent !== undefined || (await isUnprojected(db))) return true
  const last = await db
    .selectFrom('run')
    .select('status')
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst()
  return last?.status === 'running'
}

type Intent = Selectable<Tables['intent']>

/**
 * Ends the open intents of holders that are gone. Cost when there is none: two queries.
 *
 * They are taken over in one transaction that raises the epoch of their nodes: whoever wakes up
 * commits nothing, and of two recoveries one finds nothing to do. Each is ended by itself: one that
 * cannot be does not hold back the others, and its error is thrown when they are done.
 */
export async function recover(
  project: Project,
  definitions: Definitions,
  hold: Hold,
): Promise<number> {
  await projectJournal(project)
  if ((await deadIntents(project, project.catalog)).length === 0) return 0
  const intents = await takeOver(project, hold)
  const ending = new Ending(intents)
  const isPrepared = ({ state }: Intent): boolean => state === 'prepared'
  const isCommitted = ({ state }: Intent): boolean => state === 'committed'
  // What was never committed goes.
  await ending.each(isPrepared, async (intent) => project.store.abort(notesOf(intent)))
  failpoint('recover.aborted')
  // What was committed is shown, and what it superseded goes.
  await ending.each(isCommitted, async ({ node }) =>
    publishNodes(project, definitions, {
      nodes: await withOutputs(project, [node]),
      keep: async (forMs) => hold.keep([node], forMs),
    }),
  )
  failpoint('recover.published')
  await ending.each(isCommitted, async (intent) => project.store.remove(notesOf(intent)))
  failpoint('recover.removed')
  await clearIntents(project, ending.left)
  ending.throwFirst()
  return intents.length
}

const notesOf = ({ notes }: Intent): readonly string[] => JSON.parse(notes) as string[]

/** Intents on their way to their end: one that fails stays open and holds back no other. */
class Ending {
  #left: readonly Intent[]
  #failure: { readonly error: unknown } | undefined

  constructor(intents: readonly Intent[]) {
    this.#left = intents
  }

  /** those of which nothing failed */
  get left(): readonly Intent[] {
    return this.#left
  }

  async each(isWanted: (intent: Intent) => boolean, step: (intent: Intent) => Promise<void>) {
    const failed = new Set<Intent>()
    for (const intent of this.#left.filter(isWanted)) {
      try {
        await step(intent)
      } catch (error) {
        failed.add(intent)
        this.#failure ??= { error }
      }
    }
    this.#left = this.#left.filter((intent) => !failed.has(intent))
  }

  throwFirst(): void {
    if (this.#failure !== undefined) throw this.#failure.error
  }
}

/** Intents whose run is not the one that holds the lease, or whose worker is gone. */
async function deadIntents(
  { clock }: Project,
  snapshot: Pick<WriteTransaction, 'db' | 'dialect'>,
): Promise<readonly Intent[]> {
  const { db } = snapshot
  const intents = await db.selectFrom('intent').selectAll().execute()
  if (intents.length === 0) return []
  const lease = await db
    .selectFrom('lease')
    .selectAll()
    .where('name', '=', 'run')
    .executeTakeFirst()
  const nowMs = await leaseNow(snapshot, clock)
  const isRunning = lease !== undefined && lease.expires_ms > nowMs && !isDeadHolder(lease.holder)
  const running = isRunning ? runHolder(lease) : undefined
  return intents.filter(({ holder, expires_ms: endMs }) =>
    holder.startsWith('run:') ? holder !== running : endMs <= nowMs || isDeadHolder(holder),
  )
}

/** Makes the dead intents ours, under a new epoch. */
async function takeOver(project: Project, hold: Hold): Promise<readonly Intent[]> {
  return project.catalog.write(
    async (trx) => {
      await hold.require(trx)
      const dead = await deadIntents(project, trx)
      if (dead.length === 0) return []
      const endMs = await hold.claimsEndMs(trx)
      const { db, dialect } = trx
      const wanted = rowsTable(
        dialect,
        { node: 'int' },
        dead.map(({ node }) => [node]),
      )
      await sql`update node set epoch = epoch + 1
        where id in (select w.node from ${wanted} w)`.execute(db)
      const { rows } = await sql<{ node: number; epoch: number }>`
        update intent set epoch = n.epoch, holder = ${hold.holder}, expires_ms = ${endMs}
        from node n where n.id = intent.node and intent.node in (select w.node from ${wanted} w)
        returning intent.node, intent.epoch`.execute(db)
      const epochs = new Map(rows.map(({ node, epoch }) => [node, epoch]))
      return dead.map((one) => ({ ...one, epoch: epochs.get(one.node) ?? one.epoch }))
    },
    { volatile: true, bookkeeping: true },
  )
}

/** Nodes and the outputs that their builds wrote. */
async function withOutputs(project: Project, nodes: readonly number[]): Promise<readonly number[]> {
  const { db, dialect } = project.catalog
  const wanted = rowsTable(
    dialect,
    { id: 'int' },
    nodes.map((id) => [id]),
  )
  const outputs = [...project.graph.assets.values()].flatMap((asset) =>
    asset.kind === 'output' ? [asset.name] : [],
  )
  if (outputs.length === 0 || nodes.length === 0) return nodes
  const { rows } = await sql<{ id: number }>`
    select n.id from ${wanted} w join edge e on e.src = w.id join node n on n.id = e.dst
    join asset a on a.id = n.asset where a.name in (${sql.join(outputs)})`.execute(db)
  return [...nodes, ...rows.map((row) => row.id)]
}

/** One claim's intent: a later claim of the node has another epoch, and its intent is its own. */
export interface OpenIntent {
  readonly node: number
  readonly epoch: number
}

/** Clears intents that are done with. Volatile: losing it repeats a publication. */
export async function clearIntents(
  project: Project,
  intents: readonly OpenIntent[],
): Promise<void> {
  if (intents.length === 0) return
  await project.catalog.write(
    async ({ db, dialect }) => {
      const wanted = rowsTable(
        dialect,
        { node: 'int', epoch: 'int' },
        intents.map(({ node, epoch }) => [node, epoch]),
      )
      await sql`delete from intent
        where (node, epoch) in (select w.node, w.epoch from ${wanted} w)`.execute(db)
    },
    { volatile: true, bookkeeping: true },
  )
}
