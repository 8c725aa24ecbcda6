/**
 * Brings a catalog up to what the store says: an empty one from its first word (`rebuild-catalog`),
 * a restored one from where its backup ended.
 *
 *     journal: rows, facts → manifests: nodes, versions, parts → journal: heads of other builds
 *
 * One transaction, so it is done or not. Objects are read one after another: memory is bounded by
 * one of them and by the numbers of the rest. Nothing is computed; what is not in the store (runs,
 * events, history of parses and validations, builds that were superseded) is not there afterwards.
 */
import { sql } from 'kysely'
import type { Definitions } from '../catalog/membership.ts'
import type { WriteTransaction } from '../catalog/open.ts'
import type { Columns } from '../catalog/restore-rows.ts'
import { catalogColumns, dropRow, putRows, raiseSequences } from '../catalog/restore-rows.ts'
import type { Actor } from '../catalog/runs.ts'
import { insertAudit } from '../catalog/runs.ts'
import type { FactEntry, HeadEntry, JournalEntry, RowEntry } from '../catalog/unprojected.ts'
import { EngineError } from '../core/errors.ts'
import { ROLLBACK } from '../core/fingerprint.ts'
import type { RollbackFact } from '../core/rollback.ts'
import { rolledBackNode } from '../core/rollback.ts'
import { adoptManifests } from './adopt-manifests.ts'
import type { Adoption } from './adopt.ts'
import { adoptHeads, settleOutputs } from './adopt.ts'
import { auditStore } from './audit-store.ts'
import { writeFacts } from './facts.ts'
import type { JournalObject } from './journal.ts'
import { JOURNAL, keptTables, readJournal } from './journal.ts'
import type { Project } from './project.ts'
import { loadDefinitions, recipeFacts } from './project.ts'
import { writeRollbacks } from './rollback.ts'
import { markFaults, marksOf } from './verify-store.ts'

export interface RolledForward {
  /** objects of the journal, and how many things they spoke of */
  readonly objects: number
  readonly entries: number
  /** nodes taken over from their manifests, and parts of all versions that are kept */
  readonly nodes: number
  readonly parts: number
  /** builds whose parts the store does not have: the next run makes them again */
  readonly lost: readonly string[]
  /** partitions that readers do not see as they are: fsck shows them */
  readonly lagging: number
  /** what names an asset or a table that this program does not know */
  readonly unknown: number
}

export interface RollForwardOptions {
  readonly actor: Actor
  readonly onProgress?: (what: 'journal' | 'manifests', done: number, of?: number) => void
}

/** An empty catalog becomes what the store says. Throws CATALOG_NOT_EMPTY, STORED_INVALID. */
export async function rebuildCatalog(
  project: Project,
  options: RollForwardOptions,
): Promise<RolledForward> {
  return rollForward(project, options, async (trx) => {
    await requireEmpty(project, trx)
    return 'rebuild-catalog'
  })
}

/**
 * A catalog becomes what the store says beyond it. `begin` runs first in the transaction and says
 * what is done, for the audit. Throws STORED_INVALID.
 */
export async function rollForward(
  project: Project,
  options: RollForwardOptions,
  begin: (trx: WriteTransaction) => Promise<'rebuild-catalog' | 'restore'>,
): Promise<RolledForward> {
  const counts = await project.catalog.write(async (trx) => {
    const action = await begin(trx)
    return forwardIn(trx, { project, options, action })
  })
  return { ...counts, ...(await lookAtStore(project)) }
}

/** Throws CATALOG_NOT_EMPTY. */
export async function requireEmpty({ catalog }: Project, { db }: WriteTransaction): Promise<void> {
  const node = await db.selectFrom('node').select('id').limit(1).executeTakeFirst()
  const run = await db.selectFrom('run').select('id').limit(1).executeTakeFirst()
  if (node !== undefined || run !== undefined) {
    throw new EngineError('CATALOG_NOT_EMPTY', { catalog: catalog.name })
  }
}

interface Task {
  readonly project: Project
  readonly options: RollForwardOptions
  /** for audit and run */
  readonly action: string
}

async function forwardIn(
  trx: WriteTransaction,
  task: Task,
): Promise<Omit<RolledForward, 'lost' | 'lagging'>> {
  const { project, options } = task
  const { db } = trx
  const before = await db.selectFrom('catalog').select('journal').executeTakeFirstOrThrow()
  const numbers: number[] = []
  for await (const { number } of project.store.manifests(JOURNAL)) {
    if (number > before.journal) numbers.push(number)
  }
  // What a restored catalog has not told the store stays noted, unless the store says it later.
  await sql`update unprojected set taken = -1`.execute(db)
  const definitions = await freshDefinitions(project, trx)
  const columns = await catalogColumns(db)
  const replayed = await replayJournal({ project, trx, definitions, columns }, numbers, options)
  const adoption: Adoption = {
    trx,
    definitions,
    run: await insertRun(trx, task, replayed.run),
    atMs: project.clock.nowMs(),
    retained: project.retainedVersions,
  }
  const { store } = project
  const adopted = await adoptManifests(adoption, store, (done) =>
    options.onProgress?.('manifests', done),
  )
  for (const number of replayed.withHeads) {
    const { entries } = await readJournal(store, number)
    await adoptHeads(
      adoption,
      entries.filter(isHead).filter(({ head }) => definitions.graph.assets.has(head.asset)),
    )
  }
  await settleOutputs(adoption)
  await writeRollbacks(
    trx,
    definitions,
    [...replayed.rollbacks].map(([key, rollback]) => ({ node: rolledBackNode(key), rollback })),
  )
  await raiseSequences(db, trx.dialect)
  await fence(trx, adoption.atMs)
  await sql`delete from unprojected where taken >= 0`.execute(db)
  const journal = numbers.at(-1) ?? before.journal
  await db.updateTable('catalog').set({ journal }).execute()
  const subject = `${replayed.entries} entries of the journal, ${adopted.nodes} partitions`
  const entry = { atMs: adoption.atMs, actor: options.actor, subject }
  await insertAudit(trx, { ...entry, action: task.action, run: null })
  await insertAudit(trx, { ...entry, action: 'run', run: adoption.run })
  const { nodes, parts } = adopted
  const unknown = adopted.unknown + replayed.unknown
  return { objects: numbers.length, entries: replayed.entries, nodes, parts, unknown }
}

async function freshDefinitions(project: Project, trx: WriteTransaction): Promise<Definitions> {
  const known = await loadDefinitions(project.graph, trx, true)
  await writeFacts(trx, known, recipeFacts(project.graph))
  return loadDefinitions(project.graph, trx, true)
}

/** A worker that still holds a claim of the catalog that was lost commits nothing to this one. */
async function fence({ db }: WriteTransaction, atMs: number): Promise<void> {
  const epoch = Math.floor(atMs / 1000)
  await sql`update node set epoch = ${epoch} where epoch < ${epoch}`.execute(db)
}

/**
 * The run that all restored build rows belong to. An attempt's name holds its run's number and is
 * never used twice, so it stands above every number that the store or the journal knows.
 */
async function insertRun(
  { db }: WriteTransaction,
  { project, options, action }: Task,
  replayed: number,
): Promise<number> {
  const last = await db
    .selectFrom('run')
    .select(({ fn }) => fn.max('id').as('id'))
    .executeTakeFirst()
  let highest = Math.max(last?.id ?? 0, replayed)
  for await (const unit of project.store.units()) {
    const [, number = '0'] = /@r(\d+)-/.exec(unit) ?? []
    highest = Math.max(highest, Number(number))
  }
  const atMs = project.clock.nowMs()
  const times = { started_ms: atMs, heartbeat_ms: atMs, ended_ms: atMs }
  const { name, reason } = options.actor
  const row = { ...times, actor: name, reason, command: action, plan: null }
  await db
    .insertInto('run')
    .values({ id: highest + 1, ...row, status: 'succeeded', counts: '{}' })
    .execute()
  return highest + 1
}

interface Replay {
  readonly project: Project
  readonly trx: WriteTransaction
  readonly definitions: Definitions
  readonly columns: Columns
}

interface Replayed {
  readonly entries: number
  readonly unknown: number
  /** the highest run that an object names */
  readonly run: number
  /** numbers of objects that speak of heads */
  readonly withHeads: readonly number[]
  /** decisions that wait for their nodes, by the fact's key */
  readonly rollbacks: ReadonlyMap<string, RollbackFact | undefined>
}

const isRow = (entry: JournalEntry): entry is RowEntry => 'table' in entry
const isFact = (entry: JournalEntry): entry is FactEntry => 'fact' in entry
const isHead = (entry: JournalEntry): entry is HeadEntry => 'head' in entry

/** Rows and facts, in order. */
async function replayJournal(
  replay: Replay,
  numbers: readonly number[],
  { onProgress }: RollForwardOptions,
): Promise<Replayed> {
  const { store } = replay.project
  const withHeads: number[] = []
  const rollbacks = new Map<string, RollbackFact | undefined>()
  const counts = { entries: 0, unknown: 0, run: 0, receivedMs: 0 }
  for (const [done, number] of numbers.entries()) {
    const object = await readJournal(store, number)
    counts.entries += object.entries.length
    counts.run = Math.max(counts.run, object.run)
    counts.receivedMs = Math.max(counts.receivedMs, object.received_ms)
    counts.unknown += await replayRows(replay, object)
    counts.unknown += await replayFacts(replay, object, rollbacks)
    if (object.entries.some(isHead)) withHeads.push(number)
    onProgress?.('journal', done + 1, numbers.length)
  }
  await replay.trx.db
    .updateTable('catalog')
    .set({ received_ms: counts.receivedMs })
    .where('received_ms', '<', counts.receivedMs)
    .execute()
  return { ...counts, withHeads, rollbacks }
}

async function replayRows(
  { project, trx, columns }: Replay,
  { entries }: JournalObject,
): Promise<number> {
  let unknown = 0
  for (const [name, own] of Map.groupBy(entries.filter(isRow), ({ table }) => table)) {
    const table = keptTables(project).find((one) => one.table === name)
    if (table === undefined) {
      unknown += own.length
      continue
    }
    for (const { key, row } of own) if (row === null) await dropRow(trx.db, table, key)
    const rows = own.flatMap(({ row }) => (row === null ? [] : [row]))
    await putRows(trx.db, table, { rows, columns })
  }
  return unknown
}

async function replayFacts(
  { trx, definitions }: Replay,
  { entries }: JournalObject,
  rollbacks: Map<string, RollbackFact | undefined>,
): Promise<number> {
  let unknown = 0
  const facts = entries.filter(isFact).flatMap(({ fact, value }) => {
    if (fact.asset === ROLLBACK) {
      rollbacks.set(fact.key, value as RollbackFact | undefined)
      return []
    }
    if (definitions.graph.assets.get(fact.asset)?.kind === 'fact') return [{ ...fact, value }]
    unknown += 1
    return []
  })
  if (facts.length > 0) await writeFacts(trx, definitions, facts)
  return unknown
}

/**
 * What the store does not have is dirty, so that the next run makes it again. The store itself is
 * not written to: a drill beside a living catalog must not speak in its journal.
 */
async function lookAtStore(project: Project): Promise<Pick<RolledForward, 'lost' | 'lagging'>> {
  const audit = await auditStore(project)
  const lagging = audit.lagging.length
  if (audit.missing.length + audit.forgotten.length === 0) return { lost: [], lagging }
  const marks = await marksOf(project, audit.missing)
  await project.catalog.write(async (trx) => markFaults(trx, { audit, marks, back: [] }))
  return { lost: [...marks.values()], lagging }
}
