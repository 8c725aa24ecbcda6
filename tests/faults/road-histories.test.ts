/** Random histories of a whole project: whatever happens to it, it ends as a clean rebuild would. */
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { afterEach, expect, test } from 'vitest'
import { keptVersions } from '../../engine/catalog/versions.ts'
import {
  clearRollback,
  installFailpoints,
  isEngineError,
  rollBack,
  standingRollbacks,
  verifyStore,
} from '../../engine/index.ts'
import { encounters, medicalFile } from '../support/deliveries.ts'
import { RoadProject } from '../support/project.ts'
import { removePart } from '../verify/damage.ts'
import { verdictOn } from '../verify/verified-road.ts'

const MAPPING = 'mappings/medical/synthea/v1.json'
const LAYOUT = 'registry/layouts/medical/synthea.json'
const RULES = 'registry/rules/medical/default.json'

type Months = '2024-01' | '2024-02' | 'both'
type Event =
  | {
      readonly do: 'deliver'
      readonly to: 'alpha' | 'beta'
      readonly months: Months
      readonly rows: number
    }
  | { readonly do: 'again' | 'withdraw' | 'confirm' | 'reject' | 'pin'; readonly which: number }
  | { readonly do: 'mapping' | 'layout' | 'rules'; readonly variant: number }
  | { readonly do: 'back'; readonly month: '2024-01' | '2024-02'; readonly version: number }
  | { readonly do: 'lose' | 'run' | 'subset' | 'nothing' | 'forward' }
  | { readonly do: 'crash'; readonly at: string; readonly hit: number }

const ACTOR = { name: 'steward', reason: 'a test' }
const FAILPOINTS = ['attempt.staged', 'commit.committed', 'store.link.made', 'raw.file.copied']

const event: fc.Arbitrary<Event> = fc.oneof(
  fc.record({
    do: fc.constant('deliver' as const),
    to: fc.constantFrom('alpha' as const, 'beta' as const),
    months: fc.constantFrom<Months>('2024-01', '2024-02', 'both'),
    rows: fc.constantFrom(3, 9, 10),
  }),
  fc.record({
    do: fc.constantFrom(
      'again' as const,
      'withdraw' as const,
      'confirm' as const,
      'reject' as const,
      'pin' as const,
    ),
    which: fc.nat(9),
  }),
  fc.record({
    do: fc.constantFrom('mapping' as const, 'layout' as const, 'rules' as const),
    variant: fc.nat(1),
  }),
  fc.record({
    do: fc.constantFrom(
      'lose' as const,
      'run' as const,
      'subset' as const,
      'nothing' as const,
      'forward' as const,
    ),
  }),
  fc.record({
    do: fc.constant('back' as const),
    month: fc.constantFrom('2024-01' as const, '2024-02' as const),
    version: fc.nat(2),
  }),
  fc.record({
    do: fc.constant('crash' as const),
    at: fc.constantFrom(...FAILPOINTS),
    hit: fc.nat(3),
  }),
)

afterEach(() => installFailpoints(undefined))

class History {
  readonly #road: RoadProject
  #drops: { readonly name: string; readonly file: ReturnType<typeof medicalFile> }[] = []

  constructor(road: RoadProject) {
    this.#road = road
  }

  async play(one: Event): Promise<void> {
    switch (one.do) {
      case 'deliver': {
        const months = one.months === 'both' ? ['2024-01', '2024-02'] : [one.months]
        const tag = `d${this.#drops.length}`
        const rows = months.flatMap((month) => encounters(month, one.rows, `${tag}-${month}`))
        const period = one.months === 'both' ? (['2024-01', '2024-02'] as const) : one.months
        return this.#deliver(one.to, medicalFile(period, rows))
      }
      case 'again': {
        const before = this.#drops[one.which % Math.max(1, this.#drops.length)]
        if (before === undefined) return
        return this.#deliver(before.name.split('/')[0] ?? 'alpha', before.file)
      }
      case 'withdraw':
      case 'confirm':
      case 'reject':
      case 'pin':
        return this.#decide(one.do, one.which)
      case 'mapping':
        return this.#edit(MAPPING, ['"ORGANIZATION"]', '"PAYER"]'], one.variant)
      case 'layout':
        return this.#edit(LAYOUT, ['"share": 0.05', '"share": 0.06'], one.variant)
      case 'rules':
        return this.#edit(RULES, ['"SOFT"', '"HARD"'], one.variant)
      case 'back':
        return this.#back(one.month, one.version)
      case 'forward':
        return this.#forward()
      case 'lose':
        return this.#lose()
      case 'crash':
        return this.#crash(one.at, one.hit)
      case 'run':
      case 'nothing':
        expect((await this.#road.run()).brokenPromises).toEqual([])
        return
      case 'subset':
        await this.#road.run('+silver')
    }
  }

  #deliver(submitter: string, file: ReturnType<typeof medicalFile>): void {
    const name = `${submitter}/drop-${this.#drops.length}`
    this.#drops.push({ name, file })
    this.#road.deliver(name, [file])
  }

  async #decide(kind: 'withdraw' | 'confirm' | 'reject' | 'pin', which: number): Promise<void> {
    const all = await this.#road.submissions()
    const row = all[which % Math.max(1, all.length)]
    if (row === undefined) return
    const submission = row.submission_id
    const month = {
      state: 'MA',
      fileType: 'medical',
      submitter: row.submitter_id,
      month: '2024-01',
    }
    const decision =
      kind === 'withdraw'
        ? ({ kind, submission } as const)
        : kind === 'pin'
          ? ({ kind, submission, month } as const)
          : ({ kind, submission, months: 'all' } as const)
    await this.#road.decide(decision).catch((error: unknown) => {
      // A withdrawn or unrouted submission takes no further decision.
      if (isEngineError(error, 'SUBMISSION_STATE') || isEngineError(error, 'DECISION_INVALID'))
        return
      throw error
    })
  }

  #edit(path: string, [first, second]: readonly [string, string], variant: number): void {
    const text = readFileSync(this.#road.path(path), 'utf8')
    const [from, to] = variant === 0 ? [second, first] : [first, second]
    this.#road.write(path, text.replaceAll(from, to))
  }

  /** To one of the versions that are kept; there may be none. */
  async #back(month: string, version: number): Promise<void> {
    const { project } = this.#road
    const node = { asset: 'gold_canonical', key: `MA/medical/${month}` }
    const row = await project.catalog.db
      .selectFrom('node')
      .select('id')
      .where('key', '=', node.key)
      .executeTakeFirst()
    const kept = row === undefined ? [] : await keptVersions(project.catalog.db, row.id)
    const to = kept[version % Math.max(1, kept.length)]
    if (to === undefined) return
    await rollBack(project, { node, commitNumber: to.commitNumber, actor: ACTOR })
  }

  async #forward(): Promise<void> {
    for (const { node } of await standingRollbacks(this.#road.project)) {
      await clearRollback(this.#road.project, { node, actor: ACTOR })
    }
  }

  /** A part of a month that is rolled back could not be made again. */
  async #lose(): Promise<void> {
    await this.#forward()
    await this.#road.run()
    const live = await this.#road.project.catalog.db
      .selectFrom('asset')
      .select('live')
      .where('name', '=', 'gold_canonical')
      .executeTakeFirst()
    if (live === undefined || live.live === 0) return
    await removePart(this.#road, 'gold_canonical')
    await this.#road.run('*', { also: [await verifyStore(this.#road.project)] })
  }

  async #crash(at: string, hit: number): Promise<void> {
    let left = hit
    installFailpoints((name) => {
      if (name !== at || left-- > 0) return
      throw new Error(`crashed at ${name}`)
    })
    await this.#road.run().catch(() => undefined)
    installFailpoints(undefined)
  }
}

test('after any history the project is what a clean rebuild makes, and nothing is left to do', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(event, { minLength: 4, maxLength: 9 }), async (events) => {
      await using road = await RoadProject.create()
      const history = new History(road)
      for (const one of events) await history.play(one)
      await road.run()
      expect(await road.steps()).toEqual([])
      const verdict = await verdictOn(road)
      expect(verdict.broken.map((id) => verdict.of(id).words)).toEqual([])
    }),
    { numRuns: 8 },
  )
})
