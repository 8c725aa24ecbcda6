/** A run of the engine's job through a proxy that injures its store, and the run that follows. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { RunReport } from '../../../engine/index.ts'
import type { ServicesPlace } from '../../support/engine-project.ts'
import { AFTER, PLACE_FILE, openJob } from '../engine-job.ts'
import type { FaultId } from './count.ts'
import { countFault } from './count.ts'
import type { S3Fault, S3Proxy, S3Request } from './s3-proxy.ts'
import type { ServicesWhole } from './services-whole.ts'

/** Long enough for a busy machine, short enough to wait for. */
const TIMEOUT_MS = 2_000

export interface DisturbedRun {
  readonly report: RunReport | undefined
  readonly error: unknown
  readonly requests: number
  readonly injected: number
  readonly trace: readonly S3Request[]
}

/** What follows a run under faults, without them, is whole: else this throws. */
export async function disturbedRun(
  { whole, proxy }: { readonly whole: ServicesWhole; readonly proxy: S3Proxy },
  id: FaultId,
  faults: readonly S3Fault[],
): Promise<DisturbedRun> {
  const root = await whole.copy()
  const direct = throughProxy(root, proxy)
  const before = proxy.trace.length
  proxy.inject(...faults)
  const job = await openJob(root)
  const ended = await job.run('*', { facts: AFTER }).then(
    (report) => ({ report, error: undefined }),
    (error: unknown) => ({ report: undefined, error }),
  )
  const injected = proxy.heal()
  const trace = proxy.trace.slice(before)
  await job.close()
  direct()
  countFault(id, injected)
  await whole.expectAfterNextRun(root)
  return { ...ended, requests: trace.length, injected, trace }
}

/** Sends a project's requests through a proxy; what it returns takes that back. */
export function throughProxy(root: string, { endpoint }: S3Proxy): () => void {
  const file = join(root, PLACE_FILE)
  const text = readFileSync(file, 'utf8')
  const place = JSON.parse(text) as ServicesPlace
  const s3 = { ...place.s3, endpoint, timeoutMs: TIMEOUT_MS }
  writeFileSync(file, JSON.stringify({ ...place, s3 }))
  return () => writeFileSync(file, text)
}
