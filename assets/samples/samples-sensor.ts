/** The sampler as a sensor: manifests are what it looks at, samples are what it does then. */
import type { Catalog, Sensor } from '../../engine/index.ts'
import { counted } from '../../engine/index.ts'
import type { Platform } from '../platform.ts'
import { openLedger, openSampler } from './open-sampler.ts'
import { pass } from './pass.ts'

/** A look that makes samples ends after this, so that no stop waits longer. */
const LOOK_MS = 10_000

/**
 * A sensor over the processed manifests, and over what is due by the clock: files that were not there,
 * values whose time is over. Making a sample is safe to repeat and beside other
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
    await using sampler = await openSampler(platform, { ledger, workers: 1 })
    const stop = AbortSignal.any([signal, AbortSignal.timeout(LOOK_MS)])
    const onEvent = (): void => undefined
    const report = await pass(sampler.options, { signal: stop, lookMs: LOOK_MS, onEvent })
    const words = `${counted(report.made, 'sample')}, ${counted(report.pending, 'file')} waiting`
    if (report.made === 0) return { kind: 'skip', why: 'nothing new to sample' }
    return { kind: 'act', why: words, act: async ({ commit }) => commit(async () => words) }
  },
})
