/** The daemon: how soon a request starts, what it weighs, what a killed worker costs, how it drains. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { addRequests } from '../../../assets/queue-requests.ts'
import type { Platform } from '../../../assets/platform.ts'
import { materialize } from '../../../engine/index.ts'
import { platformTables } from '../../../registry/tables.ts'
import { encounters, medicalFile } from '../../support/deliveries.ts'
import { LongProcess } from '../../support/long-process.ts'
import { openRoad } from '../../support/open-road.ts'
import { openTestPostgres } from '../../support/postgres-cluster.ts'
import { makeRoadFolder, writeText } from '../../support/road-folder.ts'
import { driver, program } from '../bundle.ts'
import { inFolder, median, mustRun, rounded } from '../measure.ts'
import type { Bench, Row, Scale } from '../row.ts'

const START_MS_MAX = 100
const IDLE_MB_MAX = 120
const TAKEOVER_MS_MAX = 30_000
const DRAIN_MB_MAX = 512
const GROWTH_MB_MAX = 10
/** Flat: the last third goes at least this share of the first third's rate. */
const FLAT_MIN = 0.8
const ACTOR = { name: 'bench', reason: 'benchmark' } as const

interface Place {
  readonly root: string
  readonly environment: Readonly<Record<string, string>>
  readonly platform: Platform
}

export const daemon: Bench = {
  name: 'daemon',
  run: async (scale, say) => [
    ...(await inFolder(async (root) => onPostgres(root, scale, say))),
    await inFolder(async (root) => drained(root, scale, say)),
    await inFolder(async (root) => grown(root, scale, say)),
  ],
}

/** A built project of five months on a PostgreSQL of its own. */
async function onPostgres(
  root: string,
  scale: Scale,
  say: (words: string) => void,
): Promise<readonly Row[]> {
  const server = await openTestPostgres()
  try {
    const environment = { TRIBUTARY_CATALOG: server.url }
    makeRoadFolder(root, {})
    for (let month = 1; month <= 5; month++) {
      deliver(root, `alpha/first-${month}`, { month, count: 20 })
    }
    const platform = await openRoad(root, environment)
    try {
      await materialize(platform.project, { actor: ACTOR, command: 'bench', concurrency: 2 })
      const place = { root, environment, platform }
      const started = await startLatency(place, scale, say)
      return [...started, await takenOver(place, scale, say)]
    } finally {
      await platform[Symbol.asyncDispose]()
    }
  } finally {
    await server.close()
  }
}

function deliver(
  root: string,
  drop: string,
  { month, count }: { readonly month: number; readonly count: number },
): void {
  const name = `2024-0${month}`
  const file = medicalFile(name, encounters(name, count, drop.replaceAll('/', '-')))
  writeText(join(root, 'inbox', drop, file.name), String(file.content))
  writeText(join(root, 'inbox', drop, '_SUCCESS'), '')
}

const start = async (place: Place, words: readonly string[]): Promise<LongProcess> =>
  LongProcess.start(words, { ...place, program: await program([]) })

/** The 0.95 quantile. */
const p95 = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.ceil(values.length * 0.95) - 1] ?? Number.NaN

async function startLatency(
  place: Place,
  scale: Scale,
  say: (words: string) => void,
): Promise<readonly Row[]> {
  const count = scale.quick ? 3 : 200
  await using running = await start(place, ['daemon', '--port', '0'])
  say(`${count} requests, one after the other`)
  const { project } = place.platform
  const waits: number[] = []
  for (let at = 0; at < count; at++) {
    const month = { state: 'MA', fileType: 'medical', month: `2024-0${(at % 5) + 1}` }
    const [id = 0] = await addRequests(project, [month], ACTOR)
    const row = await answered(running, place, id)
    waits.push((row.claimed_ms ?? Number.NaN) - row.enqueued_ms)
  }
  await running.until('it is idle', () => true)
  await new Promise((resolve) => {
    setTimeout(resolve, scale.quick ? 100 : 10_000)
  })
  const idleMb = residentMb(running.pid)
  await running.end()
  const p50 = rounded(median(waits))
  return [
    {
      name: 'daemon-start',
      what: `from a request to the claim of its build on PostgreSQL, ${count} requests`,
      measured: { p50_ms: p50, p95_ms: rounded(p95(waits)) },
      beside: { dagster: '7,400 ms' },
      ratio: null,
      bar: `p50 ≤ ${START_MS_MAX} ms`,
      met: p50 <= START_MS_MAX,
    },
    {
      name: 'daemon-idle',
      what: 'resident memory of a daemon that has worked and is idle, its workers included',
      measured: { rss_mb: rounded(idleMb) },
      beside: { dagster: '618 MB' },
      ratio: null,
      bar: `≤ ${IDLE_MB_MAX} MB`,
      met: idleMb <= IDLE_MB_MAX,
    },
  ]
}

async function answered(running: LongProcess, { platform }: Place, id: number) {
  const row = async () =>
    platformTables(platform.project.catalog.db)
      .selectFrom('canonical_rebuild_queue')
      .select(['enqueued_ms', 'claimed_ms', 'processed_ms'])
      .where('queue_id', '=', id)
      .executeTakeFirstOrThrow()
  await running.until(`request ${id} is answered`, async () => (await row()).processed_ms !== null)
  return row()
}

/** Of a process and its children's none: DuckDB runs in processes that end when idle. */
function residentMb(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? Number.NaN) / 1024
}

/** A worker is killed in a build; how long until another one builds that very partition. */
async function takenOver(place: Place, scale: Scale, say: (words: string) => void): Promise<Row> {
  const rounds = scale.quick ? 1 : 10
  const { db } = place.platform.project.catalog
  const times: number[] = []
  await using dispatcher = await start(place, ['daemon', '--no-work', '--port', '0'])
  for (let round = 0; round < rounds; round++) {
    await using victim = await start(place, ['worker', '--workers', '1'])
    const intent = async () =>
      db.selectFrom('intent').selectAll().where('state', '=', 'prepared').executeTakeFirst()
    deliver(place.root, `beta/round-${round}`, { month: (round % 5) + 1, count: 20_000 })
    await victim.until('it builds', async () => (await intent()) !== undefined)
    const claimed = await intent()
    await victim.end('SIGKILL')
    const killedMs = performance.now()
    await using other = await start(place, ['worker', '--workers', '1'])
    await other.until('another builds it', async () => {
      const now = await db
        .selectFrom('node')
        .select('epoch')
        .where('id', '=', claimed?.node ?? 0)
        .executeTakeFirst()
      const open = await intent()
      const isTaken = open?.node === claimed?.node && open?.holder !== claimed?.holder
      return isTaken || (now?.epoch ?? 0) > (claimed?.epoch ?? 0) + 1
    })
    times.push(performance.now() - killedMs)
    say(`killed and taken over in ${Math.round(times.at(-1) ?? 0)} ms`)
    await other.until('it ends', async () => {
      const dirty = await db.selectFrom('dirty').select('node').limit(1).executeTakeFirst()
      return dirty === undefined
    })
    await other.end()
  }
  await dispatcher.end()
  const longest = Math.max(...times)
  return {
    name: 'daemon-takeover',
    what: `a worker killed in a build, until another has claimed that partition, ${rounds} times`,
    measured: { median_ms: rounded(median(times)), longest_ms: rounded(longest) },
    beside: {},
    ratio: null,
    bar: `≤ ${TAKEOVER_MS_MAX} ms each time`,
    met: longest <= TAKEOVER_MS_MAX,
  }
}

async function drained(root: string, scale: Scale, say: (words: string) => void): Promise<Row> {
  const count = scale.quick ? 60 : 10_000
  say(`${count} partitions at once`)
  const { stdout } = await mustRun(await driver('daemon-load', 'drain', root, String(count)))
  const found = JSON.parse(stdout) as Readonly<Record<string, number>>
  const { first_third_per_s: first = 0, last_third_per_s: last = 0, rss_max_mb: rss = 0 } = found
  return {
    name: 'daemon-drain',
    what: `${count} partitions that are dirty at once, built by one daemon on SQLite`,
    measured: {
      first_third_per_s: rounded(first),
      last_third_per_s: rounded(last),
      rss_max_mb: rounded(rss),
    },
    beside: {},
    ratio: rounded(last / first),
    bar: `last third ≥ ${FLAT_MIN} of the first; memory < ${DRAIN_MB_MAX} MB`,
    met: last / first >= FLAT_MIN && rss < DRAIN_MB_MAX,
  }
}

async function grown(root: string, scale: Scale, say: (words: string) => void): Promise<Row> {
  const [first, second] = scale.quick ? [100, 200] : [2_000, 10_000]
  say(`memory after ${first} and ${second} changes`)
  const command = await driver('daemon-load', 'changes', root, String(first), String(second))
  const { stdout } = await mustRun({ ...command, arguments: ['--expose-gc', ...command.arguments] })
  type Memory = Readonly<Record<'heap_mb' | 'anonymous_mb' | 'rss_mb', number>>
  const { before, after } = JSON.parse(stdout) as {
    readonly before: Memory
    readonly after: Memory
  }
  const heapMb = after.heap_mb - before.heap_mb
  const rssMb = after.rss_mb - before.rss_mb
  return {
    name: 'daemon-memory',
    what: `growth of a daemon from ${first} changes to ${second}, after forced collections`,
    measured: {
      heap_growth_mb: rounded(heapMb),
      anonymous_growth_mb: rounded(after.anonymous_mb - before.anonymous_mb),
      rss_growth_mb: rounded(rssMb),
      rss_mb: rounded(after.rss_mb),
    },
    beside: {},
    ratio: null,
    bar: `≤ ${GROWTH_MB_MAX} MB`,
    met: rssMb <= GROWTH_MB_MAX,
  }
}
