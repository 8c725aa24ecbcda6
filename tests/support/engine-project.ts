/**
 * A project over a declared list of assets, in a temporary folder, on SQLite or PostgreSQL.
 *
 * Every build is logged, so that a test says what was executed and not what was reported. Facts are
 * written as observations of one run (`facts`), as a person's decision would be.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type {
  AssetDefinition,
  BuildResult,
  Json,
  ObjectStore,
  Observation,
  Plan,
  Project,
  RunOptions,
  RunReport,
  StoredAsset,
} from '../../engine/index.ts'
import {
  buildGraph,
  canonicalJson,
  frameDigest,
  makePlan,
  materialize,
  nodeText,
  openCatalog,
  systemClock,
} from '../../engine/index.ts'
import { openLocalStore } from '../../minio/local-store.ts'
import type { S3Settings } from '../../minio/s3-client.ts'
import { parseS3Url } from '../../minio/s3-client.ts'
import { openS3Store } from '../../minio/s3-store.ts'
import { MIGRATIONS } from '../../migrations/index.ts'

/** `services`: PostgreSQL, and the store in a bucket of MinIO */
export type Database = 'sqlite' | 'postgres' | 'services'
/** What a plain clone has: the store is a folder. */
export const DATABASES: readonly Database[] = ['sqlite', 'postgres']

/** `{ 'layout/a': value }`; undefined makes the fact absent. */
export type Facts = Readonly<Record<string, Json | undefined>>

/** Facts as an observation: the text before the first `/` is the asset. */
export function factChanges(facts: Facts): Observation {
  const list = Object.entries(facts).map(([name, value]) => {
    const cut = name.indexOf('/')
    return { asset: name.slice(0, cut), key: name.slice(cut + 1), value }
  })
  return {
    digest: frameDigest(
      list.flatMap((fact) => [nodeText(fact), canonicalJson(fact.value ?? null)]),
    ),
    apply: async ({ writeFacts }) => writeFacts(list),
  }
}

type Call = Partial<Omit<RunOptions, 'selection' | 'also'>> & {
  readonly facts?: Facts
  readonly also?: readonly Observation[]
}

export interface EngineProject {
  readonly project: Project
  readonly root: string
  /** of the catalog */
  readonly url: string
  /** every build executed since the last call, sorted, as `asset[key]` */
  readonly takeLog: () => readonly string[]
  readonly plan: (selection?: string, call?: Call) => Promise<Plan>
  readonly run: (selection?: string, call?: Call) => Promise<RunReport>
  /** a run over a changed project: a store or catalog that dies */
  readonly runOn: (project: Project, selection?: string, call?: Call) => Promise<RunReport>
  /** the same folder and catalog with other declarations, or after a crash */
  readonly reopen: (assets?: readonly AssetDefinition[]) => Promise<EngineProject>
  /** closes the catalog and removes the folder */
  readonly close: () => Promise<void>
}

export interface EngineProjectOptions {
  readonly assets: readonly AssetDefinition[]
  readonly database?: Database
  readonly retainedVersions?: number
  readonly hooks?: Project['hooks']
  /** a catalog elsewhere; default: SQLite in the folder */
  readonly url?: string
  readonly poolSize?: number
  /** fsync what is staged, as the product does; default false */
  readonly durable?: boolean
  /** PostgreSQL and S3 instead of files; `database` is not asked then */
  readonly services?: ServicesPlace
}

/** Where a project on servers lies; plain data, so that a child process can be told. */
export interface ServicesPlace {
  /** of a database of its own */
  readonly catalog: string
  /** `s3://bucket/prefix` */
  readonly store: string
  readonly s3: S3Settings
}

/** Opens a project in a folder that a test keeps. */
export async function engineProjectAt(
  root: string,
  options: EngineProjectOptions,
): Promise<EngineProject> {
  mkdirSync(root, { recursive: true })
  const url = options.url ?? options.services?.catalog ?? join(root, 'catalog.db')
  return openAt(options, { root, url, remove: async () => undefined })
}

/** Opens an empty project in a folder of its own, and on servers where `database` says so. */
export async function engineProject(options: EngineProjectOptions): Promise<EngineProject> {
  const root = mkdtempSync(join(tmpdir(), 'tributary-engine-'))
  const made = await onServers(options.services === undefined ? options.database : undefined)
  const services = options.services ?? made.services
  return openAt(
    { ...options, ...(services !== undefined && { services }) },
    {
      root,
      url: services?.catalog ?? made.url ?? join(root, 'catalog.db'),
      remove: async () => {
        await made.close()
        rmSync(root, { recursive: true, force: true })
      },
    },
  )
}

interface OnServers {
  readonly url?: string
  readonly services?: ServicesPlace
  readonly close: () => Promise<void>
}

// Loaded only here: the children of kill tests are no vitest processes.
async function onServers(database: Database | undefined): Promise<OnServers> {
  if (database !== 'postgres' && database !== 'services') return { close: async () => undefined }
  const { url, close } = await (await import('./postgres.ts')).freshDatabase()
  if (database === 'postgres') return { url, close }
  const bucket = await (await import('./s3.ts')).freshBucket('minio')
  const services = { catalog: url, store: `${bucket.url}/store`, s3: bucket.settings }
  return {
    services,
    close: async () => {
      await close()
      await bucket.close()
    },
  }
}

interface Place {
  readonly root: string
  readonly url: string
  readonly remove: () => Promise<void>
}

async function openAt(options: EngineProjectOptions, place: Place): Promise<EngineProject> {
  const log: string[] = []
  const project: Project = {
    graph: buildGraph(options.assets.map((asset) => logged(asset, log))),
    catalog: await openCatalog({
      url: place.url,
      migrations: MIGRATIONS,
      ...(options.poolSize !== undefined && { poolSize: options.poolSize }),
    }),
    store: storeOf(options, place.root),
    clock: systemClock,
    observers: [],
    hooks: options.hooks ?? {},
    scratchRoot: join(place.root, 'scratch'),
    retainedVersions: options.retainedVersions ?? 3,
  }
  const callOptions = (selection: string | undefined, { facts, also = [], ...call }: Call) => ({
    actor: { name: 'test', reason: 'test' },
    command: 'materialize',
    concurrency: 2,
    ...call,
    ...(selection !== undefined && { selection }),
    also: [...(facts === undefined ? [] : [factChanges(facts)]), ...also],
  })
  return {
    project,
    root: place.root,
    url: place.url,
    takeLog: () => log.splice(0).toSorted(),
    plan: async (selection, call = {}) => makePlan(project, callOptions(selection, call)),
    run: async (selection, call = {}) => materialize(project, callOptions(selection, call)),
    runOn: async (other, selection, call = {}) => materialize(other, callOptions(selection, call)),
    reopen: async (assets = options.assets) => {
      // The process that held the lease is gone; this one has its number.
      await project.catalog.db.updateTable('lease').set({ expires_ms: 0 }).execute()
      await project.catalog.close()
      return openAt({ ...options, assets }, place)
    },
    close: async () => {
      await project.catalog.close()
      await place.remove()
    },
  }
}

function storeOf({ services, durable = false }: EngineProjectOptions, root: string): ObjectStore {
  if (services === undefined) return openLocalStore({ root: join(root, 'store'), durable })
  return openS3Store({
    place: parseS3Url(services.store),
    settings: services.s3,
    cache: { folder: join(root, 'cache'), bytesMax: 1 << 30 },
    // Whatever upload is left when a test looks for strays is one.
    staleUploadMs: 0,
  })
}

function logged(asset: AssetDefinition, log: string[]): AssetDefinition {
  if (asset.kind !== 'stored') return asset
  const build: StoredAsset['build'] = async (context): Promise<BuildResult> => {
    log.push(nodeText(context.node))
    return asset.build(context)
  }
  return { ...asset, build }
}
