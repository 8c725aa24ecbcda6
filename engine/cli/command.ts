/**
 * What a command declares, and what it is given when it runs.
 *
 * Declarations are plain data, so that help, completion and did-you-mean need no command's code;
 * `load` imports that when it is called. Generic commands know the engine only; a project's own
 * commands use the same interface with a richer `Opened`.
 */
import type { Catalog } from '../catalog/open.ts'
import type { NodeName } from '../core/key.ts'
import type { ReaderPlace } from './connect-snippets.ts'
import type { BackupPlace } from '../core/ports.ts'
import type { Retention } from '../run/gc.ts'
import type { Project } from '../run/project.ts'
import type { DaemonParts } from './daemon-parts.ts'
import type { Terminal } from './output.ts'

/** What the shell offers for a word. */
export type Completes = 'selection' | 'node' | 'code' | 'file' | readonly string[]

export interface CommandArgument {
  /** commander's form: `<node>`, `[run]`, `[selection...]` */
  readonly form: string
  readonly description: string
  readonly completes?: Completes
}

export interface CommandOption {
  /** commander's form: `-o, --output <file>` */
  readonly flags: string
  readonly description: string
  readonly choices?: readonly string[]
}

/** One line of a command's help: what to type, and what it does. */
export type Example = readonly [command: string, does: string]

/** Returns the exit code. */
export type RunCommand<Opened> = (call: CommandCall<Opened>) => Promise<number>

export interface Command<Opened = OpenProject> {
  /** one word, or group and word: `registry sync` */
  readonly name: string
  readonly summary: string
  readonly arguments?: readonly CommandArgument[]
  readonly options?: readonly CommandOption[]
  readonly examples: readonly Example[]
  /** not listed: programs call it */
  readonly isHidden?: boolean
  readonly load: () => Promise<RunCommand<Opened>>
}

/** The parts of one kind of asset that `query` shows as tables, one for each value of `by`. */
export interface QueryTables {
  /** the schema they stand in, and the asset they come from */
  readonly asset: string
  /** the dimension whose value names the table: `silver.medical` */
  readonly by: string
}

/** A part as its store has it. */
export interface StoredFile {
  readonly path: string
  readonly sizeBytes: number
  readonly sha256: string
}

/** What tells the rows of a table apart, and what of them speaks of their making only. */
export interface RowKey {
  readonly key: readonly string[] | undefined
  readonly lineage: readonly string[]
}

/** Something a run leaves for a person: an error makes the exit code 1. */
export interface Problem {
  readonly severity: 'error' | 'warning'
  readonly code: string
  readonly subject: string
  readonly words: string
}

/** An open project, as the generic commands need it. */
export interface OpenProject extends AsyncDisposable {
  readonly project: Project
  /** opens another catalog, migrated: a file's path or a URL. Close it */
  readonly catalogAt: (url: string) => Promise<Catalog>
  /** how old history and logs may be, unless `gc` says otherwise */
  readonly retention: Retention
  /** where backups lie: a folder, or `s3://bucket/prefix` */
  readonly backupPlace: (name: string) => Promise<BackupPlace>
  /** builds at once, unless -j says otherwise */
  readonly concurrency: number
  /** what `query` can read */
  readonly query: {
    readonly tables: readonly QueryTables[]
    /** parts as local files, in their order, and the folders that hold them */
    readonly files: (
      parts: readonly StoredFile[],
    ) => Promise<{ readonly paths: readonly string[]; readonly folders: readonly string[] }>
    /** runs statements in a child process over these folders' files */
    readonly run: (task: {
      readonly statements: readonly string[]
      readonly folders: readonly string[]
      /** default: 10 minutes */
      readonly timeoutMs?: number
    }) => Promise<readonly { readonly [name: string]: unknown }[]>
  }
  /** where readers outside find the tables; see `connect` */
  readonly readers: ReaderPlace
  /** how `diff` compares a partition's rows; undefined: as whole rows */
  readonly rowKey?: (node: NodeName) => Promise<RowKey | undefined>
  /** what a daemon of this project does; omitted: it has none */
  readonly daemon?: DaemonParts
  /** the project as it would be with one of its own files replaced; see `plan --what-if` */
  readonly whatIf?: (files: readonly string[]) => Promise<Project>
  /** what a run found that is no failed build: unreadable or refused input */
  readonly problems?: (run: number | undefined) => Promise<readonly Problem[]>
  /** more to say under a plan, as failed tests of what it would apply */
  readonly planNotes?: (steps: PlanSteps) => Promise<readonly Problem[]>
}

/** The steps of a plan, as far as a project may look at them. */
export type PlanSteps = readonly {
  readonly asset: string
  readonly causes: readonly { readonly asset?: string; readonly key?: string }[]
}[]

export interface OpenHow {
  /** false: the project's own files are not synced first. Default true */
  readonly sync?: boolean
  /** a sync may leave partitions blocked that stand now. Default false */
  readonly allowBlocked?: boolean
}

export interface CommandCall<Opened = OpenProject> {
  /** positional arguments, variadic ones at the end */
  readonly words: readonly string[]
  readonly options: Readonly<Record<string, string | boolean | undefined>>
  readonly terminal: Terminal
  readonly json: boolean
  /** who acts: --actor, TRIBUTARY_ACTOR, or the user of this session */
  readonly actor: string
  /** the folder a project is looked for from */
  readonly folder: string
  /** opens the project once; it is closed when the command ends. Throws CONFIG_MISSING, … */
  readonly open: (how?: OpenHow) => Promise<Opened>
  /** every command there is, for help and completion */
  readonly commands: readonly Omit<Command, 'load'>[]
}

/** An option's text; undefined when it was not given or is a flag. */
export function textOption(
  call: Pick<CommandCall<never>, 'options'>,
  name: string,
): string | undefined {
  const value = call.options[name]
  return typeof value === 'string' ? value : undefined
}

/** Whether a flag was given. */
export const flagOption = (call: Pick<CommandCall<never>, 'options'>, name: string): boolean =>
  call.options[name] === true
