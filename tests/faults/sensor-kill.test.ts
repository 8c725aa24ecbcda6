/** A daemon killed anywhere in a tick: what the tick was about is done exactly once. */
import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import type { EngineProject } from '../support/engine-project.ts'
import { openSensorJob, tickNumbers } from './sensor-job.ts'
import { countFault } from './support/count.ts'
import { sweptBy } from './support/failpoint-names.ts'

const CHILD = fileURLToPath(new URL('sensor-child.ts', import.meta.url))
const ORACLE = join(
  import.meta.dirname,
  '../../../shared/data/suites/dagster-oracle/sensor-crash-recovery.json',
)
const execute = promisify(execFile)

/** Dagster's crash points, as they are called here. */
const POINTS = {
  TICK_CREATED: 'sensor.tick_created',
  TICK_HELD: 'sensor.tick_held',
  RUN_CREATED: 'sensor.run_reserved',
  RUN_LAUNCHED: 'sensor.run_launched',
} as const

async function tickKilledAt(
  root: string,
  point: string,
  signal: string,
): Promise<string | undefined> {
  return execute(process.execPath, [CHILD, root, point, signal]).then(
    () => undefined,
    (error: { signal?: string }) => error.signal,
  )
}

const ticks = async ({ project }: EngineProject) =>
  project.catalog.db.selectFrom('sensor_tick').select(['status', 'run']).orderBy('id').execute()
const runs = async ({ project }: EngineProject) =>
  project.catalog.db.selectFrom('run').select(['id', 'status']).orderBy('id').execute()
const launched = async ({ project }: EngineProject) =>
  project.catalog.db
    .selectFrom('audit')
    .select(['subject', 'run'])
    // The engine's own row of the same act stands beside it.
    .where('action', '<>', 'sensor')
    .execute()

async function inJob(root: string, work: (job: EngineProject) => Promise<void>): Promise<void> {
  const job = await openSensorJob(root)
  await work(job)
  await job.close()
}

const cases = Object.entries(POINTS).flatMap(([point, name]) =>
  ['SIGKILL', 'SIGTERM', 'SIGINT'].map((signal) => ({ point, name, signal })),
)

test.each(cases)(
  'F22: a daemon ended by $signal at $point leads to exactly one run',
  async (one) => {
    const root = mkdtempSync(join(tmpdir(), 'tributary-sensor-'))
    await inJob(root, async () => writeFileSync(join(root, 'wanted'), '7'))
    expect(await tickKilledAt(root, one.name, one.signal)).toBe(one.signal)
    countFault('F22')
    await inJob(root, async (job) => {
      const isReserved = one.point === 'RUN_CREATED'
      const isDone = one.point === 'RUN_LAUNCHED'
      const status = isDone ? 'done' : isReserved ? 'reserved' : 'started'
      expect((await ticks(job)).map((tick) => tick.status)).toEqual([status])
      expect((await runs(job)).map((run) => run.status)).toEqual(
        isDone ? ['succeeded'] : isReserved ? ['reserved'] : [],
      )
      const reserved = await runs(job)

      const again = await tickNumbers(job)
      expect(again.kind).toBe(isDone ? 'skipped' : 'acted')
      expect(await runs(job)).toEqual([{ id: 1, status: 'succeeded' }])
      if (isReserved) expect(again).toMatchObject({ run: reserved[0]?.id })
      expect(await launched(job)).toEqual([{ subject: '7', run: 1 }])
      expect((await ticks(job)).map((tick) => tick.status)).toEqual(
        isDone || isReserved ? ['done'] : ['abandoned', 'done'],
      )
      expect((await tickNumbers(job)).kind).toBe('skipped')
      expect(await launched(job)).toHaveLength(1)
    })
    rmSync(root, { recursive: true, force: true })
  },
)

test('every failpoint of a tick is one of the points', () => {
  expect(sweptBy('sensor-kill.test.ts')).toEqual(Object.values(POINTS).toSorted())
})

test('the points are the oracle’s', () => {
  if (!existsSync(ORACLE)) return console.warn(`skipped: ${ORACLE} is not there`)
  const { crash_points: points } = JSON.parse(readFileSync(ORACLE, 'utf8')) as {
    readonly crash_points: readonly string[]
  }
  expect(points).toEqual(Object.keys(POINTS))
  return undefined
})
