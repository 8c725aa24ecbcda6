/**
 * `node sampler-child.ts FOLDER SAMPLE_MS`: takes in whatever manifests have gained, then samples for
 * so long (0: not at all), and prints what that took.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { openSampler } from '../../assets/samples/open-sampler.ts'
import { pass } from '../../assets/samples/pass.ts'
import { takeIn } from '../../assets/samples/take-in.ts'
import { openRoad } from '../support/open-road.ts'
import { openLedgerAt } from '../support/sampled-folder.ts'

/** `readBytes` is undefined where nobody counts. */
export interface SamplerSpent {
  readonly lines: number
  readonly takeInMs: number
  readonly readBytes: number | undefined
  readonly made: number
  readonly sampleMs: number
  /** this process's own memory at its highest, as looked at after each batch: without the pages of the
   * ledger's file that SQLite maps, up to 256 MB that the system takes back when it needs them */
  readonly memoryMaxBytes: number
}

const [root = '', sampleMs = '0'] = process.argv.slice(2)
const workers = 2

function readBytes(): number | undefined {
  if (process.platform !== 'linux') return undefined
  return Number(/rchar: (\d+)/.exec(readFileSync('/proc/self/io', 'utf8'))?.[1])
}

let memoryMaxBytes = 0
function lookAtMemory(): void {
  const own =
    process.platform === 'linux'
      ? Number(/RssAnon:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]) * 1024
      : process.memoryUsage.rss()
  memoryMaxBytes = Math.max(memoryMaxBytes, own)
}

await using platform = await openRoad(root)
const ledger = await openLedgerAt(join(root, 'samples.db'))
{
  await using sampler = await openSampler(platform, { ledger, workers })
  const { prefix, nowMs } = sampler.options
  const beforeBytes = readBytes()
  const startMs = performance.now()
  const signal = new AbortController().signal
  const { lines } = await takeIn(ledger, { prefix, nowMs, signal, onLines: lookAtMemory })
  const takeInMs = performance.now() - startMs
  const afterBytes = readBytes()
  const sampleFromMs = performance.now()
  let made = 0
  if (Number(sampleMs) > 0) {
    const stop = AbortSignal.timeout(Number(sampleMs))
    const how = { signal: stop, lookMs: 60_000, onEvent: lookAtMemory }
    made = (await pass(sampler.options, how)).made
  }
  const spent: SamplerSpent = {
    lines,
    takeInMs,
    readBytes: afterBytes === undefined ? undefined : afterBytes - (beforeBytes ?? 0),
    made,
    sampleMs: performance.now() - sampleFromMs,
    memoryMaxBytes,
  }
  console.log(JSON.stringify(spent))
}
await ledger.close()
