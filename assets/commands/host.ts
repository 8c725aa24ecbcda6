/** What a command can ask of the program it runs in. */
import type { BootstrapStep, MigrationSet } from '../../engine/index.ts'
import type { Config } from '../config.ts'
import type { AskInbox } from '../verify/examine-project.ts'
import type { AskStore } from '../verify/store-answers.ts'

export interface Host {
  /** the package's own folder, which holds the shipped registry */
  readonly packageFolder: string
  /** what a person types to start the program */
  readonly command: string
  /** `process.version` */
  readonly nodeVersion: string
  /** the settings of the project at or above a folder, and its catalog's migrations; opens nothing */
  readonly look: (
    folder: string,
  ) => Promise<{ readonly config: Config; readonly migrations: MigrationSet }>
  /** the staging folder of the project at or above a folder; without one, of the environment */
  readonly stagingPrefix: (folder: string) => Promise<string | undefined>
  /** what a project's S3 store does; throws STORE_UNUSABLE */
  readonly askStore: AskStore
  /** how an inbox in a bucket is; throws STORE_UNUSABLE */
  readonly askInbox: AskInbox
  /** prepares a project's buckets; throws STORE_UNUSABLE */
  readonly bootstrapStore: (
    config: Config,
    how: { readonly principals?: Readonly<Record<string, string>> },
  ) => Promise<readonly { readonly bucket: string; readonly steps: readonly BootstrapStep[] }[]>
  /** the policies of a project's buckets: file name → JSON */
  readonly policyFiles: (config: Config) => Promise<Readonly<Record<string, string>>>
  /** asks on the terminal; only where there is a person */
  readonly question: (text: string) => Promise<string>
  /** runs a command line and lets it print */
  readonly run: (argv: readonly string[]) => Promise<number>
  /** runs a command line and gives what it prints on stdout */
  readonly ask: (argv: readonly string[]) => Promise<string>
}
