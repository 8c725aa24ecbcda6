/**
 * A staging folder with a sampler of one child, at a clock that tests move: manifests as outsiders
 * write them, files where they point, and what the ledger says afterwards.
 */
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { Platform } from '../../assets/platform.ts'
import type { ProcessedEntry } from '../../assets/processed-entry.ts'
import type { SampleRow } from '../../assets/samples/ledger-tables.ts'
import { ledgerTables } from '../../assets/samples/ledger-tables.ts'
import type { SamplerParts } from '../../assets/samples/open-sampler.ts'
import { openSampler } from '../../assets/samples/open-sampler.ts'
import type { PassOptions, PassReport } from '../../assets/samples/pass.ts'
import { pass } from '../../assets/samples/pass.ts'
import type { SamplePool, SampleRunner } from '../../assets/samples/sample-pool.ts'
import { openSamplePool } from '../../assets/samples/sample-pool.ts'
import type { Catalog } from '../../engine/index.ts'
import { openCatalog } from '../../engine/index.ts'
import { LEDGER_MIGRATIONS } from '../../migrations/sample-ledger.ts'
import { openRoad } from './open-road.ts'
import { makeRoadFolder } from './road-folder.ts'

/** A place of nobody: no layout has its name. */
export const PLACE = 'sp/pipe/1.0'
const KEY = 'a key of these tests alone'
const START_MS = Date.UTC(2026, 0, 18, 14, 30)
export const DAY = 'processed_2026-01-18.jsonl'

export interface SampledOptions {
  /** tributary.json's `samples` */
  readonly samples?: Readonly<Record<string, unknown>>
  /** a URL; default: a SQLite file of its own */
  readonly ledger?: string
  /** of several folders, so that a file of tests starts one child; default: its own */
  readonly pool?: SampleRunner
}

/** One child that knows no layout. Close it. */
export const onePool = (): SamplePool =>
  openSamplePool({
    size: 1,
    folder: mkdtempSync(join(tmpdir(), 'tributary-sampled-')),
    terms: { kind: 'terms', key: '5a'.repeat(32), layouts: [], rules: [], submitters: [] },
  })

export const openLedgerAt = async (url: string): Promise<Catalog> =>
  openCatalog({ url, migrations: LEDGER_MIGRATIONS })

export class SampledFolder implements AsyncDisposable {
  readonly root: string
  readonly platform: Platform
  readonly ledger: Catalog
  readonly options: PassOptions
  nowMs = START_MS
  readonly #sampler: SamplerParts

  private constructor(
    root: string,
    parts: {
      readonly platform: Platform
      readonly ledger: Catalog
      readonly sampler: SamplerParts
      readonly pool: SampleRunner
    },
  ) {
    this.root = root
    this.platform = parts.platform
    this.ledger = parts.ledger
    this.#sampler = parts.sampler
    const { pool } = parts
    this.options = { ...parts.sampler.options, pool, nowMs: () => this.nowMs }
  }

  static async create(options: SampledOptions = {}): Promise<SampledFolder> {
    const { samples = {}, ledger, pool } = options
    const root = mkdtempSync(join(tmpdir(), 'tributary-sampled-'))
    makeRoadFolder(root, { samples })
    const platform = await openRoad(root, { TRIBUTARY_SAMPLE_KEY: KEY })
    const opened = await openLedgerAt(ledger ?? join(root, 'samples.db'))
    const sampler = await openSampler(platform, { ledger: opened, workers: 1 })
    return new SampledFolder(root, {
      platform,
      ledger: opened,
      sampler,
      pool: pool ?? sampler.options.pool,
    })
  }

  /** What another process has to be given to sample the same folder. */
  get environment(): Readonly<Record<string, string>> {
    return { TRIBUTARY_SAMPLE_KEY: KEY, TRIBUTARY_SAMPLE_LEDGER: join(this.root, 'samples.db') }
  }

  /** Below the place's folder. */
  path(name: string, place = PLACE): string {
    return join(this.root, 'staging', place, name)
  }

  put(name: string, content: string, place = PLACE): void {
    mkdirSync(dirname(this.path(name, place)), { recursive: true })
    writeFileSync(this.path(name, place), content)
  }

  /** Appends to a manifest: entries as lines, texts as they are. */
  tell(
    lines: readonly (ProcessedEntry | string)[],
    { place = PLACE, file = DAY }: { readonly place?: string; readonly file?: string } = {},
  ): void {
    const texts = lines.map((one) => (typeof one === 'string' ? one : `${JSON.stringify(one)}\n`))
    mkdirSync(this.path('manifests', place), { recursive: true })
    appendFileSync(this.path(`manifests/${file}`, place), texts.join(''))
  }

  /** A file and its line: raw `raw/{name}`, bronze `bronze/{name}`. */
  deliver(name: string, content = TABLE, mtime = 1_737_200_000): void {
    this.put(`bronze/${name}`, content)
    this.tell([{ raw: `raw/${name}`, bronze: `bronze/${name}`, mtime, size: content.length }])
  }

  /** So many lines in one manifest, each of a file of its own name; few small files lie behind them. */
  backlog(count: number): void {
    const files = 50
    for (let at = 0; at < files; at += 1) this.put(`bronze/${at}.csv`, TABLE)
    const chunk = 10_000
    for (let from = 0; from < count; from += chunk) {
      this.tell(
        Array.from({ length: Math.min(chunk, count - from) }, (_, at) => ({
          raw: `raw/${(from + at) % 100}/backlog-file-${from + at}.csv`,
          bronze: `bronze/${(from + at) % files}.csv`,
          mtime: 1_737_200_000 + from + at,
          size: TABLE.length,
        })),
      )
    }
  }

  async pass(options: Partial<PassOptions> = {}): Promise<PassReport> {
    return pass(
      { ...this.options, ...options },
      { signal: new AbortController().signal, lookMs: 60_000, onEvent: () => undefined },
    )
  }

  /** By raw. */
  async rows(): Promise<Readonly<Record<string, SampleRow>>> {
    const rows = await ledgerTables(this.ledger.db).selectFrom('sample').selectAll().execute()
    return Object.fromEntries(rows.map((row) => [row.raw, row]))
  }

  /** Raw → status, and the words of what is not made. */
  async told(): Promise<Readonly<Record<string, string>>> {
    const rows = Object.values(await this.rows())
    return Object.fromEntries(
      rows.map(({ raw, status, words }) => [raw, words === null ? status : `${status}: ${words}`]),
    )
  }

  /** Files below a place's `samples/`, but for profiles. */
  samples(place = PLACE): readonly string[] {
    return filesBelow(this.path('samples', place)).filter((name) => !name.endsWith('.profile.json'))
  }

  sample(name: string, place = PLACE): string {
    return readFileSync(this.path(`samples/${name}`, place), 'utf8')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#sampler[Symbol.asyncDispose]()
    await this.ledger.close()
    await this.platform[Symbol.asyncDispose]()
    rmSync(this.root, { recursive: true, force: true })
  }
}

/** A table with a column that anybody masks. */
export const TABLE = 'ssn,amount\n123-45-6789,1.50\n987-65-4320,2.25\n'

/** Plain files below a folder, sorted; none where there is no such folder. */
export const filesBelow = (folder: string): readonly string[] =>
  !existsSync(folder)
    ? []
    : readdirSync(folder, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
        .toSorted()
