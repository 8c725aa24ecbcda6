/** F26: ten thousand partitions that wait, a million rows in the queue. */
import { sql } from 'kysely'
import { afterEach, expect, test } from 'vitest'
import { byKey, defineAsset } from '../../engine/index.ts'
import { RoadProject } from '../support/project.ts'
import type { EngineProject } from '../support/engine-project.ts'
import { engineProject, factChanges } from '../support/engine-project.ts'
import { drain, openExecutor } from '../support/workers.ts'
import { countFault } from '../faults/support/count.ts'
import { buildOffences } from '../faults/support/history.ts'

const PARTITIONS = 10_000
const ROWS = 1_000_000
const RSS_MAX_BYTES = 512 << 20

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

const keys = Array.from({ length: PARTITIONS }, (_, at) => [String(at)])
const assets = [
  defineAsset({ kind: 'fact', name: 'root', dimensions: ['r'] }),
  defineAsset({
    kind: 'stored',
    name: 'leaf',
    dimensions: ['n'],
    recipe: '1',
    from: { root: byKey(() => keys) },
    build: ({ inputs }) => ({ parts: [], value: inputs.key[0] ?? '' }),
  }),
]

test('ten thousand partitions drain at a flat rate, in bounded memory', async () => {
  const at: EngineProject = await engineProject({ assets, database: 'postgres' })
  closing.push(at.close)
  await using executor = await openExecutor(at, 'embedded')
  const doneMs: number[] = []
  let rssMaxBytes = 0
  await drain(at.project, {
    executor,
    workers: 2,
    slots: 8,
    also: [factChanges({ 'root/x': 1 })],
    worker: {
      onEvent: (event) => {
        if (event.type !== 'finished') return
        doneMs.push(performance.now())
        if (doneMs.length % 100 === 0) {
          rssMaxBytes = Math.max(rssMaxBytes, process.memoryUsage.rss())
        }
      },
    },
  })
  countFault('F26', doneMs.length)
  const quarter = PARTITIONS / 4
  const rates = [0, 1, 2, 3].map((one) => {
    const spentMs = (doneMs[(one + 1) * quarter - 1] ?? 0) - (doneMs[one * quarter] ?? 0)
    return Math.round((quarter / spentMs) * 1000)
  })
  const rss = `${Math.round(rssMaxBytes / (1 << 20))} MB`
  process.stderr.write(`F26: builds a second by quarter ${rates.join(', ')}; at most ${rss}\n`)
  expect(doneMs).toHaveLength(PARTITIONS)
  expect(rssMaxBytes).toBeLessThan(RSS_MAX_BYTES)
  expect(await buildOffences(at.project.catalog)).toEqual([])
})

test('with a million answered requests a look at the queue reads the open ones only', async () => {
  const road = await RoadProject.create({ database: 'postgres' })
  closing.push(async () => road[Symbol.asyncDispose]())
  const { db } = road.project.catalog
  await sql`insert into canonical_rebuild_queue (state, file_type, atomic_month, reason,
      requested_by, enqueued_ms, run, status, attempts, processed_ms, forced)
    select 'MA', 'medical', '2024-01', 'x', 'y', n, 0, 'SUCCEEDED', 0, n, 0
    from generate_series(1, ${sql.lit(ROWS)}) n`.execute(db)
  await sql`analyze canonical_rebuild_queue`.execute(db)
  const { rows } = await sql<{ 'QUERY PLAN': string }>`explain
    select queue_id from canonical_rebuild_queue
    where processed_ms is null and forced = 1 and status <> 'DEAD' order by queue_id`.execute(db)
  const text = rows.map((row) => row['QUERY PLAN']).join('\n')
  countFault('F26', ROWS)
  expect(text).toContain('canonical_rebuild_queue_open')
  expect(text).not.toContain('Seq Scan')
})
