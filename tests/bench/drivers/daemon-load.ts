/**
 * A daemon under load, in one process with its own workers, on SQLite and a folder:
 *
 *     node --expose-gc daemon-load.js drain ROOT COUNT      COUNT partitions that are dirty at once
 *     node --expose-gc daemon-load.js changes ROOT A B      memory after A and after B changes
 *
 * Builds write one small part each; what is measured is the daemon, not the work.
 */
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { EmbeddedExecutor, applyAndPlan, defineAsset, sameKey } from '../../../engine/index.ts'
import type { Sensor } from '../../../engine/index.ts'
import { keepMemorySteady } from '../../../engine/cli/steady-memory.ts'
import { Daemon } from '../../../engine/run/daemon.ts'
import { engineProjectAt, factChanges } from '../../support/engine-project.ts'
import { wordFact } from '../../support/engine-assets.ts'

const BATCH = 50
const SLOTS = 4

const copy = defineAsset({
  kind: 'stored',
  name: 'copy',
  dimensions: ['i'],
  recipe: '1',
  from: { word: sameKey },
  build: ({ inputs }) => ({
    parts: [{ name: 'text', from: { bytes: JSON.stringify(inputs.one('word').value) } }],
  }),
})

keepMemorySteady()
const [what = 'drain', root = '.', first = '1000', second = '2000'] = process.argv.slice(2)
const at = await engineProjectAt(root, { assets: [wordFact, copy] })
const ends: number[] = []
let rssMax = 0
let made = 0
let wanted = 0
let failed: string | undefined

/** Changes facts, up to `size` at a time, whenever everything before is built. */
const words = (size: number): Sensor => ({
  name: 'words',
  summary: 'words that change',
  timing: { everyMs: 1 },
  isWokenByRequest: true,
  look: async () => {
    const count = Math.min(size, wanted - made)
    if (count <= 0 || ends.length < made) return { kind: 'skip', why: 'nothing to change' }
    const text = (place: number): string => `change ${made + place}`
    const facts = Array.from({ length: count }, (_, place) => [
      `word/${what === 'drain' ? made + place : place}`,
      { text: text(place), shelves: [] },
    ])
    return {
      kind: 'act',
      why: 'words change',
      act: async (access) => {
        await applyAndPlan(access, { changes: [factChanges(Object.fromEntries(facts))] })
        made += count
      },
    }
  },
})

const daemon = await Daemon.start(at.project, {
  sensors: [words(what === 'drain' ? Number(first) : BATCH)],
  executor: new EmbeddedExecutor(at.project),
  slots: SLOTS,
  actor: { name: 'bench', reason: 'benchmark' },
  onEvent: (event) => {
    if (event.type === 'failed') failed = event.text
    if (event.type !== 'finished') return
    ends.push(performance.now())
    rssMax = Math.max(rssMax, process.memoryUsage.rss())
  },
})

async function reach(count: number): Promise<void> {
  wanted = count
  while (ends.length < count) {
    if (failed !== undefined) throw new Error(failed)
    await sleep(50)
  }
}

/** Of this process alone, without files that SQLite maps: Linux only. */
function anonymousMb(): number {
  const status = readFileSync('/proc/self/status', 'utf8')
  return Number(/RssAnon:\s+(\d+)/.exec(status)?.[1] ?? Number.NaN) / 1024
}

interface Memory {
  readonly heap_mb: number
  readonly anonymous_mb: number
  readonly rss_mb: number
}

/** After collections: what the first one freed may free more. */
async function settled(): Promise<Memory> {
  for (let round = 0; round < 3; round++) {
    globalThis.gc?.()
    await sleep(100)
  }
  const { heapUsed, rss } = process.memoryUsage()
  return { heap_mb: heapUsed / 2 ** 20, anonymous_mb: anonymousMb(), rss_mb: rss / 2 ** 20 }
}

/** Builds a second between two of them. */
const rate = (from: number, to: number): number =>
  ((to - from) / ((ends[to - 1] ?? 0) - (ends[from] ?? 0))) * 1000

if (what === 'drain') {
  const count = Number(first)
  await reach(count)
  const third = Math.floor(count / 3)
  console.log(
    JSON.stringify({
      first_third_per_s: rate(0, third),
      last_third_per_s: rate(count - third, count),
      rss_max_mb: rssMax / 2 ** 20,
    }),
  )
} else {
  await reach(Number(first))
  const before = await settled()
  await reach(Number(second))
  const after = await settled()
  console.log(JSON.stringify({ before, after }))
}
await daemon.stop(1000)
await at.close()
