/** I14: what was done, by whom and why, is on record, and the record is as it was written. */
import { counted, verifyAudit } from '../../engine/index.ts'
import type { InvariantResult, Verification } from './invariant.ts'
import { Faults, conclude } from './invariant.ts'

export async function verifyAuditChain({
  platform: { project },
}: Verification): Promise<InvariantResult> {
  const { rows, anchors, endedAnchors, faults: found, faultCount } = await verifyAudit(project)
  const faults = new Faults()
  for (const fault of found) faults.add(fault)
  for (let more = found.length; more < faultCount; more++) faults.add('')
  return conclude('I14', {
    faults,
    holds: `${counted(rows, 'audit row')} are one chain, as ${counted(anchors, 'anchor')} in the store say; every run and commit has its row`,
    evidence: { rows, anchors, ended_anchors: endedAnchors },
  })
}
