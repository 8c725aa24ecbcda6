/** I8: a second run with nothing changed plans nothing and writes nothing. */
import type { Project } from '../../engine/index.ts'
import {
  catalogRevision,
  counted,
  isEngineError,
  isUnprojected,
  makePlan,
  materialize,
  sha256,
} from '../../engine/index.ts'
import type { InvariantResult, Verification } from './invariant.ts'
import { Faults, conclude } from './invariant.ts'

const ACTOR = { name: 'doctor', reason: 'a run with nothing to do' } as const

export async function verifyIdempotence(verification: Verification): Promise<InvariantResult> {
  const { project } = verification.platform
  const faults = new Faults()
  const plan = await makePlan(project, { actor: ACTOR })
  const waiting = await whatWaits(verification)
  if (waiting !== undefined) {
    const held = plan.waiting.filter((one) => one.kind !== 'hold').length
    const holds = `${waiting}: ${counted(plan.steps.length, 'step')} planned, ${held} waiting; judged again when they are built`
    return conclude('I8', { faults, holds, evidence: { steps: plan.steps.length, waiting: held } })
  }
  const [step] = plan.steps
  if (step !== undefined) {
    const name = `${step.asset}[${step.key}]`
    faults.add(
      `nothing changed and nothing is dirty, yet ${counted(plan.steps.length, 'step')} would run: ${step.verdict} ${name}`,
    )
  } else await runIdle(verification, plan.id, faults)
  return conclude('I8', {
    faults,
    holds: `the plan is empty; a run wrote nothing to the catalog or the store`,
    evidence: { steps: plan.steps.length, waiting: 0 },
  })
}

/** Why a run would have something to do; undefined: it has not. */
async function whatWaits({ platform: { project } }: Verification): Promise<string | undefined> {
  const { db } = project.catalog
  const context = { db, nowMs: project.clock.nowMs() }
  for (const observer of project.observers) {
    const seen = await observer.observe(context)
    if (seen.apply !== undefined) return `${observer.name} has changed`
  }
  const dirty = await db.selectFrom('dirty').select('node').limit(1).executeTakeFirst()
  if (dirty !== undefined) return 'partitions are dirty'
  const open = await db.selectFrom('intent').select('node').limit(1).executeTakeFirst()
  if (open !== undefined) return 'a run did not end, the next one recovers it'
  return (await isUnprojected(db)) ? 'the journal lags, the next run tells the store' : undefined
}

/** Runs what the empty plan says, and no other: it is refused if anything moved since. */
async function runIdle(
  { platform: { project } }: Verification,
  planId: string,
  faults: Faults,
): Promise<void> {
  const { db } = project.catalog
  const look = async () => ({
    revision: await catalogRevision(db),
    files: await storeDigest(project.store),
  })
  const before = await look()
  try {
    await materialize(project, { actor: ACTOR, command: 'doctor', concurrency: 1, planId })
  } catch (error) {
    if (isEngineError(error, 'PLAN_MOVED') || isEngineError(error, 'RUN_BUSY')) return
    throw error
  }
  const after = await look()
  faults.addWhen(
    before.revision !== after.revision,
    () => 'a run with nothing to do wrote to the catalog',
  )
  faults.addWhen(before.files !== after.files, () => 'a run with nothing to do changed the store')
}

/** One number for everything the store holds, in whatever order it is listed. */
async function storeDigest({ listing }: Project['store']): Promise<string> {
  let sum = 0n
  for await (const line of listing()) sum += BigInt(`0x${sha256(line)}`)
  return sum.toString(16)
}
