/** The commands that any project has, whatever its assets are about: declarations only. */
import { CARE_COMMANDS } from './care-commands.ts'
import type { Command, CommandOption } from './command.ts'
import { HISTORY_COMMANDS } from './history-commands.ts'
import { PLAN_OPTIONS, SELECTION_ARGUMENT } from './plan-options.ts'

const RUN_OPTIONS: readonly CommandOption[] = [
  {
    flags: '-j, --jobs <count>',
    description: 'builds at once (default: tributary.json, or cores and memory)',
  },
  { flags: '--max-fail <count>', description: 'stop claiming after this many failures' },
  { flags: '--keep-going', description: 'go on after failures: the default' },
  { flags: '--reason <text>', description: 'why, for the audit' },
]
const NODE_ARGUMENT = {
  form: '<partition>',
  description: 'gold_canonical/CO/medical/2024-01, or gold_canonical[CO/medical/2024-01]',
  completes: 'node',
} as const
const RUN_ARGUMENT = { form: '[run]', description: 'a run’s number; default: the last' } as const

const SHELLS = ['bash', 'zsh', 'fish', 'powershell']

export const GENERIC_COMMANDS: readonly Command[] = [
  {
    name: 'plan',
    summary: 'what a run would do, and why; writes nothing',
    arguments: [SELECTION_ARGUMENT],
    options: [
      { flags: '-o, --output <file>', description: 'save it, for materialize --plan FILE' },
      { flags: '--all', description: 'every partition, not the first of each group' },
      { flags: '--detailed-exitcode', description: 'exit 3 when there is something to do' },
      {
        flags: '--what-if <file>',
        description: 'plan as if this file stood in the registry: [PATH=]FILE, several by comma',
      },
      ...PLAN_OPTIONS,
    ],
    examples: [
      ['plan', 'everything'],
      ['plan gold_canonical[state=CO]+', 'one state, and what reads it'],
      ['plan --json | jq .steps', 'for programs'],
    ],
    load: async () => (await import('./plan.ts')).runPlan,
  },
  {
    name: 'materialize',
    summary: 'make what is selected current',
    arguments: [SELECTION_ARGUMENT],
    options: [
      { flags: '--plan <id>', description: 'apply this plan, or nothing when it has moved' },
      { flags: '--dry-run', description: 'the same as plan' },
      ...RUN_OPTIONS,
      ...PLAN_OPTIONS,
    ],
    examples: [
      ['materialize', 'everything that is dirty'],
      ['materialize --plan 7c1e9a03b2d4', 'exactly the plan you looked at'],
      ['materialize gold_canonical --force "new disk"', 'rebuild, with a reason on record'],
    ],
    load: async () => (await import('./materialize.ts')).runMaterialize,
  },
  {
    name: 'retry',
    summary: 'build again what failed in a run, and what waited for it',
    arguments: [RUN_ARGUMENT],
    options: RUN_OPTIONS,
    examples: [
      ['retry', 'what failed in the last run'],
      ['retry 12', 'what failed in run 12'],
    ],
    load: async () => (await import('./retry.ts')).runRetry,
  },
  {
    name: 'status',
    summary: 'one screen: assets, what is dirty, what waits, the last run',
    arguments: [SELECTION_ARGUMENT],
    options: [{ flags: '--keys', description: 'list the partitions too' }],
    examples: [
      ['status', 'the whole project'],
      ['status gold_canonical --keys', 'every partition of one asset'],
    ],
    load: async () => (await import('./status.ts')).runStatus,
  },
  {
    name: 'explain',
    summary: 'why a partition was built, and what would rebuild it',
    arguments: [NODE_ARGUMENT],
    options: [{ flags: '--builds <count>', description: 'builds to look back at (default: 3)' }],
    examples: [['explain gold_canonical/MA/medical/2024-01', 'causes, slots, fingerprint, parts']],
    load: async () => (await import('./explain.ts')).runExplain,
  },
  {
    name: 'lineage',
    summary: 'what a partition was made from, and what is made from it',
    arguments: [NODE_ARGUMENT],
    options: [
      { flags: '--up', description: 'only what it was made from' },
      { flags: '--down', description: 'only what is made from it' },
      { flags: '--format <format>', description: 'default text', choices: ['text', 'dot', 'json'] },
    ],
    examples: [
      ['lineage gold_canonical/MA/medical/2024-01 --up', 'down to the files'],
      ['lineage silver/acme/medical/X/2024-01 --format dot', 'for Graphviz'],
    ],
    load: async () => (await import('./lineage.ts')).runLineage,
  },
  {
    name: 'runs',
    summary: 'runs, newest first, or one run’s builds and failures',
    arguments: [RUN_ARGUMENT],
    options: [{ flags: '--limit <count>', description: 'how many (default: 20)' }],
    examples: [
      ['runs', 'the last twenty'],
      ['runs 12', 'one of them'],
    ],
    load: async () => (await import('./runs.ts')).runRuns,
  },
  {
    name: 'logs',
    summary: 'what a run did, build by build',
    options: [
      { flags: '--run <run>', description: 'default: the last' },
      { flags: '-f, --follow', description: 'go on until the run ends' },
    ],
    examples: [['logs -f', 'watch the run that is going on']],
    load: async () => (await import('./logs.ts')).runLogs,
  },
  {
    name: 'audit list',
    summary: 'who changed what, when and why, newest first',
    options: [
      { flags: '--since <time>', description: 'YYYY-MM-DD, or an instant in UTC' },
      { flags: '--actor <name>', description: 'only theirs' },
      { flags: '--limit <count>', description: 'how many (default: 50)' },
    ],
    examples: [['audit list --since 2026-01-01 --actor ada', 'one person’s year']],
    load: async () => (await import('./audit.ts')).runAuditList,
  },
  {
    name: 'audit verify',
    summary: 'recompute the audit’s chain and compare the anchors in the store',
    examples: [['audit verify', 'exit 0 only if no row was changed, removed or put in']],
    load: async () => (await import('./audit.ts')).runAuditVerify,
  },
  {
    name: 'query',
    summary: 'SQL over what is committed',
    arguments: [{ form: '[sql]', description: 'one SELECT' }],
    options: [
      {
        flags: '--format <format>',
        description: 'default table',
        choices: ['table', 'csv', 'json', 'md'],
      },
      { flags: '--tables', description: 'list the tables instead' },
      {
        flags: '--as-of <when>',
        description: 'what was committed then: a run’s number, or an instant; while it is kept',
      },
    ],
    examples: [
      ['query "select atomic_month, count(*) from gold_canonical.medical group by 1"', 'a table'],
      ['query --format csv "from silver.medical limit 5"', 'for a spreadsheet'],
      [
        'query --as-of 2026-11-25T10:00Z "select count(*) from gold_canonical.medical"',
        'as it was then',
      ],
    ],
    load: async () => (await import('./query.ts')).runQuery,
  },
  ...HISTORY_COMMANDS,
  ...CARE_COMMANDS,
  {
    name: 'help',
    summary: 'what an error code means and what to do; works offline',
    arguments: [{ form: '[code]', description: 'an error code, or a command', completes: 'code' }],
    options: [{ flags: '--codes', description: 'list every code' }],
    examples: [['help PLAN_MOVED', 'one code']],
    load: async () => (await import('./help.ts')).runHelp,
  },
  {
    name: 'completion',
    summary: 'the completion script of a shell',
    arguments: [
      { form: '<shell>', description: 'bash, zsh, fish or powershell', completes: SHELLS },
    ],
    examples: [['completion bash > ~/.tributary-completion', 'then source it from ~/.bashrc']],
    load: async () => (await import('./completion.ts')).runCompletion,
  },
  {
    name: 'complete',
    summary: 'candidates for the words typed so far',
    arguments: [{ form: '[words...]', description: 'after --' }],
    examples: [],
    isHidden: true,
    load: async () => (await import('./completion.ts')).runComplete,
  },
]
