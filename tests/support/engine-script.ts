/**
 * Plays a random history over a random graph and checks every run against the naive model.
 *
 * After the last step everything is materialized and compared with an empty project that gets the
 * same facts at once.
 */
import { join } from 'node:path'
import { sql } from 'kysely'
import type { AssetDefinition, RunnerEvent } from '../../engine/index.ts'
import {
  fsck,
  installFailpoints,
  nodeText,
  openCatalog,
  rebuildCatalog,
  verifyStore,
} from '../../engine/index.ts'
import { MIGRATIONS } from '../../migrations/index.ts'
import type { Names } from './engine-check.ts'
import { differences, restOffences, runOffences } from './engine-check.ts'
import { runUntilDeath } from './engine-death.ts'
import type { History, RunStep, Step } from './engine-history.ts'
import type { Request, World } from './engine-model.ts'
import { expectedRun, tupleOf } from './engine-model.ts'
import type { Database, EngineProject } from './engine-project.ts'
import { engineProject } from './engine-project.ts'
import type { AssetSpec, Content } from './engine-specs.ts'
import { assetsOf } from './engine-declare.ts'
import { namedAsset, selectionOf } from './engine-selection.ts'
import { Sheet } from './engine-sheet.ts'
import type { Edges } from './engine-state.ts'
import { losePath } from './store-view.ts'
import { allEdges, currentParts, lastReads, nodeNames, presentNodes } from './engine-state.ts'

/** Plays a history and checks everything. Throws with what is wrong. */
export async function playHistory(history: History, database: Database = 'sqlite'): Promise<void> {
  // Every second history: it costs as much as the clean rebuild.
  const losesCatalog = history.steps.length % 2 === 0
  const player = new Player(history.specs)
  await player.open(database)
  try {
    for (const step of history.steps) await player.step(step)
    await player.finish({ losesCatalog })
  } finally {
    installFailpoints(undefined)
    await player.close()
  }
}

const EVERYTHING: RunStep = {
  type: 'all',
  asset: 0,
  key: '',
  force: false,
  concurrency: 2,
  failing: undefined,
  crash: undefined,
}

class Player {
  readonly #specs: readonly AssetSpec[]
  readonly #sheet = new Sheet()
  readonly #failing = new Set<string>()
  /** node → what it had edges from when the last run was planned */
  #edges: Edges = new Map()
  #open: EngineProject | undefined

  constructor(specs: readonly AssetSpec[]) {
    this.#specs = specs
  }

  get #at(): EngineProject {
    if (this.#open === undefined) throw new Error('the project is open')
    return this.#open
  }

  #assets(): readonly AssetDefinition[] {
    return assetsOf(this.#specs, { recipes: this.#sheet.recipes, failing: this.#failing })
  }

  async open(database: Database): Promise<void> {
    this.#open = await engineProject({
      assets: this.#assets(),
      database,
      hooks: {
        onPlanned: async ({ trx }) => {
          this.#edges = await allEdges(trx.db)
        },
      },
    })
  }

  async close(): Promise<void> {
    await this.#at.close()
  }

  async step({ edits, run }: Step): Promise<void> {
    this.#sheet.remember()
    let isBumped = false
    for (const edit of edits) {
      if (edit.type === 'lose') await this.#lose(edit.part)
      else if (edit.type !== 'bump') this.#sheet.change(edit)
      else
        isBumped =
          this.#sheet.bump(namedAsset(this.#specs, edit.asset).name, edit.recipe) || isBumped
    }
    if (isBumped) this.#open = await this.#at.reopen(this.#assets())
    await this.#run(run)
  }

  /** Deletes one current part behind the engine's back. */
  async #lose(at: number): Promise<void> {
    const parts = await currentParts(this.#at.project.catalog.db)
    const part = parts[at % parts.length]
    if (part !== undefined) await losePath(this.#at, part.path)
  }

  /** Nodes that have to be built because a part is gone: for an output, its writer. */
  async #lost(): Promise<Names> {
    const parts = await currentParts(this.#at.project.catalog.db)
    const sizes = await this.#at.project.store.sizes(parts.map(({ path }) => path))
    const gone = parts.filter((_, at) => sizes[at] === undefined)
    return new Set(
      gone.map(({ asset, key }) =>
        asset.endsWith('_out')
          ? `${asset.slice(0, -'_out'.length)}[${key.slice(0, key.lastIndexOf('x'))}]`
          : `${asset}[${key}]`,
      ),
    )
  }

  async #world(): Promise<World> {
    const { catalog } = this.#at.project
    const parsed = (values: ReadonlyMap<string, string>): ReadonlyMap<string, Content> =>
      new Map([...values].map(([node, value]) => [node, JSON.parse(value) as Content]))
    const present = [...(await presentNodes(catalog))]
    const isOutput = (node: string): boolean =>
      this.#specs.some(({ name, shape }) => shape === 'output' && node.startsWith(`${name}[`))
    const reads = [...(await lastReads(catalog))].filter(([node]) => !isOutput(node))
    return {
      specs: this.#specs,
      recipes: this.#sheet.recipes,
      facts: this.#sheet.facts,
      contents: parsed(new Map(present.map(([node, { value }]) => [node, value ?? '']))),
      outputs: new Set((await nodeNames(catalog)).filter(isOutput)),
      lastRead: new Map(
        reads.map(([node, { recipe, slots }]) => [node, tupleOf(recipe, parsed(slots))]),
      ),
    }
  }

  async #run(run: RunStep): Promise<void> {
    const { selection, isSelected } = selectionOf(this.#specs, run)
    const lost = await this.#lost()
    const also = lost.size > 0 ? [await verifyStore(this.#at.project)] : []
    const options = {
      facts: this.#sheet.observed(),
      also,
      force: run.force,
      concurrency: run.concurrency,
    }
    const world = await this.#world()
    const forced = run.force ? this.#storedNodes(world, isSelected) : []
    const insisted = new Set([...forced, ...lost, ...(await this.#marked())])
    this.#fail(run.failing)
    const plan = await this.#at.plan(selection, options)
    if (run.crash !== undefined) {
      await runUntilDeath(this.#at, run.crash, { selection, options })
      this.#open = await this.#at.reopen(this.#assets())
      return
    }
    const outcomes = new Map<string, string>()
    const onEvent = (event: RunnerEvent): void => {
      if (event.type === 'finished') outcomes.set(nodeText(event.node), event.outcome)
      else if (event.type === 'failed') outcomes.set(nodeText(event.node), 'failed')
    }
    this.#at.takeLog()
    const report = await this.#at.run(selection, { ...options, planId: plan.id, onEvent })
    const expected = expectedRun(world, { isSelected, insisted, failing: this.#failing })
    const executed = new Set(this.#at.takeLog())
    const wrong = [
      ...(await runOffences({
        at: this.#at,
        specs: this.#specs,
        plan,
        report,
        outcomes,
        executed,
        expected,
        lost,
        edges: this.#edges,
      })),
      ...(await restOffences(this.#at, await this.#lost())),
    ]
    if (wrong.length > 0) throw new Error(wrong.join('\n'))
  }

  #fail(asset: number | undefined): void {
    this.#failing.clear()
    if (asset === undefined) return
    for (const key of ['0', '1', 'a', 'h0', '0x1'])
      this.#failing.add(`${namedAsset(this.#specs, asset).name}[${key}]`)
  }

  /** Nodes that an earlier force or loss marked and no run has answered. */
  async #marked(): Promise<readonly string[]> {
    const { rows } = await sql<{ node: string }>`
      select a.name || '[' || n.key || ']' as node from dirty d join node n on n.id = d.node
      join asset a on a.id = n.asset where d.cause in ('forced', 'missing')`.execute(
      this.#at.project.catalog.db,
    )
    return rows.map(({ node }) => node)
  }

  /** A force marks what has content; what comes into being with it runs anyway. */
  #storedNodes({ contents }: World, isSelected: Request['isSelected']): readonly string[] {
    return [...contents.keys()].filter((node) => {
      const [asset = '', key = ''] = node.slice(0, -1).split('[')
      const spec = this.#specs.find(({ name }) => name === asset)
      const isStored =
        spec !== undefined && !['fact', 'value', 'demand', 'output'].includes(spec.shape)
      return isStored && isSelected(asset, key)
    })
  }

  async finish({ losesCatalog }: { readonly losesCatalog: boolean }): Promise<void> {
    await this.#run(EVERYTHING)
    const wrong: string[] = []
    const { steps } = await this.#at.plan()
    if (steps.length > 0) wrong.push(`the next plan has ${steps.length} steps`)
    if ((await this.#at.run()).run !== undefined)
      wrong.push('a run with nothing to do wrote something')
    const clean = await engineProject({ assets: this.#assets() })
    try {
      await clean.run('*', { facts: this.#sheet.observed() })
      const nodes = await differences(this.#at, clean, this.#specs)
      if (nodes.length > 0) wrong.push(`differ from a clean rebuild: ${nodes.join(' ')}`)
    } finally {
      await clean.close()
    }
    if (losesCatalog) wrong.push(...(await this.#lostCatalog()))
    if (wrong.length > 0) throw new Error(wrong.join('\n'))
  }

  /** From the store alone a lost catalog is what it was, and nothing is made again for it. */
  async #lostCatalog(): Promise<readonly string[]> {
    const { root, project } = this.#at
    const catalog = await openCatalog({ url: join(root, 'other.db'), migrations: MIGRATIONS })
    try {
      const other = { ...project, catalog }
      const actor = { name: 'test', reason: 'the catalog is lost' }
      await rebuildCatalog(other, { actor })
      this.#at.takeLog()
      await this.#at.runOn(other, '*', { facts: this.#sheet.observed() })
      const built = this.#at.takeLog()
      const nodes = await differences(this.#at, { ...this.#at, project: other }, this.#specs)
      // A kept version that another followed before anybody was shown it has no manifest: to the
      // store alone it is an orphan.
      const faults = (await fsck(other)).faults.filter(({ kind }) => kind !== 'orphan')
      return [
        ...(built.length > 0 ? [`built again from the store: ${built.join(' ')}`] : []),
        ...(nodes.length > 0 ? [`differ from the store alone: ${nodes.join(' ')}`] : []),
        ...faults.map(({ subject, words }) => `from the store alone, ${subject}: ${words}`),
      ]
    } finally {
      await catalog.close()
    }
  }
}
