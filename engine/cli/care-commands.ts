/** The commands that keep a project well: declarations only. */
import type { Command, CommandOption } from './command.ts'

const REASON: CommandOption = { flags: '--reason <text>', description: 'why, for the audit' }
const INTO: CommandOption = {
  flags: '--into <url>',
  description: 'another catalog: a file’s path or postgres://…; default: the project’s own',
}

export const CARE_COMMANDS: readonly Command[] = [
  {
    name: 'backup',
    summary: 'the catalog in one snapshot, and the names of the parts it refers to',
    arguments: [{ form: '<place>', description: 'a new folder, or s3://bucket/prefix' }],
    options: [{ flags: '--with-parts', description: 'copy the parts too' }, REASON],
    examples: [
      ['backup /backup/2026-03-01', 'beside a live run, too'],
      ['backup s3://backups/claims/2026-03-01 --with-parts', 'everything'],
    ],
    load: async () => (await import('./backup.ts')).runBackup,
  },
  {
    name: 'restore',
    summary: 'a backup into an empty catalog, and on to what the store says beyond it',
    arguments: [{ form: '<place>', description: 'where the backup lies' }],
    options: [INTO, REASON],
    examples: [
      ['restore /backup/2026-03-01', 'says what the next run makes again'],
      ['restore /backup/2026-03-01 --into postgres://db/claims', 'or to move to another database'],
    ],
    load: async () => (await import('./backup.ts')).runRestore,
  },
  {
    name: 'fsck',
    summary: 'catalog, store, manifests and every byte: what is lost, changed or left over',
    options: [
      { flags: '--repair', description: 'mend it; lost and changed parts wait for the next run' },
      { flags: '--build', description: 'with --repair: make them again at once' },
      REASON,
    ],
    examples: [
      ['fsck', 'look: exit 1 when something is wrong'],
      ['fsck --repair --build', 'mend everything now'],
    ],
    load: async () => (await import('./fsck.ts')).runFsck,
  },
  {
    name: 'gc',
    summary: 'what dead runs left, and logs and history beyond retention; says what stays, and why',
    options: [
      {
        flags: '--older-than <age>',
        description: 'as 7d or 12h; default: retention in tributary.json, 90 days and 30 for logs',
      },
      { flags: '--dry-run', description: 'only say it' },
      REASON,
    ],
    examples: [
      ['gc --dry-run', 'what would go'],
      ['gc --older-than 7d', 'while no run is under way'],
    ],
    load: async () => (await import('./gc.ts')).runGc,
  },
  {
    name: 'rebuild-catalog',
    summary: 'an empty catalog from the store alone: submissions, decisions, registry, contents',
    options: [INTO, REASON],
    examples: [
      ['rebuild-catalog', 'when the catalog is lost; then materialize'],
      ['rebuild-catalog --into postgres://db/claims', 'or to move to another database'],
    ],
    load: async () => (await import('./rebuild-catalog.ts')).runRebuildCatalog,
  },
]
