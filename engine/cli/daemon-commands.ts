/** The commands of a project that looks after itself: declarations only. */
import type { Command } from './command.ts'

const SENSOR = { form: '<sensor>', description: 'its name, as `sensors list` shows it' } as const
const SENSOR_OR_ALL = { ...SENSOR, form: '[sensor]' } as const
const REASON = { flags: '--reason <text>', description: 'why, for the audit' } as const
const ALL = { flags: '--all', description: 'every sensor' } as const

const WORKERS = {
  flags: '--workers <count>',
  description: 'builds at once (default: tributary.json, or cores and memory)',
} as const

export const DAEMON_COMMANDS: readonly Command[] = [
  {
    name: 'daemon',
    summary: 'stay, look for what moves, and build it; Ctrl-C or SIGTERM stops within 5 s',
    options: [
      WORKERS,
      { flags: '--no-work', description: 'build nothing here: `tributary worker` does elsewhere' },
      { flags: '--port <port>', description: 'of /healthz and /metrics; 0: any (default: 8321)' },
      { flags: '--host <address>', description: 'to listen on (default: 127.0.0.1)' },
    ],
    examples: [
      ['daemon', 'everything on this machine'],
      ['daemon --no-work', 'dispatch only, with workers on others'],
      ['daemon --json | jq .event', 'its log, for programs'],
    ],
    load: async () => (await import('./daemon.ts')).runDaemon,
  },
  {
    name: 'worker',
    summary: 'stay and build what a daemon hands out, on any machine with the same settings',
    options: [WORKERS],
    examples: [['worker --workers 4', 'four builds at once']],
    load: async () => (await import('./daemon.ts')).runWorker,
  },
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
