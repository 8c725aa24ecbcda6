/**
 * What sensors do: apply what an observer saw, rebuild on a schedule, verify, sweep.
 *
 * All of it ends in one planning transaction: facts, marks and values are as a run would leave them
 * before it builds. Building is the workers' part.
 */
import { clearBlocks } from '../catalog/obstacles.ts'
import { signal } from '../catalog/signals.ts'
import type { Plan } from '../core/plan.ts'
import { workerHold } from './hold.ts'
import { ownHolder } from './holder.ts'
import type { PlanOptions } from './planning.ts'
import { observedRevision, planIn, planningAccess } from './planning.ts'
import type { Observation, Observer } from './project.ts'
import { loadDefinitions } from './project.ts'
import { lastDueMs } from './schedule.ts'
import type { ActAccess, Look, LookContext, Sensor } from './sensor.ts'
import { findResidue, removeResidue } from './sweep.ts'
import { verifyStore } from './verify-store.ts'

interface ObserverSensor extends Omit<Sensor, 'look' | 'name'> {
  /** default: the observer's */
  readonly name?: string
  /** what is done, where it is only marks: then nothing is planned, which costs the most */
  readonly marks?: string
}

/** A sensor that applies what one observer sees, whenever it sees something. */
export const observerSensor = (
  observer: Observer,
  { marks, ...declared }: ObserverSensor,
): Sensor => ({
  ...declared,
  name: declared.name ?? observer.name,
  look: async ({ db, nowMs }) => {
    const since = await observedRevision(db)
    const seen = await observer.observe({ db, nowMs })
    if (seen.apply === undefined) return { kind: 'skip', why: 'nothing has moved' }
    return {
      kind: 'act',
      why: `${observer.name} has moved`,
      act: async (access) =>
        marks === undefined
          ? applyAndPlan(access, { changes: [seen], since })
          : applyMarks(access, seen, marks),
    }
  },
})

/** Workers evaluate and build what is marked: whoever waits for it waits for less. */
async function applyMarks(
  { project, actor, commit }: ActAccess,
  seen: Observation,
  words: string,
): Promise<void> {
  await commit(async (trx) => {
    const definitions = await loadDefinitions(project.graph, trx, true)
    const nowMs = project.clock.nowMs()
    await seen.apply?.(planningAccess(trx, { definitions, actor, nowMs }))
    await clearBlocks(trx)
    await signal(trx, 'change')
    return words
  })
}

/** A sensor that acts at the instants of its timing, and looks at nothing else. */
export const timedSensor = (
  declared: Omit<Sensor, 'look'>,
  look: (context: LookContext & { readonly instant: string }) => Promise<Look>,
): Sensor => ({
  ...declared,
  look: async (context) => {
    const { cursor, nowMs, sinceMs, isAsked } = context
    const afterMs = cursor === undefined ? sinceMs : Date.parse(cursor)
    const dueMs = isAsked ? nowMs : await lastDueMs(declared.timing, { afterMs, nowMs })
    if (dueMs === undefined) return { kind: 'skip', why: 'it is not time' }
    const instant = new Date(dueMs).toISOString()
    const seen = await look({ ...context, instant })
    return seen.kind === 'skip' ? seen : { ...seen, cursor: instant }
  },
})

/** Builds a selection although nothing differs. */
export const rebuildAct = (selection: string, why: string): Look => ({
  kind: 'act',
  why,
  act: async (access) => applyAndPlan(access, { changes: [], options: { selection, force: true } }),
})

/** Looks at every part in the store; what is missing is built again. */
export async function verifyLook({ project }: LookContext): Promise<Look> {
  const seen = await verifyStore(project)
  if (seen.apply !== undefined) {
    return {
      kind: 'act',
      why: 'the store is not as the catalog says',
      act: async (access) => applyAndPlan(access, { changes: [seen] }),
    }
  }
  const words = 'every part is there'
  return { kind: 'act', why: words, act: async ({ commit }) => commit(async () => words) }
}

/** Removes what dead runs left; a live one is not disturbed. */
export async function sweepLook({ project }: LookContext): Promise<Look> {
  const count = (found: Awaited<ReturnType<typeof findResidue>>): number =>
    found.units.length + found.strays.length + found.scratch.length
  const found = count(await findResidue(project))
  if (found === 0) return { kind: 'skip', why: 'no residue' }
  return {
    kind: 'act',
    why: `${found} leftovers`,
    act: async ({ commit }) => {
      const removed = count(await removeResidue(project))
      await commit(async () => `removed ${removed} leftovers`)
    },
  }
}

/** The planning transaction of an act: what was seen, applied and planned; it ends the tick. */
export async function applyAndPlan(
  { project, run, actor, commit, lookAgain }: ActAccess,
  {
    changes,
    since,
    options = {},
  }: {
    readonly changes: readonly Observation[]
    /** when what was seen outside had last been applied; omitted: an older look is as good */
    readonly since?: number
    readonly options?: Omit<PlanOptions, 'actor'>
  },
): Promise<void> {
  let isApplied = false
  await commit(async (trx) => {
    // A run may have taken in newer files since: what it wrote must not be overwritten.
    isApplied = since === undefined || (await observedRevision(trx.db)) === since
    if (!isApplied) return 'something else was taken in meanwhile; it looks again'
    const observed = { digest: changes.map((one) => one.digest).join(), changes }
    const nowMs = project.clock.nowMs()
    const { plan } = await planIn(trx, { project, options: { ...options, actor }, observed, run })
    await trx.db.updateTable('run').set({ plan: plan.id }).where('id', '=', run).execute()
    await project.hooks.onPlanned?.({ trx, nowMs, actor, run })
    await clearBlocks(trx)
    await signal(trx, 'change')
    return planWords(plan)
  })
  if (!isApplied) {
    lookAgain()
    return
  }
  const hold = workerHold(project, ownHolder())
  for (const change of changes) await change.mend?.(hold)
}

function planWords({ steps, waiting }: Plan): string {
  if (steps.length + waiting.length === 0) return 'nothing to build'
  const words = `${steps.length} to build`
  return waiting.length === 0 ? words : `${words}, ${waiting.length} waiting`
}
