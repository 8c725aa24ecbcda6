/** The platform as the command line opens it: what the generic commands ask for, and itself. */
import { join } from 'node:path'
import type { OpenProject, Project } from '../../engine/index.ts'
import { readConfig, findProject } from '../config.ts'
import type { OpenOptions, Platform } from '../platform.ts'
import { openPlatform } from '../platform.ts'

/** An open project with its platform beside it. */
export interface OpenedPlatform extends OpenProject {
  readonly platform: Platform
}

export interface OpenPlatformHow extends Pick<OpenOptions, 'migrations' | 'openStore'> {
  /** where the search for a project starts */
  readonly folder: string
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly cores: number
  readonly sync?: boolean
  readonly allowBlocked?: boolean
}

/** Opens the project at or above a folder. Throws CONFIG_MISSING, CONFIG_INVALID, CATALOG_… */
export async function openForCommands(how: OpenPlatformHow): Promise<OpenedPlatform> {
  const {
    folder,
    environment,
    cores,
    migrations,
    openStore,
    sync = true,
    allowBlocked = false,
  } = how
  const config = readConfig({ root: findProject(folder), environment, flags: {}, cores })
  const platform = await openPlatform({ config, migrations, openStore, sync, allowBlocked })
  return openedPlatform(platform)
}

/** Joins a platform with what the generic commands need of it. */
function openedPlatform(platform: Platform): OpenedPlatform {
  const { config, project, duck } = platform
  return {
    platform,
    project,
    concurrency: config.concurrency.value,
    query: {
      tables: ['silver', 'gold_submitter', 'gold_canonical'].map((asset) => ({
        asset,
        by: 'file_type',
      })),
      folder: config.store.value,
      partPath: (path) => join(config.store.value, path),
      run: async (task) => (await duck.run(task)).rows,
    },
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
