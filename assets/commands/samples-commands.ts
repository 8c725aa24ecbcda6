/** The commands about samples: declarations only. */
import type { Command, CommandOption } from '../../engine/index.ts'
import type { OpenedPlatform } from './opened.ts'

const PLACE: CommandOption = {
  flags: '--place <place>',
  description: 'only of submitter/file_type/layout.version, or of the first parts of it',
}
const REASON: CommandOption = { flags: '--reason <text>', description: 'why, for the audit' }

/** `samples …` */
export const SAMPLES: readonly Command<OpenedPlatform>[] = [
  {
    name: 'samples make',
    summary: 'a small real file of the same format for each file a manifest names, values masked',
    arguments: [
      {
        form: '[file...]',
        description: 'only these, files of this machine, or names that samples list shows',
        completes: 'file',
      },
    ],
    options: [
      PLACE,
      { flags: '--again', description: 'also what was sampled before, and what has failed' },
      { flags: '--watch', description: 'stay, and look at the manifests again and again' },
      { flags: '--every <duration>', description: 'with --watch: how often (default: 60s)' },
      {
        flags: '--strategy <strategy>',
        description: 'which records: the first, the last, some of all, what would be refused',
        choices: ['head', 'tail', 'reservoir', 'rejects'],
      },
      { flags: '--records <count>', description: 'of a sample (default: 100)' },
      { flags: '--workers <count>', description: 'files at once (default: the cores)' },
      { flags: '--raw-sample', description: 'values as they are: needs --reason, is audited' },
      { flags: '--days <count>', description: 'of --raw-sample: how long it stays (default: 7)' },
      REASON,
    ],
    examples: [
      ['samples make', 'whatever is new since the last time'],
      ['samples make --place north_clinic', 'what is new of one submitter'],
      ['samples make inbox/north_clinic/first/claims.csv', 'a file that waits for review'],
      ['samples make --watch', 'as a service'],
      ['samples make claims.csv --raw-sample --reason "call 4711"', 'person data, for a week'],
    ],
    load: async () => (await import('./samples-make.ts')).runSamplesMake,
  },
  {
    name: 'samples list',
    summary: 'what was sampled, what waits, and what could not be',
    options: [
      PLACE,
      {
        flags: '--status <status>',
        description: 'only these',
        choices: ['pending', 'made', 'missing', 'failed', 'skipped', 'purged'],
      },
      { flags: '--limit <count>', description: 'how many (default: 50)' },
    ],
    examples: [
      ['samples list', 'the newest first'],
      ['samples list --status failed --json', 'for programs'],
    ],
    load: async () => (await import('./samples-list.ts')).runSamplesList,
  },
  {
    name: 'samples show',
    summary: 'one sample: where it lies, what its columns hold, which layouts fit; no values',
    arguments: [{ form: '<file>', description: 'a name that samples list shows' }],
    examples: [['samples show inbox:north_clinic/first/claims.csv', 'before it is routed']],
    load: async () => (await import('./samples-show.ts')).runSamplesShow,
  },
  {
    name: 'samples purge',
    summary: 'remove samples; their files are sampled again only when they change',
    arguments: [{ form: '[file...]', description: 'names that samples list shows' }],
    options: [
      PLACE,
      { flags: '--older-than <days>', description: 'only those made longer ago' },
      { flags: '--raw', description: 'only those with values as they are' },
      { flags: '--all', description: 'all of them' },
      REASON,
    ],
    examples: [
      ['samples purge --older-than 30', 'what is a month old'],
      ['samples purge --raw', 'person data, before its time is over'],
    ],
    load: async () => (await import('./samples-purge.ts')).runSamplesPurge,
  },
]
