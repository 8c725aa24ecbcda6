/** The commands about the rebuild queue: declarations only. */
import type { Command, CommandOption } from '../../engine/index.ts'
import type { OpenedPlatform } from './opened.ts'

const REASON: CommandOption = { flags: '--reason <text>', description: 'why, for the audit' }
const REQUEST = { form: '<request>', description: 'its number, as `queue list` shows it' } as const

export const QUEUE: readonly Command<OpenedPlatform>[] = [
  {
    name: 'queue list',
    summary: 'requests to rebuild canonical months: who, why, when, outcome',
    options: [
      { flags: '--done', description: 'also those that ended' },
      { flags: '--limit <count>', description: 'how many (default: 50)' },
    ],
    examples: [
      ['queue list', 'what waits, is being built, failed or is dead'],
      ['queue list --done', 'the last fifty, ended or not'],
    ],
    load: async () => (await import('./queue.ts')).runQueueList,
  },
  {
    name: 'queue add',
    summary: 'ask for months to be built although nothing differs',
    arguments: [{ form: '<month...>', description: 'STATE/FILE_TYPE/YYYY-MM' }],
    options: [REASON],
    examples: [['queue add MA/medical/2024-01 --reason "new disk"', 'a daemon builds it at once']],
    load: async () => (await import('./queue.ts')).runQueueAdd,
  },
  {
    name: 'queue requeue',
    summary: 'try a failed or dead request again, or ask for an ended one’s month once more',
    arguments: [REQUEST],
    options: [REASON],
    examples: [['queue requeue 12 --reason "the layout is mapped now"', 'no attempts behind it']],
    load: async () => (await import('./queue.ts')).runQueueRequeue,
  },
  {
    name: 'queue cancel',
    summary: 'take an open request back; a build that has begun goes on',
    arguments: [REQUEST],
    options: [REASON],
    examples: [['queue cancel 12 --reason "asked for by mistake"', 'it ends as CANCELLED']],
    load: async () => (await import('./queue.ts')).runQueueCancel,
  },
  {
    name: 'queue pause',
    summary: 'keep requests, and let no daemon build a canonical month',
    options: [REASON],
    examples: [['queue pause --reason "restore under way"', 'materialize still works']],
    load: async () => (await import('./queue.ts')).runQueuePause,
  },
  {
    name: 'queue resume',
    summary: 'let daemons build canonical months again',
    options: [REASON],
    examples: [['queue resume', 'what was asked for meanwhile is built']],
    load: async () => (await import('./queue.ts')).runQueueResume,
  },
]
