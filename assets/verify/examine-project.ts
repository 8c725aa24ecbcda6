/**
 * `doctor`: can this project be worked with here? Each check says what it found and what to do.
 *
 * Opens nothing for work: the catalog is not migrated, no run is begun. The only writes are the
 * probes of store and scratch, each in a folder of its own that is removed.
 */
import type { Clock, MigrationSet, PackageSecret, StoreFacts } from '../../engine/index.ts'
import { examineCatalog, isEngineError, systemClock } from '../../engine/index.ts'
import { loadFolder } from '../../registry/folder.ts'
import { readRegistry } from '../../registry/read.ts'
import type { Registry } from '../../registry/registry.ts'
import type { Config } from '../config.ts'
import { submitterSecrets } from '../package-secrets.ts'
import type { Origin, Setting } from '../setting.ts'
import { plainPlaces } from '../transport.ts'
import type { AskStore } from './store-answers.ts'
import { isBucket, storeAnswers, storeLine } from './store-answers.ts'
import { probeFolder, unreadable } from './store-probe.ts'

export interface Examined {
  readonly name:
    | 'node'
    | 'catalog'
    | 'store'
    | 'scratch'
    | 'inbox'
    | 'registry'
    | 'clock'
    | 'secrets'
    | 'transport'
  /** `error`: nothing can be built before it is mended */
  readonly level: 'ok' | 'warning' | 'error'
  readonly words: string
  /** what to do; undefined when all is well */
  readonly fix?: string
}

export interface ProjectExamination {
  /** every setting with where it came from; secrets are redacted */
  readonly settings: readonly {
    readonly name: string
    readonly value: string
    readonly origin: Origin
  }[]
  readonly examined: readonly Examined[]
  /** 0, or 5 when the project cannot be used */
  readonly exitCode: 0 | 5
}

/** Whether an inbox can be listed, and its bucket keeps versions. Throws STORE_UNUSABLE. */
export type AskInbox = (config: Config) => Promise<{ readonly keepsVersions: boolean }>

export interface ExamineOptions {
  readonly migrations: MigrationSet
  /** `process.version` */
  readonly nodeVersion: string
  /** asks a store at s3:// */
  readonly askStore: AskStore
  /** asks an inbox at s3:// */
  readonly askInbox: AskInbox
  readonly clock?: Clock
}

/** Examines a project without opening it. Throws nothing of what it looks for. */
export async function examineProject(
  config: Config,
  { migrations, nodeVersion, askStore, askInbox, clock = systemClock }: ExamineOptions,
): Promise<ProjectExamination> {
  const examined = [
    examineNode(nodeVersion),
    ...(await examineState(config, migrations, clock)),
    ...(isBucket(config)
      ? await examineBucket(config, askStore, clock)
      : await examineFolders(config)),
    await examineInbox(config, askInbox),
    ...(await examineRegistry(config)),
    ...examineTransport(config),
  ]
  const isUsable = examined.every(({ level }) => level !== 'error')
  return { settings: settingsOf(config), examined, exitCode: isUsable ? 0 : 5 }
}

type NamedSetting = readonly [string, Setting<string | number | undefined>]

function settingsOf({
  root: _,
  daemon: _own,
  secrets: _asked,
  s3,
  staging,
  samples: { roots, ...samples },
  ...config
}: Config): ProjectExamination['settings'] {
  const named: readonly NamedSetting[] = [
    ...Object.entries(config),
    ...Object.entries(s3).map(([name, one]): NamedSetting => [`s3.${name}`, one]),
    ...Object.entries(staging).map(([name, one]): NamedSetting => [`staging.${name}`, one]),
    ...Object.entries(samples).flatMap(([name, one]): readonly NamedSetting[] =>
      one === undefined ? [] : [[`samples.${name}`, { ...one, value: String(one.value) }]],
    ),
    ['samples.roots', { ...roots, value: roots.value.join(', ') || undefined }],
  ]
  return named.flatMap(([name, { value, origin, isSecret }]) =>
    value === undefined
      ? []
      : [{ name: snakeCase(name), value: isSecret ? '***' : redacted(String(value)), origin }],
  )
}

/** Said only where something travels in the clear, which TRIBUTARY_INSECURE has to allow. */
const examineTransport = (config: Config): readonly Examined[] =>
  plainPlaces(config).map((place) => ({
    name: 'transport',
    level: 'warning',
    words: `${place} is on another machine and is reached without TLS (TRIBUTARY_INSECURE=1)`,
    fix: 'use https:// and sslmode=verify-full, unless the network between is yours alone',
  }))

/** As tributary.json writes its names. */
const snakeCase = (name: string): string =>
  name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)

/** A setting as it may be shown: passwords in URLs are not. */
export function redacted(value: string): string {
  if (!/^[a-z][a-z0-9+.-]*:\/\//i.test(value) || !URL.canParse(value)) return value
  const url = new URL(value)
  if (url.password !== '') url.password = '***'
  for (const name of url.searchParams.keys()) {
    if (/pass|secret|token|key/i.test(name)) url.searchParams.set(name, '***')
  }
  return url.href
}

/** package.json's `engines`, lowest version of each line; a later line has no entry. */
const NODE_LINES: ReadonlyMap<number, readonly [minor: number, patch: number]> = new Map([
  [22, [22, 2]],
  [24, [15, 0]],
])
const NODE_ANY_FROM = 26

/** Whether a Node version is one the program supports. */
export function fitsNode(version: string): boolean {
  const [major = 0, minor = 0, patch = 0] = version.replace(/^v/, '').split('.').map(Number)
  if (major >= NODE_ANY_FROM) return true
  const lowest = NODE_LINES.get(major)
  if (lowest === undefined) return false
  return minor > lowest[0] || (minor === lowest[0] && patch >= lowest[1])
}

function examineNode(version: string): Examined {
  if (fitsNode(version)) return { name: 'node', level: 'ok', words: `Node ${version}` }
  return {
    name: 'node',
    level: 'warning',
    words: `Node ${version} is not one this version is tested with`,
    fix: 'use Node 24 (24.15 or later), 22 (22.22.2 or later) or 26',
  }
}

const SKEW_MAX_MS = 5 * 60 * 1000

async function examineState(
  config: Config,
  migrations: MigrationSet,
  clock: Clock,
): Promise<readonly Examined[]> {
  const name = redacted(config.catalog.value)
  try {
    const found = await examineCatalog({ url: config.catalog.value, migrations })
    return [catalogWords(name, found), clockWords(found.receivedMs, clock.nowMs())]
  } catch (error) {
    if (!isEngineError(error)) throw error
    return [{ name: 'catalog', level: 'error', words: error.message, fix: error.hint }]
  }
}

function catalogWords(name: string, found: Awaited<ReturnType<typeof examineCatalog>>): Examined {
  const [foreign] = found.foreign
  if (foreign !== undefined) {
    const words = `${name} was written by a newer version: it has ${foreign}`
    return { name: 'catalog', level: 'error', words, fix: 'update tributary on this machine' }
  }
  if (!found.isSound) {
    const words = `${name} is damaged: its check does not say ok`
    const fix = 'put the last backup in its place; raw files and published tables are not touched'
    return { name: 'catalog', level: 'error', words, fix }
  }
  if (!found.exists) {
    return { name: 'catalog', level: 'ok', words: `${name} is made by the first command` }
  }
  if (found.pending.length > 0) {
    const words = `${name} has to be migrated: ${found.pending.join(', ')}`
    return {
      name: 'catalog',
      level: 'warning',
      words,
      fix: 'the next command does it; back it up first',
    }
  }
  const words = `${name}: ${found.dialect === 'sqlite' ? 'SQLite, quick_check ok' : found.state}, ${found.mode}, revision ${found.revision}`
  if (found.dialect === 'sqlite' && found.mode !== 'wal') {
    const fix = 'keep the catalog on a local disk: shared memory is not to be had where it is'
    return { name: 'catalog', level: 'warning', words, fix }
  }
  return { name: 'catalog', level: 'ok', words }
}

function clockWords(receivedMs: number, nowMs: number): Examined {
  const now = new Date(nowMs).toISOString()
  if (receivedMs - nowMs <= SKEW_MAX_MS)
    return { name: 'clock', level: 'ok', words: `it is ${now}` }
  return {
    name: 'clock',
    level: 'warning',
    words: `it is ${now}, and the last submission was received at ${new Date(receivedMs).toISOString()}`,
    fix: 'set the clock of this machine; times of receipt go on from the last one until then',
  }
}

/** A store in a bucket by what it was seen to do; scratch is a folder all the same. */
async function examineBucket(
  config: Config,
  ask: AskStore,
  clock: Clock,
): Promise<readonly Examined[]> {
  const scratch = await probeFolder(config.scratch.value)
  const own = folderWords('scratch', config.scratch.value, scratch)
  try {
    const facts = await storeAnswers(config, { ask, nowMs: clock.nowMs(), anew: false })
    const { level, words } = storeLine(facts)
    const row = { name: 'store', level, words: `${config.store.value}: ${words}` } as const
    const told = level === 'ok' ? row : { ...row, fix: 'see tributary doctor --store' }
    return [told, ...examineLock(config, facts), own]
  } catch (error) {
    if (!isEngineError(error)) throw error
    return [{ name: 'store', level: 'error', words: error.message, fix: error.hint }, own]
  }
}

/** A lock that is asked for and cannot be had stops every raw file. */
function examineLock({ s3 }: Config, { answers }: StoreFacts): readonly Examined[] {
  if (s3.lockDays.value === 0 || answers.object_lock === 'on') return []
  const words = `raw files shall be locked for ${s3.lockDays.value} days, and the bucket has no object lock`
  const fix = 'make a bucket that has it (tributary store bootstrap), or set S3_LOCK_DAYS to 0'
  return [{ name: 'store', level: 'error', words, fix }]
}

const FREE_BYTES_MIN = 1024 ** 3

async function examineFolders(config: Config): Promise<readonly Examined[]> {
  const store = config.store.value
  const found = await probeFolder(store)
  const scratch = await probeFolder(config.scratch.value)
  return [
    folderWords('store', store, found),
    scratch.failed === undefined && found.failed === undefined && scratch.device !== found.device
      ? {
          name: 'scratch',
          level: 'warning',
          words: `${config.scratch.value} is on another disk than the store: parts are copied`,
          fix: 'put scratch on the disk of the store, in tributary.json',
        }
      : folderWords('scratch', config.scratch.value, scratch),
  ]
}

function folderWords(
  name: 'store' | 'scratch',
  folder: string,
  { failed, hardLinks, freeBytes }: Awaited<ReturnType<typeof probeFolder>>,
): Examined {
  if (failed !== undefined) {
    const words = `${folder}: could not ${failed.step} (${failed.code})`
    const fix = 'give this user a folder on a disk with free space that knows symbolic links'
    return { name, level: 'error', words, fix }
  }
  const free = `${(freeBytes / 1024 ** 3).toFixed(1)} GiB free`
  if (freeBytes < FREE_BYTES_MIN) {
    return {
      name,
      level: 'warning',
      words: `${folder}: ${free}`,
      fix: 'free some space before the next run',
    }
  }
  const links = hardLinks ? '' : '; no hard links, so parts that carry over are copied'
  return { name, level: 'ok', words: `${folder}: ${free}${links}` }
}

/** An inbox in a bucket. MinIO removes whatever is there at that moment: versions bring it back. */
async function examineBucketInbox(config: Config, ask: AskInbox): Promise<Examined> {
  const { value: name } = config.inbox
  try {
    const { keepsVersions } = await ask(config)
    if (keepsVersions || config.intakeAfter.value === 'keep') {
      const versions = keepsVersions ? ', and its bucket keeps versions' : ''
      return { name: 'inbox', level: 'ok', words: `${name} can be listed${versions}` }
    }
    const words = `${name} can be listed, but its bucket keeps no versions: a file put again in the moment its landed version is removed may be lost`
    const fix = 'switch versions on with: tributary store bootstrap'
    return { name: 'inbox', level: 'warning', words, fix }
  } catch (error) {
    if (!isEngineError(error)) throw error
    return { name: 'inbox', level: 'error', words: error.message, fix: error.hint }
  }
}

async function examineInbox(config: Config, ask: AskInbox): Promise<Examined> {
  const folder = config.inbox.value
  if (folder.startsWith('s3://')) return examineBucketInbox(config, ask)
  const code = await unreadable(folder)
  if (code === undefined) return { name: 'inbox', level: 'ok', words: `${folder} can be read` }
  if (code === 'ENOENT') {
    const fix = 'make it, or name another in tributary.json'
    return { name: 'inbox', level: 'warning', words: `${folder} is not there`, fix }
  }
  const fix = 'give this user the right to read it'
  return { name: 'inbox', level: 'error', words: `${folder} cannot be read (${code})`, fix }
}

async function examineRegistry(config: Config): Promise<readonly Examined[]> {
  const { registry, issues } = readRegistry(await loadFolder(config.root))
  const errors = issues.filter(({ kind }) => kind === 'error').length
  if (registry === undefined) {
    const words = `the registry has ${errors} error${errors === 1 ? '' : 's'}; the last good one is kept`
    const fix = 'see them with: tributary registry check'
    return [{ name: 'registry', level: 'warning', words, fix }]
  }
  const words = `${registry.layouts.length} layouts, ${registry.submitters.length} submitters, ${registry.mappings.length} mappings`
  return [{ name: 'registry', level: 'ok', words }, ...examineSecrets(config, registry)]
}

/** Which secrets the registry names and which of them are set; never one of them. */
function examineSecrets({ secrets }: Config, registry: Registry): readonly Examined[] {
  const submitters = registry.submitters.filter(({ secretRefs }) => secretRefs !== undefined)
  return submitters.map(({ id }): Examined => {
    const named = submitterSecrets(registry, id, secrets)
    const isSet = (one: PackageSecret): boolean => one.bytes !== undefined
    const words = named.map((one) => `${one.name} is ${isSet(one) ? 'set' : 'not set'}`).join(', ')
    const row = { name: 'secrets', words: `packages of ${id}: ${words}` } as const
    if (named.every(isSet)) return { ...row, level: 'ok' }
    const fix = 'set it where builds run, or the same with _FILE; or remove it from secret_refs'
    return { ...row, level: 'warning', fix }
  })
}
