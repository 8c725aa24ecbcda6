/**
 * Runs a random history over a random graph and checks every step against the naive model.
 *
 * A history is a list of steps: some edits, then one run (a selection, a force, builds that fail, or
 * a death at some failpoint). After the last step everything is materialized and compared with an
 * empty project that gets the same facts at once.
 */
import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { sql } from 'kysely'
import { auditTrace } from '../../engine/catalog/trace-audit.ts'
import type { Plan, Project, RunReport } from '../../engine/index.ts'
import { installFailpoints, loadDefinitions, verifyStore } from '../../engine/index.ts'
import type { Expected, Request, World } from './engine-model.ts'
import { everything, expectedRun, tupleOf } from './engine-model.ts'
import type { Database, EngineProject, Facts } from './engine-project.ts'
import { engineProject } from './engine-project.ts'
import type { AssetSpec, Content } from './engine-random.ts'
import { FACT_KEYS, assetsOf, factContent, specsArbitrary } from './engine-random.ts'
import type { Edges } from './engine-state.ts'
import {
  allEdges,
  currentParts,
  lastReads,
  orphans,
  presentNodes,
  storeOffences,
} from './engine-state.ts'

export type Edit =
  | {
      readonly type: 'set'
      readonly asset: string
      readonly key: string
      readonly n: number
      readonly more: number
    }
  | { readonly type: 'remove'; readonly asset: string; readonly key: string }
  | { readonly type: 'touch' }
  | { readonly type: 'revert'; readonly steps: number }
  | { readonly type: 'bump'; readonly asset: number; readonly recipe: string }
  | { readonly type: 'lose'; readonly part: number }

export interface RunStep {
  readonly type: 'all' | 'asset' | 'above' | 'below' | 'not' | 'key'
  readonly asset: number
  readonly key: string
  readonly force: boolean
  /** builds of this asset fail */
  readonly failing: number | undefined
  /** die at this failpoint hit */
  readonly crash: number | undefined
}

export interface Step {
  readonly edits: readonly Edit[]
  readonly run: RunStep
}

const editArbitrary: fc.Arbitrary<Edit> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      type: fc.constant('set' as const),
      asset: fc.constantFrom('f0', 'f1'),
      key: fc.constantFrom(...FACT_KEYS),
      n: fc.nat(2),
      more: fc.nat(1),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant('remove' as const),
      asset: fc.constantFrom('f0', 'f1'),
      key: fc.constantFrom(...FACT_KEYS),
    }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('touch' as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant('revert' as const),
      steps: fc.integer({ min: 1, max: 3 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant('bump' as const),
      asset: fc.nat(9),
      recipe: fc.constantFrom('1', '2'),
    }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('lose' as const), part: fc.nat(20) }) },
)

const runArbitrary: fc.Arbitrary<RunStep> = fc.record({
  type: fc.constantFrom<RunStep['type']>('all', 'all', 'asset', 'above', 'below', 'not', 'key'),
  asset: fc.nat(9),
  key: fc.constantFrom('0', '1', 'a', 'h0'),
  force: fc.constantFrom(false, false, false, true),
  failing: fc.option(fc.nat(9), { nil: undefined, freq: 4 }),
  crash: fc.option(fc.integer({ min: 1, max: 30 }), { nil: undefined, freq: 3 }),
})

export interface History {
  readonly specs: readonly AssetSpec[]
  readonly steps: readonly Step[]
}

/** Graphs of up to `assets` assets beside the facts, histories of up to `steps` runs. */
export const historyArbitrary = ({
  assets,
  steps,
}: {
  assets: number
  steps: number
}): fc.Arbitrary<History> =>
  fc.record({
    specs: specsArbitrary(assets),
    steps: fc.array(
      fc.record({ edits: fc.array(editArbitrary, { maxLength: 4 }), run: runArbitrary }),
      { minLength: 1, maxLength: steps },
    ),
  })

/** Plays a history and checks everything. Throws with what is wrong. */
export async function playHistory(history: History, database: Database = 'sqlite'): Promise<void> {
  const player = new Player(history.specs)
  await player.open(database)
  try {
    for (const step of history.steps) await player.step(step)
    await player.finish()
  } finally {
    installFailpoints(undefined)
    await player.close()
  }
}

class Player {
  readonly #specs: readonly AssetSpec[]
  readonly #failing = new Set<string>()
  #recipes: Record<string, string> = {}
  #facts = new Map<string, Content>()
  readonly #past: Map<string, Content>[] = []
  /** node → what it had edges from when the last run was planned */
  #edges: Edges = new Map()
  #at!: EngineProject

  constructor(specs: readonly AssetSpec[]) {
    this.#specs = specs
  }

  #assets() {
    return assetsOf(this.#specs, { recipes: this.#recipes, failing: this.#failing })
  }

  async open(database: Database): Promise<void> {
    const onPlanned: Project['hooks']['onPlanned'] = async ({ trx }) => {
      this.#edges = await allEdges(trx.db)
    }
    this.#at = await engineProject({ assets: this.#assets(), database, hooks: { onPlanned } })
  }

  async close(): Promise<void> {
    await this.#at.close()
  }

  async step({ edits, run }: Step): Promise<void> {
    const before = new Map(this.#facts)
    let bumped = false
    for (const edit of edits) {
      if (edit.type === 'bump') bumped = this.#bump(edit) || bumped
      else if (edit.type === 'lose') await this.#lose(edit.part)
      else this.#change(edit)
    }
    this.#past.push(before)
    if (bumped) this.#at = await this.#at.reopen(this.#assets())
    await this.#run(run)
  }

  #bump({ asset, recipe }: Extract<Edit, { type: 'bump' }>): boolean {
    const name = this.#named(asset).name
    if ((this.#recipes[name] ?? '1') === recipe) return false
    this.#recipes = { ...this.#recipes, [name]: recipe }
    return true
  }

  #isOnDemand(node: string): boolean {
    return this.#specs.some(({ name, shape }) => shape === 'demand' && node.startsWith(`${name}[`))
  }

  #named(at: number): AssetSpec {
    const own = this.#specs.filter(({ shape }) => shape !== 'fact' && shape !== 'output')
    const spec = own[at % own.length]
    if (spec === undefined) throw new Error('a graph has an asset')
    return spec
  }

  #change(edit: Exclude<Edit, { type: 'bump' | 'lose' }>): void {
    if (edit.type === 'set')
      this.#facts.set(`${edit.asset}[${edit.key}]`, factContent(edit.n, edit.more))
    else if (edit.type === 'remove') this.#facts.delete(`${edit.asset}[${edit.key}]`)
    else if (edit.type === 'revert') this.#facts = new Map(this.#past.at(-edit.steps))
  }

  /** Facts as one observation: those that are gone are absent. */
  #factsToWrite(): Facts {
    const all = ['f0', 'f1'].flatMap((asset) => FACT_KEYS.map((key) => [asset, key] as const))
    return Object.fromEntries(
      all.map(([asset, key]) => [`${asset}/${key}`, this.#facts.get(`${asset}[${key}]`)]),
    )
  }

  /** Deletes one current part behind the engine's back. */
  async #lose(at: number): Promise<void> {
    const parts = await currentParts(this.#at.project.catalog.db)
    const part = parts[at % parts.length]
    if (part !== undefined) rmSync(join(this.#at.root, 'store', part.path), { force: true })
  }

  /** Nodes that have to be built because a part is gone: for an output, its writer. */
  async #lost(): Promise<ReadonlySet<string>> {
    const parts = await currentParts(this.#at.project.catalog.db)
    const gone = parts.filter(({ path }) => !existsSync(join(this.#at.root, 'store', path)))
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
    const present = await presentNodes(catalog)
    const reads = await lastReads(catalog)
    const contents = (slots: ReadonlyMap<string, string>): ReadonlyMap<string, Content> =>
      new Map([...slots].map(([node, value]) => [node, JSON.parse(value) as Content]))
    const isStored = (node: string): boolean => {
      const spec = this.#specs.find(({ name }) => name === node.slice(0, node.indexOf('[')))
      return spec !== undefined && spec.shape !== 'output'
    }
    return {
      specs: this.#specs,
      recipes: this.#recipes,
      facts: this.#facts,
      contents: contents(new Map([...present].map(([node, { value }]) => [node, value ?? '']))),
      lastRead: new Map(
        [...reads]
          .filter(([node]) => isStored(node))
          .map(([node, { recipe, slots }]) => [node, tupleOf(recipe, contents(slots))]),
      ),
    }
  }

  async #run(run: RunStep): Promise<void> {
    const { selection, isSelected } = this.#selected(run)
    const lost = await this.#lost()
    const also = lost.size > 0 ? [await verifyStore(this.#at.project)] : []
    const options = { facts: this.#factsToWrite(), also, force: run.force }
    const world = await this.#world()
    const insisted = new Set([
      ...this.#insisted(world, run, isSelected),
      ...lost,
      ...(await this.#marked()),
    ])
    this.#failing.clear()
    if (run.failing !== undefined) {
      const { name } = this.#named(run.failing)
      for (const key of ['0', '1', 'a', 'h0', '0x1']) this.#failing.add(`${name}[${key}]`)
    }
    const plan = await this.#at.plan(selection, options)
    if (run.crash !== undefined) return this.#crash(run.crash, { selection, options })
    const report = await this.#at.run(selection, {
      ...options,
      planId: plan.id,
      ...this.#listening(),
    })
    const request: Request = { isSelected, insisted, failing: this.#failing }
    await this.#check({ plan, report, expected: expectedRun(world, request), lost })
  }

  readonly #finished = new Map<string, string>()
  #listening() {
    this.#finished.clear()
    this.#at.takeLog()
    return {
      onEvent: (
        event: Parameters<NonNullable<Parameters<EngineProject['run']>[1]>['onEvent'] & object>[0],
      ) => {
        if (event.type === 'finished' || event.type === 'failed') {
          const node = `${event.node.asset}[${event.node.key}]`
          this.#finished.set(node, event.type === 'failed' ? 'failed' : event.outcome)
        }
      },
    }
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

  #insisted(world: World, run: RunStep, isSelected: Request['isSelected']): readonly string[] {
    if (!run.force) return []
    // A force marks what exists after the facts are written; what comes into being later runs anyway.
    return [...world.contents.keys()].filter((node) => {
      const [asset = '', key = ''] = node.slice(0, -1).split('[')
      const spec = this.#specs.find(({ name }) => name === asset)
      const isStored =
        spec !== undefined && !['fact', 'value', 'demand', 'output'].includes(spec.shape)
      return isStored && isSelected(asset, key)
    })
  }

  #selected({ type, asset, key }: RunStep): {
    selection: string
    isSelected: Request['isSelected']
  } {
    const { name } = this.#named(asset)
    const up = this.#spread(name, 'up')
    const down = this.#spread(name, 'down')
    switch (type) {
      case 'all':
        return { selection: '*', isSelected: () => true }
      case 'asset':
        return { selection: name, isSelected: (one) => one === name }
      case 'above':
        return { selection: `+${name}`, isSelected: (one) => up.has(one) }
      case 'below':
        return { selection: `${name}+`, isSelected: (one) => down.has(one) }
      case 'not':
        return { selection: `not ${name}`, isSelected: (one) => one !== name }
      case 'key':
        return {
          selection: `${name}/${key}`,
          isSelected: (one, own) => one === name && own === key,
        }
    }
  }

  #spread(name: string, way: 'up' | 'down'): ReadonlySet<string> {
    const found = new Set([name])
    const ordered = way === 'up' ? this.#specs.toReversed() : this.#specs
    const parents = (spec: AssetSpec): readonly string[] =>
      [...spec.from, ...spec.reads].map((one) => one.parent)
    for (const spec of ordered) {
      if (way === 'up' && found.has(spec.name))
        for (const parent of parents(spec)) found.add(parent)
      if (way === 'down' && parents(spec).some((parent) => found.has(parent))) found.add(spec.name)
    }
    return found
  }

  /** Runs until a failpoint, after which nothing of the process reaches catalog or store. */
  async #crash(
    hit: number,
    { selection, options }: { selection: string; options: Parameters<EngineProject['run']>[1] },
  ): Promise<void> {
    let left = hit
    let isDead = false
    const { project } = this.#at
    const mortal = <Work extends object>(part: Work): Work =>
      new Proxy(part, {
        get: (target, name, receiver) => {
          const member: unknown = Reflect.get(target, name, receiver)
          if (typeof member !== 'function') return member
          return (...given: unknown[]) => {
            if (isDead) throw new Error('dead')
            return Reflect.apply(member, target, given) as unknown
          }
        },
      })
    installFailpoints(() => {
      if (--left <= 0) isDead = true
      if (isDead) throw new Error('dead')
    })
    try {
      await this.#at.runOn(
        { ...project, catalog: mortal(project.catalog), store: mortal(project.store) },
        selection,
        options,
      )
    } catch (error) {
      if (!isDead) throw error
    } finally {
      installFailpoints(undefined)
    }
    this.#at = await this.#at.reopen(this.#assets())
  }

  async #check({
    plan,
    report,
    expected,
    lost,
  }: {
    plan: Plan
    report: RunReport
    expected: Expected
    lost: ReadonlySet<string>
  }): Promise<void> {
    const wrong: string[] = []
    const note = (what: string, nodes: Iterable<string>): void => {
      const list = [...nodes]
      if (list.length > 0) wrong.push(`${what}: ${list.join(' ')}`)
    }
    const of = (...outcomes: readonly string[]): Set<string> =>
      new Set(
        [...this.#finished].flatMap(([node, outcome]) =>
          outcomes.includes(outcome) ? [node] : [],
        ),
      )
    const ran = of('built', 'reused', 'cutoff')
    note('ran without need', minus(ran, expected.ran))
    note('did not run', minus(expected.ran, ran))
    note('retired without need', minus(of('retired'), expected.retired))
    note('not retired', minus(expected.retired, of('retired')))
    note('failed against expectation', [
      ...minus(of('failed'), expected.failed),
      ...minus(expected.failed, of('failed')),
    ])
    const executed = new Set(this.#at.takeLog())
    note('executed though reused', both(of('reused'), executed))
    note('built without executing', minus(of('built'), executed))
    const listed = (verdict: string): Set<string> =>
      new Set(
        plan.steps.flatMap((one) => (one.verdict === verdict ? [`${one.asset}[${one.key}]`] : [])),
      )
    const unforeseen = await this.#unforeseen()
    // Below a failure everything waits, whatever was planned.
    const below = expected.failed.size > 0 ? expected.held : []
    const excused = new Set([...of('failed'), ...below, ...unforeseen])
    note('planned build did not run', minus(listed('build'), new Set([...ran, ...excused])))
    note('planned reuse did not', minus(listed('reuse'), new Set([...ran, ...excused])))
    note('planned reuse executed', minus(new Set(both(listed('reuse'), executed)), lost))
    note('planned retire did not', minus(listed('retire'), new Set([...of('retired'), ...excused])))
    const all = new Set(plan.steps.map((one) => `${one.asset}[${one.key}]`))
    const after = await presentNodes(this.#at.project.catalog)
    note('ran unlisted', minus(minus(this.#finished.keys(), all), unforeseen))
    const contents = new Map([...after].map(([node, { value }]) => [node, value]))
    const right = new Map([...expected.contents].map(([node, value]) => [node, canonical(value)]))
    // A plan may name an on-demand node that its run does not come to read.
    const isUnread = (node: string): boolean => !right.has(node) && this.#isOnDemand(node)
    note(
      'content differs',
      [...new Set([...contents.keys(), ...right.keys()])].filter(
        (node) => contents.get(node) !== right.get(node) && !isUnread(node),
      ),
    )
    if (report.status === 'failed' && expected.failed.size === 0) wrong.push('the run failed')
    wrong.push(...(await this.#auditOffences()))
    if (wrong.length > 0) throw new Error(wrong.join('\n'))
  }

  /**
   * Nodes of which no plan could know: the new value of a node built in this run gave them a
   * member, or they read such a one.
   */
  async #unforeseen(): Promise<Names> {
    const now = await allEdges(this.#at.project.catalog.db)
    const mapsValues = (node: string, source: string): boolean =>
      this.#specs.some(
        ({ name, shape, from, reads }) =>
          node.startsWith(`${name}[`) &&
          [...from.filter(({ map }) => shape === 'output' || map === 'value'), ...reads].some(
            ({ parent }) => source.startsWith(`${parent}[`),
          ),
      )
    const found = new Set(
      [...now].flatMap(([node, sources]) => {
        const known = this.#edges.get(node)
        return [...sources].some((one) => known?.has(one) !== true && mapsValues(node, one))
          ? [node]
          : []
      }),
    )
    for (let size = -1; size !== found.size;) {
      size = found.size
      for (const [node, sources] of now)
        if ([...sources].some((one) => found.has(one))) found.add(node)
    }
    return found
  }

  async #auditOffences(): Promise<readonly string[]> {
    const { project, root } = this.#at
    const report = await project.catalog.read(async (db) => {
      const snapshot = { db, dialect: project.catalog.dialect }
      return auditTrace(snapshot, await loadDefinitions(project.graph, snapshot, false))
    })
    const { rows } = await sql`select * from intent`.execute(project.catalog.db)
    return [
      ...report.faults.map((fault) => `audit ${fault.kind} ${fault.node} ${fault.parent ?? ''}`),
      ...(await storeOffences(project, { root, except: await this.#lost() })),
      ...rows.map(() => 'an intent is left'),
      ...(await orphans(project)).map((folder) => `${folder} is an orphan`),
    ]
  }

  async finish(): Promise<void> {
    const everyStep: RunStep = {
      type: 'all',
      asset: 0,
      key: '',
      force: false,
      failing: undefined,
      crash: undefined,
    }
    await this.#run(everyStep)
    const wrong: string[] = []
    const plan = await this.#at.plan()
    if (plan.steps.length > 0) wrong.push(`the next plan has ${plan.steps.length} steps`)
    const report = await this.#at.run()
    if (report.run !== undefined) wrong.push('a run with nothing to do wrote something')
    const clean = await engineProject({ assets: this.#assets() })
    try {
      await clean.run('*', { facts: this.#factsToWrite() })
      const one = await presentNodes(this.#at.project.catalog)
      const two = await presentNodes(clean.project.catalog)
      for (const node of new Set([...one.keys(), ...two.keys()])) {
        // Nobody may read an on-demand node any more: it keeps its value, and a clean one has none.
        const isForgotten = !two.has(node) && this.#isOnDemand(node)
        if (one.get(node)?.contentId !== two.get(node)?.contentId && !isForgotten) {
          wrong.push(`${node} differs from a clean rebuild`)
        }
      }
    } finally {
      await clean.close()
    }
    const { contents } = expectedRun(await this.#world(), everything)
    if (contents.size === 0 && (await presentNodes(this.#at.project.catalog)).size > 0)
      wrong.push('not empty')
    if (wrong.length > 0) throw new Error(wrong.join('\n'))
  }
}

const canonical = (value: Content): string =>
  JSON.stringify(value, (_name, one: unknown) =>
    one === null || typeof one !== 'object' || Array.isArray(one)
      ? one
      : Object.fromEntries(Object.entries(one).toSorted(([a], [b]) => (a < b ? -1 : 1))),
  )

type Names = ReadonlySet<string>
const minus = (all: Iterable<string>, without: Names): readonly string[] =>
  [...all].filter((one) => !without.has(one))
const both = (all: Names, others: Names): readonly string[] =>
  [...all].filter((one) => others.has(one))
