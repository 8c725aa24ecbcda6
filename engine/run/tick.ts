/**
 * One tick of a sensor: look, and if something moved, act once.
 *
 * created → held → reserved → launched, each durable before the next. Two daemons may look at the
 * same time; only the one that takes the sensor's lease acts, and only if nobody acted since its
 * look. A daemon that died before it had reserved a run did nothing: its tick is abandoned and the
 * sensor looks anew. One that died after finds the run reserved and launches that very run; if the
 * launch was committed, the tick is ended and the next look finds nothing.
 */
import type { Lease } from '../catalog/leases.ts'
import { dropLease, leaseNow, renewLease, requireLease, takeLease } from '../catalog/leases.ts'
import type { WriteTransaction } from '../catalog/open.ts'
import { endRun, insertAudit, insertRun } from '../catalog/runs.ts'
import type { OpenTick, SensorState, TickStatus } from '../catalog/sensors.ts'
import { beginTick, endTick, reserveRun, sensorState } from '../catalog/sensors.ts'
import { assert, isEngineError } from '../core/errors.ts'
import { failpoint } from '../core/failpoint.ts'
import { BEAT_MS, BOOKKEEPING, HOLD_MS } from './hold.ts'
import { isDeadHolder, ownHolder } from './holder.ts'
import type { Project } from './project.ts'
import type { Look, Sensor } from './sensor.ts'

export type Ticked =
  | { readonly kind: 'skipped'; readonly why: string }
  | {
      readonly kind: 'acted'
      readonly words: string
      readonly run: number
      /** its look was overtaken */
      readonly isOvertaken: boolean
    }
  | { readonly kind: 'failed'; readonly code: string; readonly words: string }

export interface TickCall {
  /** when this process began to look */
  readonly sinceMs: number
  readonly signal: AbortSignal
  /** by a person, due or not */
  readonly isAsked?: boolean
  /** default: this process */
  readonly holder?: string
  /** how the last tick failed: the same again is not written down again */
  readonly lastFailure?: string | undefined
}

type Act = Extract<Look, { kind: 'act' }>

/** Ticks once. Throws what the catalog or the clock throws; a failing sensor is a result. */
export async function tickSensor(
  project: Project,
  sensor: Sensor,
  call: TickCall,
): Promise<Ticked> {
  const { db } = project.catalog
  const state = await sensorState(db, sensor.name)
  if (state.pause !== undefined) {
    return { kind: 'skipped', why: `paused by ${state.pause.by}: ${state.pause.reason}` }
  }
  const { sinceMs, signal, isAsked = false } = call
  const nowMs = project.clock.nowMs()
  const context = { project, db, cursor: state.cursor, nowMs, sinceMs, isAsked, signal }
  let look: Look
  try {
    look = await sensor.look(context)
  } catch (error) {
    if (!isEngineError(error) || error.fault === 'upstream') throw error
    return failed(project, sensor, { state, call, error })
  }
  if (look.kind === 'skip' && state.open === undefined) return { kind: 'skipped', why: look.why }
  return lead(project, sensor, { state, look, call })
}

interface Seen {
  readonly state: SensorState
  readonly look: Look
  readonly call: TickCall
}

/** Takes the sensor's lease and does what was seen. */
async function lead(project: Project, sensor: Sensor, seen: Seen): Promise<Ticked> {
  const { catalog } = project
  const begun = await catalog.write(
    async (trx) => begin(trx, project, { sensor, seen }),
    BOOKKEEPING,
  )
  if (begun === undefined) return { kind: 'skipped', why: 'another daemon acts on it' }
  const { lease, tick } = begun
  const renew = async (): Promise<boolean> =>
    catalog.write(async (trx) => {
      const untilMs = (await leaseNow(trx, project.clock)) + HOLD_MS
      return renewLease(trx, lease, untilMs)
    }, BOOKKEEPING)
  // A beat that fails is made up for by the next; a lost lease shows at the commit.
  const heartbeat = setInterval(() => void renew().catch(() => undefined), BEAT_MS)
  try {
    failpoint('sensor.tick_created')
    if (seen.look.kind === 'skip')
      return await closeTick(project, { lease, tick, sensor }, seen.look.why)
    return await launch(project, { lease, tick, sensor, seen, act: seen.look })
  } finally {
    clearInterval(heartbeat)
  }
}

interface Begun {
  readonly lease: Lease
  readonly tick: OpenTick
}

/** The lease, and the tick: the one left open if it had reserved a run, else a new one. */
async function begin(
  trx: WriteTransaction,
  { clock }: Project,
  { sensor, seen }: { readonly sensor: Sensor; readonly seen: Seen },
): Promise<Begun | undefined> {
  const nowMs = clock.nowMs()
  const holder = seen.call.holder ?? ownHolder()
  const when = { nowMs: await leaseNow(trx, clock), forMs: HOLD_MS, isDead: isDeadHolder }
  let lease: Lease
  try {
    lease = await takeLease(trx, { name: `sensor:${sensor.name}`, holder }, when)
  } catch (error) {
    if (isEngineError(error) && error.code === 'RUN_BUSY') return undefined
    throw error
  }
  const now = await sensorState(trx.db, sensor.name)
  if (now.ticks !== seen.state.ticks) {
    await dropLease(trx, lease)
    return undefined
  }
  if (now.open?.run !== undefined) return { lease, tick: now.open }
  if (now.open !== undefined) {
    const words = 'its daemon died before it had reserved a run'
    const ended = { id: now.open.id, sensor: sensor.name, status: 'abandoned' as const }
    await endTick(trx, { ...ended, words, atMs: nowMs })
  }
  const words = seen.look.why
  const id = await beginTick(trx, { sensor: sensor.name, ticks: now.ticks, atMs: nowMs, words })
  assert(id !== undefined, 'whoever holds the lease and has seen the last tick begins the next')
  return { lease, tick: { id, run: undefined } }
}

interface Leading extends Begun {
  readonly sensor: Sensor
}

async function launch(
  project: Project,
  { seen, act, ...leading }: Leading & { readonly seen: Seen; readonly act: Act },
): Promise<Ticked> {
  const { sensor, tick } = leading
  const run = tick.run ?? (await reserve(project, leading, act))
  failpoint('sensor.run_reserved')
  let words: string | undefined
  let isOvertaken = false
  try {
    await act.act({
      project,
      run,
      actor: actorOf(sensor, act),
      nowMs: project.clock.nowMs(),
      signal: seen.call.signal,
      lookAgain: () => {
        isOvertaken = true
      },
      commit: async (work) => {
        await project.catalog.write(async (trx) => {
          await requireOpen(trx, leading)
          words = await work(trx)
          await insertAudit(trx, {
            atMs: project.clock.nowMs(),
            actor: actorOf(sensor, act),
            action: 'sensor',
            subject: sensor.name,
            run,
          })
          const end = { status: 'done' as const, words, cursor: act.cursor }
          await finish(trx, project, { ...leading, run, end })
        })
      },
    })
  } catch (error) {
    if (!isEngineError(error) || error.fault === 'upstream') throw error
    const end = { status: 'failed' as const, words: failureWords(error) }
    await project.catalog.write(async (trx) => {
      await requireOpen(trx, leading)
      await finish(trx, project, { ...leading, run, end })
    })
    return { kind: 'failed', code: error.code, words: end.words }
  }
  failpoint('sensor.run_launched')
  assert(words !== undefined, `the sensor ${sensor.name} committed what it did`)
  return { kind: 'acted', words, run, isOvertaken }
}

const actorOf = (sensor: Sensor, act: Act): { readonly name: string; readonly reason: string } => ({
  name: sensor.name,
  reason: act.why,
})

async function reserve(project: Project, leading: Leading, act: Act): Promise<number> {
  const { lease, tick, sensor } = leading
  await requireLease(project.catalog, lease)
  failpoint('sensor.tick_held')
  return project.catalog.write(async (trx) => {
    await requireOpen(trx, leading)
    const run = await insertRun(trx, {
      actor: actorOf(sensor, act),
      command: `sensor ${sensor.name}`,
      plan: null,
      atMs: project.clock.nowMs(),
      status: 'reserved',
    })
    await reserveRun(trx, tick.id, run)
    return run
  }, BOOKKEEPING)
}

/** The lease is ours, and the tick has not been ended: a commit may have been made and not heard. */
async function requireOpen(trx: WriteTransaction, { lease, tick, sensor }: Leading): Promise<void> {
  await requireLease(trx, lease)
  const { open } = await sensorState(trx.db, sensor.name)
  assert(open?.id === tick.id, 'whoever holds the lease ends the tick that is open')
}

async function finish(
  trx: WriteTransaction,
  { clock }: Project,
  {
    lease,
    tick,
    sensor,
    run,
    end,
  }: Leading & {
    readonly run: number | undefined
    readonly end: {
      readonly status: TickStatus
      readonly words: string
      readonly cursor?: string | undefined
    }
  },
): Promise<void> {
  const atMs = clock.nowMs()
  await endTick(trx, { id: tick.id, sensor: sensor.name, atMs, ...end })
  if (run !== undefined) {
    const status = end.status === 'failed' ? 'failed' : 'succeeded'
    await endRun(trx, run, { status, atMs, counts: {} })
  }
  await dropLease(trx, lease)
}

/** A tick left open whose reason is gone: somebody else did it. */
async function closeTick(project: Project, leading: Leading, why: string): Promise<Ticked> {
  await project.catalog.write(async (trx) => {
    await requireOpen(trx, leading)
    const end = { status: 'skipped' as const, words: why }
    await finish(trx, project, { ...leading, run: leading.tick.run, end })
  }, BOOKKEEPING)
  return { kind: 'skipped', why }
}

const WORDS_MAX = 500
const failureWords = (error: { readonly code: string; readonly message: string }): string =>
  `${error.code}: ${error.message}`.slice(0, WORDS_MAX)

/** A look that failed is written down once, until it fails in another way or goes well. */
async function failed(
  project: Project,
  sensor: Sensor,
  {
    state,
    call,
    error,
  }: {
    readonly state: SensorState
    readonly call: TickCall
    readonly error: { readonly code: string; readonly message: string }
  },
): Promise<Ticked> {
  const words = failureWords(error)
  if (words !== call.lastFailure) {
    await project.catalog.write(async (trx) => {
      const atMs = project.clock.nowMs()
      const begun = { sensor: sensor.name, ticks: state.ticks, atMs, words }
      const id = state.open === undefined ? await beginTick(trx, begun) : undefined
      if (id === undefined) return
      await endTick(trx, { id, sensor: sensor.name, status: 'failed', words, atMs })
    }, BOOKKEEPING)
  }
  return { kind: 'failed', code: error.code, words }
}
