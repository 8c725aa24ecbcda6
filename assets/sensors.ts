/**
 * What the road's daemon looks at, in data order: deliveries, discovery manifests, the registry,
 * requests for months, and by the clock the store, its residue and what the project schedules.
 */
import type { Observer, Sensor } from '../engine/index.ts'
import {
  anchorSensor,
  assert,
  counted,
  observerSensor,
  rebuildAct,
  requireTiming,
  sweepLook,
  timedSensor,
  verifyLook,
} from '../engine/index.ts'
import type { Platform } from './platform.ts'
import { isLineWaiting } from './processed-files.ts'
import { QUEUE_SENSOR } from './queue-observer.ts'
import { registrySensor } from './registry-sensor.ts'

const SWEEP_MS = 3_600_000

/** The sensors of a project that was opened without its registry folder, and further ones. Throws SCHEDULE_INVALID. */
export async function roadSensors(
  platform: Pick<Platform, 'config' | 'project' | 'registryFolder' | 'inbox'>,
  further: readonly Sensor[] = [],
): Promise<readonly Sensor[]> {
  const { everyMs, verifyCron, zone, schedules } = platform.config.daemon
  const observer = (name: string): Observer => {
    const found = platform.project.observers.find((one) => one.name === name)
    assert(found !== undefined, `${name} is observed`)
    return found
  }
  const sensors: readonly Sensor[] = [
    observerSensor(observer('inbox'), {
      summary: 'deliveries: takes in what has closed',
      timing: { everyMs: everyMs.inbox },
    }),
    observerSensor(observer('manifests'), {
      name: 'discovery',
      summary: 'discovery manifests: takes in releases that are new',
      timing: { everyMs: everyMs.discovery },
    }),
    observerSensor(observer('secrets'), {
      summary: 'encrypted packages that wait: opens them once their secret is set',
      timing: { everyMs: everyMs.inbox },
    }),
    registrySensor(platform.registryFolder, everyMs.registry),
    observerSensor(observer('queue'), {
      name: QUEUE_SENSOR,
      summary: 'requests for months: marks what people asked for',
      timing: { everyMs: everyMs.queue },
      isWokenByRequest: true,
      marks: 'months are marked as people asked',
    }),
    timedSensor(
      {
        name: 'verify',
        summary: 'every part in the store: what is missing is built again',
        timing: { cron: verifyCron, zone },
      },
      verifyLook,
    ),
    {
      name: 'sweep',
      summary: 'what dead workers left in the store and the scratch folder',
      timing: { everyMs: SWEEP_MS },
      look: sweepLook,
    },
    anchorSensor,
    processedSensor(platform),
    ...further,
    ...(platform.config.intakeAfter.value === 'delete' ? [landedSensor(platform)] : []),
    ...schedules.map(({ name, cron, zone: place, selection, reason }) =>
      timedSensor(
        {
          name: `schedule_${name}`,
          summary: `builds ${selection}: ${reason}`,
          timing: { cron, zone: place },
        },
        async () => rebuildAct(selection, reason),
      ),
    ),
  ]
  for (const { timing } of sensors) await requireTiming(timing)
  return sensors
}

/** Appending a line that waits is safe to repeat and beside other daemons, as removing is. */
const processedSensor = ({ project, config }: Pick<Platform, 'project' | 'config'>): Sensor => ({
  name: 'processed',
  summary: 'files that were landed: appends them to processed manifests',
  timing: { everyMs: config.daemon.everyMs.inbox },
  look: async ({ nowMs, signal }) => {
    const why = 'every landed file has its line'
    if (!(await isLineWaiting(project.catalog.db))) return { kind: 'skip', why }
    const { appendLanded } = await import('./processed-road.ts')
    const prefix = config.staging.prefix.value
    const appended = await appendLanded({ project, prefix, nowMs, stop: signal })
    if (appended === 0) return { kind: 'skip', why: 'lines wait for the staging folder' }
    const words = `appended ${counted(appended, 'line')}`
    return { kind: 'act', why: words, act: async ({ commit }) => commit(async () => words) }
  },
})

/** Removing a landed file is safe to repeat and beside other daemons, so that looking does it. */
const landedSensor = ({
  project,
  inbox,
  config,
}: Pick<Platform, 'project' | 'inbox' | 'config'>): Sensor => ({
  name: 'landed',
  summary: 'files of the inbox whose bytes raw holds: removes them',
  timing: { everyMs: config.daemon.everyMs.inbox },
  look: async ({ nowMs, signal }) => {
    const { sweepInbox } = await import('./inbox-sweep.ts')
    const { removed } = await sweepInbox({ project, inbox, nowMs, stop: signal })
    if (removed === 0) return { kind: 'skip', why: 'nothing has landed' }
    const words = `removed ${removed} landed files`
    return { kind: 'act', why: words, act: async ({ commit }) => commit(async () => words) }
  },
})
