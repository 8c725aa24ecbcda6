/** The daemon's part of tributary.json: how often it looks, when it verifies, what it schedules. */
import { z } from 'zod'
import { EngineError } from '../engine/index.ts'
import { DURATION, intervalMs } from './duration.ts'

export const DAEMON_DEFAULTS = {
  zone: 'UTC',
  verify: '0 3 * * *',
  every: { inbox: '15s', discovery: '1m', registry: '15s', queue: '30s' },
  port: 8321,
  hosts: [],
  pools: {},
  schedules: [],
} as const

const every = z.string().regex(DURATION, 'a duration is a whole number and s, m or h, as in 15s')
const SCHEDULES_MAX = 100

export const daemonDocument = z.strictObject({
  zone: z.string().exactOptional().describe('time zone of cron expressions; UTC by default'),
  verify: z
    .string()
    .exactOptional()
    .describe('when every part in the store is looked at: a cron expression; 0 3 * * * by default'),
  every: z
    .strictObject({
      inbox: every.exactOptional(),
      discovery: every.exactOptional(),
      registry: every.exactOptional(),
      queue: every.exactOptional(),
    })
    .exactOptional()
    .describe('how often each is looked at; 15s, 1m, 15s and 30s by default'),
  port: z
    .int()
    .min(0)
    .max(65_535)
    .exactOptional()
    .describe('of /healthz and /metrics; 8321 by default'),
  hosts: z
    .array(z.string())
    .max(20)
    .exactOptional()
    .describe('further names that /healthz and /metrics may be called by'),
  pools: z
    .record(z.string(), z.int().min(1).max(1000))
    .exactOptional()
    .describe(
      'builds of an asset at once, on all machines together; by default nothing bounds them',
    ),
  schedules: z
    .array(
      z.strictObject({
        name: z.string().regex(/^[a-z][a-z0-9_]{0,40}$/),
        cron: z.string(),
        zone: z.string().exactOptional(),
        selection: z.string(),
        reason: z.string().min(1),
      }),
    )
    .max(SCHEDULES_MAX)
    .exactOptional()
    .describe('selections that are rebuilt by the clock'),
})

export interface Schedule {
  readonly name: string
  readonly cron: string
  readonly zone: string
  readonly selection: string
  readonly reason: string
}

export interface DaemonConfig {
  readonly zone: string
  readonly verifyCron: string
  readonly everyMs: Readonly<Record<'inbox' | 'discovery' | 'registry' | 'queue', number>>
  readonly port: number
  readonly hosts: readonly string[]
  /** asset → builds of it at once */
  readonly pools: Readonly<Record<string, number>>
  readonly schedules: readonly Schedule[]
}

/** Fills in what the document leaves out. Throws CONFIG_INVALID. */
export function readDaemonConfig(
  document: z.output<typeof daemonDocument> | undefined,
): DaemonConfig {
  const zone = document?.zone ?? DAEMON_DEFAULTS.zone
  const verifyCron = document?.verify ?? DAEMON_DEFAULTS.verify
  const schedules = (document?.schedules ?? []).map((one) => ({ ...one, zone: one.zone ?? zone }))
  const names = schedules.map(({ name }) => name)
  const twice = names.find((name, at) => names.indexOf(name) !== at)
  if (twice !== undefined) {
    throw new EngineError('CONFIG_INVALID', {
      file: 'tributary.json',
      reason: `two schedules are named ${twice}`,
    })
  }
  const { inbox, discovery, registry, queue } = { ...DAEMON_DEFAULTS.every, ...document?.every }
  return {
    zone,
    verifyCron,
    everyMs: {
      inbox: intervalMs(inbox),
      discovery: intervalMs(discovery),
      registry: intervalMs(registry),
      queue: intervalMs(queue),
    },
    port: document?.port ?? DAEMON_DEFAULTS.port,
    hosts: document?.hosts ?? [],
    pools: document?.pools ?? {},
    schedules,
  }
}
