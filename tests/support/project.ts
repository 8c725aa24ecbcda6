/**
 * A project as its users have one: a folder with the shipped registry, submitters and an inbox.
 *
 * A run is told by lines (`gold_canonical MA/medical/2024-01 built`), taken from what was executed
 * and held against the plan that came before it. A project that stands can be cloned with its
 * catalog and data, so that a file of tests pays for its start once.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { Decision } from '../../assets/decisions.ts'
import { decide } from '../../assets/decisions.ts'
import type { Platform } from '../../assets/platform.ts'
import type { DuckRow, Plan, Project, RunOptions, RunReport } from '../../engine/index.ts'
import { DuckPool, makePlan, materialize } from '../../engine/index.ts'
import type { RegistryTables } from '../../registry/tables.ts'
import { platformTables } from '../../registry/tables.ts'
import type { TextFile } from './deliveries.ts'
import { openRoad } from './open-road.ts'
import { promisesBroken, stepLines } from './plan-lines.ts'
import { freshDatabase } from './postgres.ts'
import type { RoadFolder } from './road-folder.ts'
import { makeRoadFolder, writeJson } from './road-folder.ts'

export interface RoadOptions extends RoadFolder {
  readonly database?: 'sqlite' | 'postgres'
  /** default: a folder of its own */
  readonly root?: string
  /** settings, as the environment has them */
  readonly environment?: Readonly<Record<string, string>>
  /** a local folder with a canonical month's parts as readers find them; default: where they lie */
  readonly monthFolder?: (month: string, root: string) => Promise<string>
}

/** What a run did, in words. */
export interface RanRoad {
  readonly report: RunReport
  readonly plan: Plan
  /** every stored node that was finished or failed: `asset key outcome`, sorted */
  readonly log: readonly string[]
  /** the log's lines of canonical gold without the asset, sorted: `MA/medical/2024-01 built` */
  readonly canonical: readonly string[]
  /** how the run broke what its plan promised; no lines: it kept it */
  readonly brokenPromises: readonly string[]
}

type Change = (document: Record<string, unknown>) => unknown

export class RoadProject implements AsyncDisposable {
  readonly root: string
  readonly platform: Platform
  readonly project: Project
  /** what another process has to be given to open the same project */
  readonly environment: Readonly<Record<string, string>>
  readonly #options: RoadOptions
  readonly #remove: () => Promise<void>
  #reader: DuckPool | undefined
  #aheadMs = 0

  private constructor(
    options: RoadOptions,
    place: {
      readonly root: string
      readonly platform: Platform
      readonly environment: Readonly<Record<string, string>>
      readonly remove: () => Promise<void>
    },
  ) {
    this.#options = options
    this.root = place.root
    this.platform = place.platform
    this.environment = place.environment
    this.#remove = place.remove
    const { clock } = place.platform.project
    this.project = {
      ...place.platform.project,
      clock: { ...clock, nowMs: () => clock.nowMs() + this.#aheadMs },
    }
  }

  /** Makes a project and opens it. */
  static async create(options: RoadOptions = {}): Promise<RoadProject> {
    const root = options.root ?? mkdtempSync(join(tmpdir(), 'tributary-road-'))
    makeRoadFolder(root, options)
    return RoadProject.#open(options, root)
  }

  static async #open(options: RoadOptions, root: string): Promise<RoadProject> {
    const database = options.database === 'postgres' ? await freshDatabase() : undefined
    const catalog = database === undefined ? {} : { TRIBUTARY_CATALOG: database.url }
    const environment = { ...options.environment, ...catalog }
    const platform = await openRoad(root, environment)
    return new RoadProject(options, {
      root,
      platform,
      environment,
      remove: async () => {
        await database?.close()
        rmSync(root, { recursive: true, force: true })
      },
    })
  }

  /** Lets time pass. */
  advance(ms: number): void {
    this.#aheadMs += ms
  }

  path(name: string): string {
    return join(this.root, name)
  }

  /** Puts files into a drop folder, and a marker behind them. */
  deliver(
    drop: string,
    files: readonly TextFile[],
    { marker = true }: { readonly marker?: boolean } = {},
  ): void {
    for (const { name, content } of files) this.write(`inbox/${drop}/${name}`, content)
    if (marker) this.write(`inbox/${drop}/_SUCCESS`, '')
  }

  write(path: string, content: string | Buffer): void {
    mkdirSync(dirname(this.path(path)), { recursive: true })
    writeFileSync(this.path(path), content)
    if (this.#aheadMs === 0) return
    const now = new Date(this.project.clock.nowMs())
    utimesSync(this.path(path), now, now)
  }

  /** Changes a JSON document of the registry in place. */
  edit(path: string, change: Change): void {
    const document = JSON.parse(readFileSync(this.path(path), 'utf8')) as Record<string, unknown>
    writeJson(this.path(path), change(document) ?? document)
  }

  async plan(selection?: string): Promise<Plan> {
    return makePlan(this.project, { ...CALL, ...(selection !== undefined && { selection }) })
  }

  /** Steps as `asset key verdict`, sorted. */
  async steps(selection?: string): Promise<readonly string[]> {
    return stepLines(await this.plan(selection))
  }

  /** Plans, runs, and compares the two. */
  async run(selection?: string, call: Partial<RunOptions> = {}): Promise<RanRoad> {
    const options = { ...CALL, ...call, ...(selection !== undefined && { selection }) }
    const plan = await makePlan(this.project, options)
    const log: string[] = []
    const report = await materialize(this.project, {
      ...options,
      onEvent: (event) => {
        options.onEvent?.(event)
        if (event.type !== 'finished' && event.type !== 'failed') return
        const outcome = event.type === 'failed' ? 'failed' : event.outcome
        log.push(`${event.node.asset} ${event.node.key} ${outcome}`)
      },
    })
    const sorted = log.toSorted()
    const canonical = sorted.flatMap((line) =>
      line.startsWith('gold_canonical ') ? [line.slice('gold_canonical '.length)] : [],
    )
    return { report, plan, log: sorted, canonical, brokenPromises: promisesBroken(plan, sorted) }
  }

  /** Records a person's decision. */
  async decide(decision: Decision): Promise<void> {
    await decide(this.project, decision, CALL.actor)
  }

  get tables(): ReturnType<typeof platformTables> {
    return platformTables(this.project.catalog.db)
  }

  /** Submissions by receipt. */
  async submissions(): Promise<readonly RegistryTables['submission'][]> {
    return this.tables.selectFrom('submission').selectAll().orderBy('received_ms').execute()
  }

  /** The one submission of a drop, or of one file type of it. */
  async submission(drop: string, fileType?: string): Promise<RegistryTables['submission']> {
    const rows = (await this.submissions()).filter(
      (row) => row.drop_path === drop && (fileType === undefined || row.file_type === fileType),
    )
    const [row] = rows
    if (row === undefined || rows.length > 1)
      throw new Error(`${rows.length} submissions of ${drop}`)
    return row
  }

  /** Drop → status, by receipt. */
  async statuses(): Promise<Readonly<Record<string, string>>> {
    const rows = await this.submissions()
    return Object.fromEntries(rows.map((row) => [row.drop_path, row.status]))
  }

  /** Open and closed findings as `code subject`; subjects are drops or submission ids. */
  async findings(): Promise<readonly { readonly code: string; readonly words: string }[]> {
    return this.tables.selectFrom('finding').select(['code', 'words']).orderBy('id').execute()
  }

  /** Canonical rows of months (`MA/medical/2024-01`) as readers find them, in order of the columns. */
  async canonicalRows(
    months: string | readonly string[],
    columns: readonly string[] = ['*'],
  ): Promise<readonly DuckRow[]> {
    const { monthFolder = async (month: string) => this.published(month) } = this.#options
    const folders = await Promise.all(
      [months].flat().map(async (month) => monthFolder(month, this.root)),
    )
    const globs = folders.map((folder) => `'${folder}/*.parquet'`)
    this.#reader ??= new DuckPool({ size: 1, folder: this.path('.reader') })
    const from = `read_parquet([${globs.join(', ')}], hive_partitioning=false)`
    const statement = `select ${columns.join(', ')} from ${from} order by all`
    return (
      await this.#reader.run({
        statements: [statement],
        folders: this.#options.monthFolder === undefined ? [this.path('data')] : folders,
      })
    ).rows
  }

  /** The folder where readers find a canonical month. */
  published(month: string): string {
    const [state = '', fileType = '', atomicMonth = ''] = month.split('/')
    return this.path(`data/gold_canonical/${state}/${fileType}/atomic_month=${atomicMonth}`)
  }

  /** Ends the connections and opens the same folder anew, as another process would. */
  async reopen(): Promise<RoadProject> {
    await this.#closeAll()
    return RoadProject.#open(this.#options, this.root)
  }

  /** A copy of everything but the inbox's files: what was taken in stays taken in. SQLite only. */
  async clone(): Promise<RoadProject> {
    const root = mkdtempSync(join(tmpdir(), 'tributary-road-'))
    await this.project.catalog.write(async () => undefined)
    execFileSync('cp', ['-a', `${this.root}/.`, root])
    rmSync(join(root, 'inbox'), { recursive: true, force: true })
    mkdirSync(join(root, 'inbox'))
    return RoadProject.#open(this.#options, root)
  }

  async #closeAll(): Promise<void> {
    await this.#reader?.[Symbol.asyncDispose]()
    this.#reader = undefined
    await this.platform[Symbol.asyncDispose]()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#closeAll()
    await this.#remove()
  }
}

const CALL = {
  actor: { name: 'test', reason: 'a test' },
  command: 'materialize',
  concurrency: 2,
} satisfies RunOptions
