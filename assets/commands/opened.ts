/** The platform as the command line opens it: what the generic commands ask for, and itself. */
import { dirname, join } from 'node:path'
import type {
  BackupPlace,
  Catalog,
  MigrationSet,
  OpenProject,
  Project,
  StoredFile,
} from '../../engine/index.ts'
import { openCatalog } from '../../engine/index.ts'
import type { Config } from '../config.ts'
import { readConfig, findProject } from '../config.ts'
import type { Serve } from '../daemon-parts.ts'
import { daemonParts } from '../daemon-parts.ts'
import type { OpenOptions, Platform } from '../platform.ts'
import type { Machine } from '../workers.ts'
import { openPlatform } from '../platform.ts'

const DAY_MS = 24 * 60 * 60 * 1000

/** An open project with its platform beside it. */
export interface OpenedPlatform extends OpenProject {
  readonly platform: Platform
  /** opens a ledger of samples, migrated: a file's path or a URL. Close it */
  readonly ledgerAt: (url: string) => Promise<Catalog>
}

export interface OpenPlatformHow extends Pick<
  OpenOptions,
  'migrations' | 'openStore' | 'openInbox'
> {
  readonly serve: Serve
  readonly ledgerMigrations: MigrationSet
  readonly openBackupPlace: (name: string, config: Config) => Promise<BackupPlace>
  /** where the search for a project starts */
  readonly folder: string
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly machine: Machine
  readonly sync?: boolean
  readonly allowBlocked?: boolean
}

/** Opens the project at or above a folder. Throws CONFIG_MISSING, CONFIG_INVALID, CATALOG_… */
export async function openForCommands(how: OpenPlatformHow): Promise<OpenedPlatform> {
  const {
    folder,
    environment,
    machine,
    migrations,
    openStore,
    openInbox,
    sync = true,
    allowBlocked = false,
  } = how
  const config = readConfig({ root: findProject(folder), environment, flags: {}, ...machine })
  const platform = await openPlatform({
    config,
    migrations,
    openStore,
    ...(openInbox !== undefined && { openInbox }),
    sync,
    allowBlocked,
  })
  return openedPlatform(platform, how)
}

/** Joins a platform with what the generic commands need of it. */
function openedPlatform(
  platform: Platform,
  { migrations, ledgerMigrations, serve, openBackupPlace }: OpenPlatformHow,
): OpenedPlatform {
  const { config, project, duck } = platform
  const ledgerAt = async (url: string): Promise<Catalog> =>
    openCatalog({ url, migrations: ledgerMigrations })
  return {
    platform,
    project,
    retention: {
      historyMs: config.historyDays.value * DAY_MS,
      logsMs: config.logsDays.value * DAY_MS,
    },
    backupPlace: async (name) => openBackupPlace(name, config),
    catalogAt: async (url) => openCatalog({ url, migrations }),
    ledgerAt,
    concurrency: config.concurrency.value,
    query: {
      tables: ['silver', 'gold_submitter', 'gold_canonical'].map((asset) => ({
        asset,
        by: 'file_type',
      })),
      files: async (parts) => localFiles(platform, parts),
      run: async (task) => (await duck.run(task)).rows,
    },
    readers: {
      location: config.store.value.replace(/\/+$/, ''),
      manifests: isElsewhere(config.store.value) ? '' : '.versions/',
      endpoint: originOf(config.s3.endpoint.value),
      region: config.s3.region.value,
    },
    rowKey: async (node) => (await import('./row-key.ts')).rowKeyOf(project, node),
    daemon: daemonParts(platform, { serve, ledgerAt }),
    whatIf: async (files): Promise<Project> => {
      const { projectAsIf } = await import('./what-if.ts')
      return projectAsIf(platform, files)
    },
    problems: async (run) => (await import('./problems.ts')).runProblems(project, run),
    planNotes: async (steps) =>
      (await import('./mapping-tests.ts')).changedMappingTests(platform, steps),
    [Symbol.asyncDispose]: async () => platform[Symbol.asyncDispose](),
  }
}

/** Parts fetched at once from a store that is no folder. */
const FETCHES_AT_ONCE = 8

/** A folder's files lie there already; anything else is fetched and checked. */
async function localFiles(
  { config, project }: Platform,
  parts: readonly StoredFile[],
): Promise<{ readonly paths: readonly string[]; readonly folders: readonly string[] }> {
  const store = config.store.value
  if (!isElsewhere(store)) {
    return { paths: parts.map(({ path }) => join(store, path)), folders: [store] }
  }
  const paths: string[] = []
  for (let at = 0; at < parts.length; at += FETCHES_AT_ONCE) {
    const some = parts.slice(at, at + FETCHES_AT_ONCE)
    paths.push(...(await Promise.all(some.map(async (part) => project.store.fetch(part)))))
  }
  return { paths, folders: [...new Set(paths.map((path) => dirname(path)))] }
}

/** Scheme, host and port of a URL: a name and a password in it are nobody's business. */
const originOf = (url: string | undefined): string | undefined =>
  url !== undefined && URL.canParse(url) ? new URL(url).origin : undefined

/** Whether a store is a URL and no folder. */
export const isElsewhere = (store: string): boolean => /^[a-z0-9]+:\/\//i.test(store)
