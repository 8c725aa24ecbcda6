/**
 * A project's configuration: flag > environment > `tributary.json` > default, each value with where
 * it came from, so that `doctor` can print it. Secrets may also come from `NAME_FILE`.
 */
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { z } from 'zod'
import { EngineError } from '../engine/index.ts'
import type { DaemonConfig } from './daemon-config.ts'
import { DAEMON_DEFAULTS, daemonDocument, readDaemonConfig } from './daemon-config.ts'
import { DURATION, durationMs } from './duration.ts'
import type { SecretSource } from './package-secrets.ts'
import { secretsFrom } from './package-secrets.ts'
import type { S3Config } from './s3-config.ts'
import { readS3Config, s3Document } from './s3-config.ts'
import type { SamplesConfig } from './samples/samples-config.ts'
import { SAMPLES_DEFAULTS, readSamplesConfig, samplesDocument } from './samples/samples-config.ts'
import type { Environment, Setting } from './setting.ts'
import { firstOf, fromEnvironment } from './setting.ts'
import type { StagingConfig } from './staging-config.ts'
import { STAGING_DEFAULTS, readStagingConfig, stagingDocument } from './staging-config.ts'
import { requireTransport } from './transport.ts'
import type { Machine } from './workers.ts'
import { workersFor } from './workers.ts'

export const CONFIG_FILE = 'tributary.json'

/** What a project has where its tributary.json says nothing. */
export const CONFIG_DEFAULTS = {
  catalog: '.tributary/catalog.db',
  store: 'data',
  inbox: 'inbox',
  discovery: 'scraped',
  scratch: '.tributary/scratch',
  cache: '.tributary/cache',
  cache_bytes: 10 * 2 ** 30,
  intake: { quiescence: '10m' },
  staging: STAGING_DEFAULTS,
  samples: SAMPLES_DEFAULTS,
  daemon: DAEMON_DEFAULTS,
  retention: { history_days: 90, logs_days: 30 },
} as const

const INTAKE_AFTER = ['delete', 'keep'] as const
type IntakeAfter = (typeof INTAKE_AFTER)[number]

/** On S3 readers list what there is: with older versions beside it a listing is not exact. */
const RETAINED_VERSIONS = { folder: 3, s3: 1 } as const

const durationMinutes = (text: string): number => durationMs(text) / 60_000

const days = (what: string) =>
  z.int().min(1).max(36_500).exactOptional().describe(`${what} by default`)

/** tributary.json. Its JSON Schema, which editors read, is generated from this. */
export const configDocument = z.strictObject({
  $schema: z.string().exactOptional(),
  catalog: z
    .string()
    .exactOptional()
    .describe('state: a SQLite file, or a postgres:// URL; .tributary/catalog.db by default'),
  store: z
    .string()
    .exactOptional()
    .describe('published tables: a folder, or s3://bucket/prefix; data by default'),
  s3: s3Document.exactOptional().describe('how s3:// is reached; keys come from the environment'),
  inbox: z
    .string()
    .exactOptional()
    .describe(
      'deliveries: {submitter}/{drop}/{file}; a folder or s3://bucket/prefix; inbox by default',
    ),
  discovery: z
    .string()
    .exactOptional()
    .describe('discovery manifests: {source}/manifests/*.jsonl; scraped by default'),
  scratch: z
    .string()
    .exactOptional()
    .describe('builds in progress; survives a crash; .tributary/scratch by default'),
  cache: z
    .string()
    .exactOptional()
    .describe('local copies of what is read from s3://; .tributary/cache by default'),
  cache_bytes: z
    .int()
    .min(0)
    .exactOptional()
    .describe('beyond this, the copies read longest ago go; 10 GiB by default'),
  intake: z
    .strictObject({
      quiescence: z
        .string()
        .regex(DURATION, 'a duration is a whole number and s, m or h, as in 10m')
        .exactOptional()
        .describe(
          'a drop without a new _SUCCESS is taken after this long unchanged; 10m by default',
        ),
      after: z
        .enum(INTAKE_AFTER)
        .exactOptional()
        .describe(
          'what becomes of a delivered file once raw holds it; delete in a bucket, keep in a folder',
        ),
    })
    .exactOptional(),
  retain_versions: z
    .int()
    .min(1)
    .max(1000)
    .exactOptional()
    .describe('versions whose parts are kept, the current one included; 3 by default, 1 on s3://'),
  retention: z
    .strictObject({
      history_days: days('superseded builds, parses, validations, answered requests; 90'),
      logs_days: days('events and logs of runs, ticks of sensors; 30'),
    })
    .exactOptional()
    .describe('what gc leaves: how old history may be'),
  samples: samplesDocument.exactOptional().describe('small real files to look at, and how'),
  daemon: daemonDocument.exactOptional().describe('what `tributary daemon` looks at, and when'),
  staging: stagingDocument
    .exactOptional()
    .describe('where others see what was landed, beside the road'),
  concurrency: z
    .int()
    .min(1)
    .max(64)
    .exactOptional()
    .describe('builds at once; by default the cores, or as many as memory_mb has room for'),
  memory_mb: z
    .int()
    .min(256)
    .exactOptional()
    .describe(
      'memory for the program and its workers, 1 GiB each; what the machine has by default',
    ),
})

export interface Config {
  /** absolute; holds tributary.json */
  readonly root: string
  readonly catalog: Setting<string>
  readonly store: Setting<string>
  readonly inbox: Setting<string>
  readonly discovery: Setting<string>
  readonly scratch: Setting<string>
  readonly s3: S3Config
  /** 1: a store or database on another machine may be reached without TLS */
  readonly insecure: Setting<number>
  readonly cache: Setting<string>
  readonly cacheBytes: Setting<number>
  readonly quiescenceMinutes: Setting<number>
  readonly intakeAfter: Setting<IntakeAfter>
  readonly retainVersions: Setting<number>
  readonly historyDays: Setting<number>
  readonly logsDays: Setting<number>
  readonly concurrency: Setting<number>
  readonly memoryMb: Setting<number>
  readonly daemon: DaemonConfig
  readonly staging: StagingConfig
  readonly samples: SamplesConfig
  /** by reference; read when a package is opened */
  readonly secrets: SecretSource
}

/** The nearest folder with a tributary.json, from `start` upwards. Throws CONFIG_MISSING. */
export function findProject(start: string): string {
  for (let folder = resolve(start); ; folder = dirname(folder)) {
    if (existsSync(join(folder, CONFIG_FILE))) return folder
    if (dirname(folder) === folder) throw new EngineError('CONFIG_MISSING', { folder: start })
  }
}

export interface ConfigSources {
  readonly root: string
  readonly environment: Environment
  readonly flags: { readonly concurrency?: number }
  readonly cores: number
  /** of the machine, or of the container */
  readonly memoryMb: number
}

/** Reads and merges. Throws CONFIG_INVALID, TRANSPORT_PLAIN. */
export function readConfig(sources: ConfigSources): Config {
  const config = mergeConfig(sources)
  requireTransport(config, sources.environment)
  return config
}

function mergeConfig({ root, environment, flags, ...machine }: ConfigSources): Config {
  const document = readDocument(join(root, CONFIG_FILE))
  const quiescence = document.intake?.quiescence
  const text = (
    variables: readonly string[],
    own: string | undefined,
    or: string,
  ): Setting<string> =>
    firstOf(environment, variables) ??
    (own === undefined
      ? { value: or, origin: 'default' }
      : { value: own, origin: 'tributary.json' })
  const path = (setting: Setting<string>): Setting<string> =>
    isUrl(setting.value) ? setting : { ...setting, value: resolve(root, setting.value) }
  const number = (name: string, own: number | undefined, or: number): Setting<number> => {
    const given = fromEnvironment(environment, `TRIBUTARY_${name}`)
    if (given !== undefined) {
      const value = Number(given)
      if (!Number.isFinite(value) || value < 0) {
        throw new EngineError('CONFIG_INVALID', { file: `TRIBUTARY_${name}`, reason: 'no number' })
      }
      return { value, origin: 'environment' }
    }
    return own === undefined
      ? { value: or, origin: 'default' }
      : { value: own, origin: 'tributary.json' }
  }
  const inbox = path(text(['TRIBUTARY_INBOX'], document.inbox, CONFIG_DEFAULTS.inbox))
  const after = text(
    ['TRIBUTARY_INTAKE_AFTER'],
    document.intake?.after,
    isUrl(inbox.value) ? 'delete' : 'keep',
  )
  const store = path(text(['TRIBUTARY_STORE'], document.store, CONFIG_DEFAULTS.store))
  return {
    root,
    catalog: path(
      text(['TRIBUTARY_CATALOG', 'METADATA_DB_URL'], document.catalog, CONFIG_DEFAULTS.catalog),
    ),
    store,
    inbox,
    discovery: path(text(['TRIBUTARY_DISCOVERY'], document.discovery, CONFIG_DEFAULTS.discovery)),
    scratch: path(text(['TRIBUTARY_SCRATCH'], document.scratch, CONFIG_DEFAULTS.scratch)),
    s3: readS3Config(environment, document.s3),
    insecure: number('INSECURE', undefined, 0),
    cache: path(text(['TRIBUTARY_CACHE'], document.cache, CONFIG_DEFAULTS.cache)),
    cacheBytes: number('CACHE_BYTES', document.cache_bytes, CONFIG_DEFAULTS.cache_bytes),
    quiescenceMinutes: number(
      'QUIESCENCE_MINUTES',
      quiescence === undefined ? undefined : durationMinutes(quiescence),
      durationMinutes(CONFIG_DEFAULTS.intake.quiescence),
    ),
    intakeAfter: { ...after, value: intakeAfter(after.value) },
    ...retentionConfig(document.retention, number),
    retainVersions: number(
      'RETAIN_VERSIONS',
      document.retain_versions,
      store.value.startsWith('s3://') ? RETAINED_VERSIONS.s3 : RETAINED_VERSIONS.folder,
    ),
    ...workerConfig({ document, flags, machine }, number),
    daemon: readDaemonConfig(document.daemon),
    staging: readStagingConfig({ root, environment }, document.staging),
    samples: samplesConfig(document.samples, environment, root),
    secrets: secretsFrom(environment),
  }
}

/** Its folders and files are the project's. */
function samplesConfig(
  own: z.output<typeof configDocument>['samples'],
  environment: Environment,
  root: string,
): SamplesConfig {
  const { ledger, roots, ...samples } = readSamplesConfig(own, environment)
  const value = isUrl(ledger.value) ? ledger.value : resolve(root, ledger.value)
  const folders = roots.value.map((folder) => resolve(root, folder))
  return { ...samples, ledger: { ...ledger, value }, roots: { ...roots, value: folders } }
}

type NumberOf = (name: string, own: number | undefined, or: number) => Setting<number>

/** How many builds at once, and the memory that their number follows from where it is not set. */
function workerConfig(
  {
    document,
    flags,
    machine,
  }: Pick<ConfigSources, 'flags'> & {
    readonly document: z.output<typeof configDocument>
    readonly machine: Machine
  },
  number: NumberOf,
): Pick<Config, 'concurrency' | 'memoryMb'> {
  const memoryMb = number('MEMORY_MB', document.memory_mb, machine.memoryMb)
  const workers = workersFor({ cores: machine.cores, memoryMb: memoryMb.value })
  const concurrency: Setting<number> =
    flags.concurrency === undefined
      ? number('CONCURRENCY', document.concurrency, workers)
      : { value: flags.concurrency, origin: 'flag' }
  return { concurrency, memoryMb }
}

/** How old history and logs may be. */
function retentionConfig(
  own: z.output<typeof configDocument>['retention'],
  number: NumberOf,
): Pick<Config, 'historyDays' | 'logsDays'> {
  const { history_days: historyDays, logs_days: logsDays } = CONFIG_DEFAULTS.retention
  return {
    historyDays: number('HISTORY_DAYS', own?.history_days, historyDays),
    logsDays: number('LOGS_DAYS', own?.logs_days, logsDays),
  }
}

/** Whether a setting names a place that is no path. */
export const isUrl = (value: string): boolean => /^[a-z][a-z0-9+.-]*:\/\//i.test(value)

function intakeAfter(value: string): IntakeAfter {
  const known = INTAKE_AFTER.find((one) => one === value)
  if (known !== undefined) return known
  const reason = `it is neither ${INTAKE_AFTER.join(' nor ')}`
  throw new EngineError('CONFIG_INVALID', { file: 'TRIBUTARY_INTAKE_AFTER', reason })
}

function readDocument(file: string): z.output<typeof configDocument> {
  let json: unknown
  try {
    json = JSON.parse(readFileSync(file, 'utf8'))
  } catch (error) {
    const reason = error instanceof SyntaxError ? 'it is not JSON' : 'it cannot be read'
    throw new EngineError('CONFIG_INVALID', { file, reason }, { cause: error })
  }
  const parsed = configDocument.safeParse(json)
  if (parsed.success) return parsed.data
  const reason = parsed.error.issues
    .map((issue) => `${issue.path.join('.') || 'the file'}: ${issue.message}`)
    .join('; ')
  throw new EngineError('CONFIG_INVALID', { file, reason })
}
