/**
 * `doctor --verify`: the invariants of a project, one after the other, each a line.
 *
 * Nothing of the project is changed. I1 rebuilds everything in a folder under scratch, so the whole
 * costs about as much as a first run and, for that time, as much disk again.
 */
import {
  auditStore,
  isEngineError,
  loadDefinitions,
  standingRollbacks,
} from '../../engine/index.ts'
import type { Platform } from '../platform.ts'
import { verifyAuditChain } from './audit-chain.ts'
import { pendingNodes } from './catalog-look.ts'
import { verifyCleanRebuild } from './clean-rebuild.ts'
import { verifyHonesty } from './honesty.ts'
import { verifyIdempotence } from './idempotence.ts'
import type { InvariantId, InvariantResult, Verification } from './invariant.ts'
import { Faults, conclude } from './invariant.ts'
import { verifyMinimality } from './minimality.ts'
import { verifyNoStaleSkip } from './no-stale-skip.ts'
import { verifyConfinement } from './phi-confinement.ts'
import { verifyRaw } from './raw-immutable.ts'
import { verifyResidue } from './residue.ts'
import { verifyRows } from './row-conservation.ts'
import { verifyWinners } from './winner-order.ts'

export interface VerifyProjectOptions {
  /** read every byte, too: SHA-256 of parts, records of raw files, rows of Parquet files */
  readonly deep?: boolean
  readonly signal?: AbortSignal
  /** called with each result as it comes */
  readonly onResult?: (result: InvariantResult) => void
}

const CHECKS: readonly (readonly [
  InvariantId,
  (verification: Verification) => Promise<InvariantResult>,
])[] = [
  ['I1', verifyCleanRebuild],
  ['I3', verifyNoStaleSkip],
  ['I5', verifyRaw],
  ['I6', verifyRows],
  ['I7', verifyWinners],
  ['I8', verifyIdempotence],
  ['I9', verifyMinimality],
  ['I11', verifyResidue],
  ['I14', verifyAuditChain],
  ['I15', verifyConfinement],
  ['I16', verifyHonesty],
]

/** Evaluates every invariant; all hold when every result does. A check that cannot run fails. */
export async function verifyProject(
  platform: Platform,
  { deep = false, signal = new AbortController().signal, onResult }: VerifyProjectOptions = {},
): Promise<readonly InvariantResult[]> {
  const { project } = platform
  const definitions = await loadDefinitions(project.graph, project.catalog, false)
  const verification: Verification = {
    platform,
    deep,
    definitions,
    pending: await pendingNodes(project.catalog.db),
    rolledBack: new Map(
      (await standingRollbacks(project)).map(({ node, rollback }) => [
        node.key,
        rollback.contentId,
      ]),
    ),
    audit: await auditStore(project, { digests: deep }),
    signal,
  }
  const results: InvariantResult[] = []
  for (const [id, check] of CHECKS) {
    signal.throwIfAborted()
    const result = await check(verification).catch((error: unknown) => notEvaluated(id, error))
    results.push(result)
    onResult?.(result)
  }
  return results
}

function notEvaluated(id: InvariantId, error: unknown): InvariantResult {
  if (!isEngineError(error)) throw error
  const faults = new Faults()
  faults.add(`it cannot be evaluated: ${error.message}`)
  return conclude(id, { faults, holds: '', evidence: {} })
}
