/** Opens a project folder as the platform: the road's graph over its catalog, store and inbox. */
import { mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type {
  AssetDefinition,
  Catalog,
  Hooks,
  MigrationSet,
  ObjectStore,
  Observer,
  Project,
} from '../engine/index.ts'
import { DuckPool, buildGraph, openCatalog, systemClock } from '../engine/index.ts'
import type { Config } from './config.ts'
import { inboxObserver } from './discovered.ts'
import { folderInbox } from './folder-inbox.ts'
import type { InboxSweep } from './inbox-sweep.ts'
import type { Inbox } from './inbox.ts'
import { roadAssets } from './index.ts'
import { manifestObserver } from './manifests.ts'
import { queueObserver } from './queue-observer.ts'
import type { SecretsOf } from './package-secrets.ts'
import { submitterSecrets } from './package-secrets.ts'
import { PLATFORM_KEPT } from './kept-tables.ts'
import { isLineWaiting } from './processed-files.ts'
import { platformHooks } from './records.ts'
import type { SyncOptions } from './sync-options.ts'
import type { Routing } from './reroute.ts'
import { shutPackagesObserver } from './shut-packages.ts'
import { CurrentRegistry, registryObserver } from './registry-observer.ts'

/** An open project. Close it with `await using`. */
export interface Platform extends AsyncDisposable {
  readonly config: Config
  readonly project: Project
  readonly duck: DuckPool
  readonly inbox: Inbox
  /** the registry folder, also where the project was opened without it */
  readonly registryFolder: Observer
  /** what opens a submitter's packages, as it is set now */
  readonly secretsOf: SecretsOf
  /** an empty catalog and store in a folder, for a rebuild beside the project. Close the catalog */
  readonly spare: (folder: string) => Promise<Pick<Project, 'catalog' | 'store'>>
}

export interface OpenOptions {
  readonly config: Config
  readonly migrations: MigrationSet
  readonly openStore: (config: Config) => ObjectStore | Promise<ObjectStore>
  /** an inbox that is no folder; undefined: it is one */
  readonly openInbox?: (config: Config) => Promise<Inbox | undefined>
  /** false: the registry stays as the catalog has it */
  readonly sync?: boolean
  /** a sync may activate a schema that a live layout has no mapping to */
  readonly allowBlocked?: boolean
}

const MINUTE_MS = 60_000

/** Submissions that wait for review are tried anew when the registry has changed. */
const routeAfter =
  (place: Omit<Routing, 'registry'>): SyncOptions['after'] =>
  async (access, registry) => {
    const { routeAgain } = await import('./reroute.ts')
    await routeAgain(access, { ...place, registry })
  }

/** What follows a run, in this order: lines of what was landed, and its removal from the inbox. */
const afterRun =
  ({ intakeAfter, staging }: Config, inbox: Inbox): NonNullable<Hooks['afterRun']> =>
  async (access) => {
    if (await isLineWaiting(access.project.catalog.db)) {
      const { appendLanded } = await import('./processed-road.ts')
      await appendLanded({ ...access, prefix: staging.prefix.value })
    }
    if (intakeAfter.value === 'delete') await sweepAfter({ ...access, inbox })
  }

// Loaded only where something is swept.
async function sweepAfter(sweep: InboxSweep): Promise<void> {
  const { sweepInbox } = await import('./inbox-sweep.ts')
  await sweepInbox(sweep)
}

/** The asset `sample` and its children: loaded where a project wants it. Starts no child. */
async function openSampleAsset(
  config: Config,
): Promise<{ readonly asset: AssetDefinition } & AsyncDisposable> {
  const { sampleAsset } = await import('./sample.ts')
  const { sampleKey } = await import('./samples/sample-key.ts')
  const { openSamplePool } = await import('./samples/sample-pool.ts')
  const key = sampleKey(config)
  const terms = {
    kind: 'terms',
    key: key.toString('hex'),
    layouts: [],
    rules: [],
    submitters: [],
  } as const
  const folder = config.scratch.value
  const pool = openSamplePool({ size: config.concurrency.value, folder, terms })
  return {
    asset: sampleAsset({ pool, config: config.samples, key }),
    [Symbol.asyncDispose]: async () => pool[Symbol.asyncDispose](),
  }
}

/** Opens catalog and store, makes the folders of a new project. Starts no child process. */
export async function openPlatform(options: OpenOptions): Promise<Platform> {
  const { config, sync = true, allowBlocked = false } = options
  const catalog = await openProjectCatalog(config, options.migrations)
  const duck = new DuckPool({ size: config.concurrency.value, folder: config.scratch.value })
  const registry = new CurrentRegistry(config.root, { sync })
  const inbox = (await options.openInbox?.(config)) ?? folderInbox(config.inbox.value)
  const place = { inbox, scratch: config.scratch.value, secrets: config.secrets }
  const secretsOf: SecretsOf = async (submitter) =>
    submitterSecrets(await registry.get(catalog.db), submitter, config.secrets)
  const deliveries = inboxObserver({
    inbox,
    quiescenceMs: config.quiescenceMinutes.value * MINUTE_MS,
    registry,
    scratch: config.scratch.value,
    secretsOf,
  })
  const manifests = manifestObserver({
    folder: config.discovery.value,
    root: config.root,
    registry,
    scratch: config.scratch.value,
    secretsOf,
  })
  const after = routeAfter(place)
  const registryFolder = registryObserver(config.root, registry, { after, allowBlocked })
  const shut = shutPackagesObserver({ ...place, registry })
  const others = [deliveries, manifests, shut, queueObserver()]
  const samples = config.samples.asset.value ? await openSampleAsset(config) : undefined
  const project: Project = {
    graph: buildGraph(roadAssets(inbox, duck, { secretsOf, sample: samples?.asset })),
    catalog,
    store: await options.openStore(config),
    clock: systemClock,
    observers: sync ? [registryFolder, ...others] : others,
    hooks: {
      ...platformHooks({ inbox, root: config.root }),
      afterRun: afterRun(config, inbox),
    },
    kept: PLATFORM_KEPT,
    scratchRoot: config.scratch.value,
    logFolder: join(dirname(config.scratch.value), 'logs'),
    retainedVersions: config.retainVersions.value,
  }
  return {
    config,
    project,
    duck,
    inbox,
    registryFolder,
    secretsOf,
    spare: async (folder) => ({
      catalog: await openCatalog({
        url: join(folder, 'catalog.db'),
        migrations: options.migrations,
      }),
      store: await options.openStore({
        ...config,
        store: { value: join(folder, 'store'), origin: 'default' },
      }),
    }),
    [Symbol.asyncDispose]: async () => {
      await duck[Symbol.asyncDispose]()
      await samples?.[Symbol.asyncDispose]()
      await inbox.close()
      await catalog.close()
    },
  }
}

async function openProjectCatalog(config: Config, migrations: MigrationSet): Promise<Catalog> {
  const url = config.catalog.value
  if (!/^[a-z]+:\/\//.test(url)) mkdirSync(dirname(url), { recursive: true })
  return openCatalog({ url, migrations })
}
