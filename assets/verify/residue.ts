/** I11: nothing is left behind that no commit refers to. */
import { findResidue } from '../../engine/index.ts'
import type { InvariantResult, Verification } from './invariant.ts'
import { Faults, conclude } from './invariant.ts'

export async function verifyResidue({
  platform: { project },
}: Verification): Promise<InvariantResult> {
  const faults = new Faults()
  const { units, strays, scratch } = await findResidue(project)
  for (const unit of units) faults.add(`${unit} is a version that no commit refers to`)
  for (const path of strays) faults.add(`${path} is half-written, foreign or a link to nothing`)
  for (const path of scratch) faults.add(`${path} is a scratch folder that no build goes on from`)
  return conclude('I11', {
    faults,
    holds: 'no orphaned versions, half-written files, dead links or old scratch folders',
    evidence: { units: units.length, strays: strays.length, scratch: scratch.length },
  })
}
