/** Two workers beside one: builds that wait, and builds that keep a core busy, on PostgreSQL. */
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Executor } from '../../../engine/index.ts'
import { defineAsset, sameKey } from '../../../engine/index.ts'
import { encounters, medicalFile } from '../../support/deliveries.ts'
import { wordFact } from '../../support/engine-assets.ts'
import { engineProjectAt, factChanges } from '../../support/engine-project.ts'
import { LongProcess } from '../../support/long-process.ts'
import { openRoad } from '../../support/open-road.ts'
import { openTestPostgres } from '../../support/postgres-cluster.ts'
import { makeRoadFolder, writeText } from '../../support/road-folder.ts'
import { drain, openExecutor } from '../../support/workers.ts'
import { program } from '../bundle.ts'
import { inFolder, median, rounded } from '../measure.ts'
import type { Bench, Row, Scale } from '../row.ts'

const WAIT_MS = 200
/** the bar for builds that wait */
const FASTER_MIN = 1.8

export const workers: Bench = {
  name: 'workers',
  run: async (scale, say) => [
    await waiting('embedded', scale, say),
    await waiting('pg-boss', scale, say),
    await real(scale, say),
  ],
}

type Say = (words: string) => void
type Seconds = Readonly<Record<'one' | 'two', readonly number[]>>

/** The same work by one worker and by two, in turns; seconds of each round. */
async function inTurns(
  rounds: number,
  say: Say,
  work: (workers: number) => Promise<number>,
): Promise<Seconds> {
  const spent = { one: [] as number[], two: [] as number[] }
  for (let round = 0; round < rounds; round++) {
    spent.one.push((await work(1)) / 1000)
    spent.two.push((await work(2)) / 1000)
    say(`one ${spent.one.at(-1)?.toFixed(1)} s, two ${spent.two.at(-1)?.toFixed(1)} s`)
  }
  return spent
}

const figures = ({ one, two }: Seconds) => ({
  measured: { two_s: rounded(median(two)) },
  beside: { one_s: rounded(median(one)) },
  ratio: rounded(median(one) / median(two)),
})

const slow = defineAsset({
  kind: 'stored',
  name: 'slow',
  dimensions: ['i'],
  recipe: '1',
  from: { word: sameKey },
  build: async ({ inputs }) => {
    await sleep(WAIT_MS)
    return { parts: [], value: String(inputs.key) }
  },
})

async function waiting(executor: Executor['name'], scale: Scale, say: Say): Promise<Row> {
  const count = scale.quick ? 4 : 60
  const spent = await inTurns(scale.quick ? 1 : 3, say, async (size) =>
    drained(executor, size, count),
  )
  const found = figures(spent)
  return {
    name: `workers-waiting-${executor}`,
    what: `${count} builds of ${WAIT_MS} ms, one at a time in each worker, by the ${executor} executor`,
    ...found,
    bar: `two ≥ ${FASTER_MIN}× faster than one`,
    met: found.ratio >= FASTER_MIN,
  }
}

/** Milliseconds until `count` builds that wait are done. */
const drained = async (name: Executor['name'], size: number, count: number): Promise<number> =>
  inFolder(async (root) => {
    await using closing = new AsyncDisposableStack()
    const server = await openTestPostgres()
    closing.defer(server.close)
    const at = await engineProjectAt(root, { assets: [wordFact, slow], url: server.url })
    closing.defer(at.close)
    const executor = closing.use(await openExecutor({ project: at.project, url: server.url }, name))
    const words = Array.from({ length: count }, (_, place) => [
      `word/${place}`,
      { text: 'a word', shelves: [] },
    ])
    const startMs = performance.now()
    const also = [factChanges(Object.fromEntries(words))]
    await drain(at.project, { executor, workers: size, slots: 1, also })
    return performance.now() - startMs
  })

async function real(scale: Scale, say: Say): Promise<Row> {
  const [drops, rows] = scale.quick ? [2, 50] : [12, 50_000]
  const spent = await inTurns(scale.quick ? 1 : 3, say, async (size) =>
    inFolder(async (root) => delivered(root, { size, drops, rows })),
  )
  return {
    name: 'workers-real',
    what: `${drops} deliveries of ${rows} rows to canonical gold by worker processes of one build each`,
    ...figures(spent),
    bar: 'none: two cores also run the dispatcher, PostgreSQL and DuckDB',
    met: true,
  }
}

/** Milliseconds from a dispatcher's start until every month is built. */
async function delivered(
  root: string,
  { size, drops, rows }: { readonly size: number; readonly drops: number; readonly rows: number },
): Promise<number> {
  await using team = new AsyncDisposableStack()
  const server = await openTestPostgres()
  team.defer(server.close)
  const place = { root, environment: { TRIBUTARY_CATALOG: server.url }, program: await program([]) }
  makeRoadFolder(root, { submitters: { alpha: 'MA', beta: 'MA' } })
  for (let drop = 0; drop < drops; drop++) {
    const month = `2024-${String(Math.floor(drop / 2) + 1).padStart(2, '0')}`
    const folder = `${drop % 2 === 0 ? 'alpha' : 'beta'}/drop-${drop}`
    const file = medicalFile(month, encounters(month, rows, `drop-${drop}`))
    writeText(join(root, 'inbox', folder, file.name), String(file.content))
    writeText(join(root, 'inbox', folder, '_SUCCESS'), '')
  }
  const platform = team.use(await openRoad(root, place.environment, { sync: false }))
  const { db } = platform.project.catalog
  const built = async (): Promise<number> => {
    const { count } = await db
      .selectFrom('build')
      .innerJoin('node', 'node.id', 'build.node')
      .innerJoin('asset', 'asset.id', 'node.asset')
      .select(({ fn }) => fn.countAll<number>().as('count'))
      .where('asset.name', '=', 'gold_canonical')
      .where('build.outcome', '=', 'built')
      .executeTakeFirstOrThrow()
    return count
  }
  const left = async (): Promise<boolean> =>
    (await db.selectFrom('dirty').select('node').limit(1).executeTakeFirst()) !== undefined ||
    (await db.selectFrom('intent').select('node').limit(1).executeTakeFirst()) !== undefined
  for (let count = 0; count < size; count++) {
    team.use(await LongProcess.start(['worker', '--workers', '1'], place))
  }
  const startMs = performance.now()
  const dispatcher = team.use(
    await LongProcess.start(['daemon', '--no-work', '--port', '0'], place),
  )
  await dispatcher.until(
    'every month is built',
    async () => (await built()) >= drops / 2 && !(await left()),
  )
  return performance.now() - startMs
}
