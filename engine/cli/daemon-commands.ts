/** The commands of a project that looks after itself: declarations only. */
import type { Command } from './command.ts'

const SENSOR = { form: '<sensor>', description: 'its name, as `sensors list` shows it' } as const
const SENSOR_OR_ALL = { ...SENSOR, form: '[sensor]' } as const
const REASON = { flags: '--reason <text>', description: 'why, for the audit' } as const
const ALL = { flags: '--all', description: 'every sensor' } as const

export const DAEMON_COMMANDS: readonly Command[] = [
  {
    name: 'sensors list',
    summary: 'what a daemon looks at, how often, and what each did last',
    examples: [['sensors list', 'pauses are shown too']],
    load: async () => (await import('./sensors.ts')).runSensorsList,
  },
  {
    name: 'sensors tick',
    summary: 'look now and do what follows, as a daemon would; builds nothing itself',
    arguments: [SENSOR],
    examples: [['sensors tick inbox', 'take in what was delivered']],
    load: async () => (await import('./sensors.ts')).runSensorsTick,
  },
  {
    name: 'sensors logs',
    summary: 'ticks that did something or failed, newest first',
    arguments: [{ form: '[sensor]', description: 'default: all' }],
    options: [{ flags: '--limit <count>', description: 'how many (default: 20)' }],
    examples: [
      ['sensors logs', 'the last twenty of all'],
      ['sensors logs verify --limit 100', 'of one'],
    ],
    load: async () => (await import('./sensors.ts')).runSensorsLogs,
  },
  {
    name: 'sensors pause',
    summary: 'let no daemon act on a sensor until it is resumed',
    arguments: [SENSOR_OR_ALL],
    options: [REASON, ALL],
    examples: [['sensors pause inbox --reason "migration"', 'deliveries wait where they are']],
    load: async () => (await import('./sensors.ts')).runSensorsPause,
  },
  {
    name: 'sensors resume',
    summary: 'take a pause back',
    arguments: [SENSOR_OR_ALL],
    options: [REASON, ALL],
    examples: [['sensors resume inbox', 'it looks at once']],
    load: async () => (await import('./sensors.ts')).runSensorsResume,
  },
]
