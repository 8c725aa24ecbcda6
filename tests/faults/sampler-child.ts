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

/** Memory is the process's own at its highest; `readBytes` is undefined where nobody counts. */
export interface SamplerSpent {
  readonly lines: number
  readonly takeInMs: number
  readonly readBytes: number | undefined
  readonly made: number
  readonly sampleMs: number
  readonly rssMaxBytes: number
}

const [root = '', sampleMs = '0'] = process.argv.slice(2)
const workers = 2

function readBytes(): number | undefined {
  if (process.platform !== 'linux') return undefined
  return Number(/rchar: (\d+)/.exec(readFileSync('/proc/self/io', 'utf8'))?.[1])
}

await using platform = await openRoad(root)
const ledger = await openLedgerAt(join(root, 'samples.db'))
{
  await using sampler = await openSampler(platform, { ledger, workers })
  const { prefix, nowMs } = sampler.options
  const beforeBytes = readBytes()
  const startMs = performance.now()
  const signal = new AbortController().signal
  const onLines = (): void => undefined
  const { lines } = await takeIn(ledger, { prefix, nowMs, signal, onLines })
  const takeInMs = performance.now() - startMs
  const afterBytes = readBytes()
  const sampleFromMs = performance.now()
  let made = 0
  if (Number(sampleMs) > 0) {
    const stop = AbortSignal.timeout(Number(sampleMs))
    const onEvent = (): void => undefined
    made = (await pass(sampler.options, { signal: stop, lookMs: 60_000, onEvent })).made
  }
  const spent: SamplerSpent = {
    lines,
    takeInMs,
    readBytes: afterBytes === undefined ? undefined : afterBytes - (beforeBytes ?? 0),
    made,
    sampleMs: performance.now() - sampleFromMs,
    rssMaxBytes: process.resourceUsage().maxRSS * 1024,
  }
  console.log(JSON.stringify(spent))
}
await ledger.close()
