/** The commands about versions and about readers outside: declarations only. */
import type { Command } from './command.ts'

const READER_NAMES = ['duckdb', 'python', 'polars', 'pyarrow', 'r', 'spark', 'athena', 'trino']

const PARTITION = {
  form: '<partition>',
  description: 'gold_canonical/CO/medical/2024-01, or gold_canonical[CO/medical/2024-01]',
  completes: 'node',
} as const

export const HISTORY_COMMANDS: readonly Command[] = [
  {
    name: 'diff',
    summary: 'two kept versions of a partition: rows, columns, examples',
    arguments: [PARTITION],
    options: [
      { flags: '--from <commit>', description: 'a commit number (default: the version before)' },
      { flags: '--to <commit>', description: 'a commit number (default: the current version)' },
      { flags: '--key <columns>', description: 'what tells rows apart, by comma' },
      {
        flags: '--rows <count>',
        description: 'differing rows to show (default: 10; with --json 0): person data on screen',
      },
    ],
    examples: [
      ['diff gold_canonical/MA/medical/2024-01', 'what the last commit changed'],
      ['diff gold_canonical/MA/medical/2024-01 --from 2 --to 5 --rows 0', 'counts only'],
    ],
    load: async () => (await import('./diff.ts')).runDiff,
  },
  {
    name: 'rollback',
    summary: 'let a partition show a kept version again; without options: its versions',
    arguments: [PARTITION],
    options: [
      { flags: '--to <commit>', description: 'the commit number to go back to' },
      { flags: '--clear', description: 'let it follow its inputs again' },
      { flags: '--reason <text>', description: 'why, for the audit' },
    ],
    examples: [
      ['rollback gold_canonical/MA/medical/2024-01', 'what it could go back to'],
      [
        'rollback gold_canonical/MA/medical/2024-01 --to 3 --reason "bad file, ticket 12"',
        'readers see commit 3 at once; it stays until it is cleared',
      ],
      ['rollback gold_canonical/MA/medical/2024-01 --clear --reason "corrected"', 'go on'],
    ],
    load: async () => (await import('./rollback.ts')).runRollback,
  },
  {
    name: 'export',
    summary: 'the tables as one DuckDB file, or as Parquet files in a folder',
    arguments: [
      { form: '[tables...]', description: 'as gold_canonical.medical; default: all but silver' },
    ],
    options: [
      { flags: '--duckdb <file>', description: 'a DuckDB database with views over the parts' },
      { flags: '--copy', description: 'with --duckdb: the rows themselves, for another machine' },
      { flags: '--parquet <folder>', description: 'copies of the parts, by partition' },
      { flags: '--overwrite', description: 'replace what is there, when all is written' },
      { flags: '--as-of <when>', description: 'what was committed then: a run, or an instant' },
    ],
    examples: [
      ['export --duckdb claims.duckdb --copy', 'to hand over'],
      ['export --parquet out gold_canonical.medical', 'one table'],
    ],
    load: async () => (await import('./export.ts')).runExport,
  },
  {
    name: 'connect',
    summary: 'what another program needs to read the tables, ready to paste',
    arguments: [
      { form: '[reader]', description: 'one of --list', completes: READER_NAMES },
      { form: '[tables...]', description: 'default: what nothing else is made of' },
    ],
    options: [
      { flags: '--list', description: 'the readers there are' },
      { flags: '--parts <table>', description: 'where a table’s parts lie now, one a line' },
      {
        flags: '--location <place>',
        description: 'a folder or s3:// where readers find the store',
      },
    ],
    examples: [
      ['connect duckdb', 'views that read whole versions'],
      ['connect polars gold_canonical.medical', 'one table'],
    ],
    load: async () => (await import('./connect.ts')).runConnect,
  },
]
