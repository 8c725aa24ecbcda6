/** The sampler as a sensor: manifests are what it looks at, samples are what it does then. */
import type { Catalog, Sensor } from '../../engine/index.ts'
import { counted } from '../../engine/index.ts'
import type { Platform } from '../platform.ts'
import { listManifests } from '../processed-places.ts'
import { checkpoints } from './ledger.ts'
import { openLedger, openSampler } from './open-sampler.ts'
import { pass, pendingCount } from './pass.ts'
import { placeText } from './place.ts'

/** A look that makes samples ends after this, so that no stop waits longer. */
const LOOK_MS = 10_000

/**
 * A sensor over the processed manifests. Making a sample is safe to repeat and beside other
 * samplers, so that looking does it; what is left when its time is over is for the next look.
 */
export const samplesSensor = (
  platform: Platform,
  ledgerAt: (url: string) => Promise<Catalog>,
): Sensor => ({
  name: 'samples',
  summary: 'processed manifests: samples of what is new',
  timing: { everyMs: platform.config.samples.everyMs.value },
  look: async ({ signal }) => {
    await using ledger = await openLedger(platform, ledgerAt)
    if (!(await hasMoved(platform, ledger))) return { kind: 'skip', why: 'no manifest has moved' }
    await using sampler = await openSampler(platform, { ledger, workers: 1 })
    const stop = AbortSignal.any([signal, AbortSignal.timeout(LOOK_MS)])
    const onEvent = (): void => undefined
    const report = await pass(sampler.options, { signal: stop, lookMs: LOOK_MS, onEvent })
    const words = `${counted(report.made, 'sample')}, ${counted(report.pending, 'file')} waiting`
    if (report.made === 0) return { kind: 'skip', why: words }
    return { kind: 'act', why: words, act: async ({ commit }) => commit(async () => words) }
  },
})

/** Cheap: a stat a manifest, a count of what waits. */
async function hasMoved({ config }: Pick<Platform, 'config'>, ledger: Catalog): Promise<boolean> {
  if ((await pendingCount(ledger)) > 0) return true
  const known = await checkpoints(ledger)
  for await (const { place, file, sizeBytes } of listManifests(config.staging.prefix.value)) {
    if (known.get(`${placeText(place)}/${file}`)?.offset_bytes !== sizeBytes) return true
  }
  return false
}
