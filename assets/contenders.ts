/** The choice among a submitter's submissions for one month, by whichever verdict. Pure. */
import type { Inputs, NodeName, Slot } from '../engine/index.ts'
import { formatKey, parseKey } from '../engine/index.ts'
import type { SubmissionState } from '../registry/submission-state.ts'
import type { Candidate, Winner } from '../registry/winner.ts'
import { chooseWinner } from '../registry/winner.ts'
import type { DecisionFact, PinFact, Stamp } from './facts.ts'
import { valueOf } from './facts.ts'
import type { SilverValue } from './silver.ts'

/** A submission whose period has the month, and how it was judged. */
export interface Contender {
  /** of the submission */
  readonly key: string
  readonly stamp: Stamp
  readonly status: SubmissionState
}

/** Nodes that choosing reads of one submission for one month. */
export const contenderNodes = (key: string, month: string): readonly NodeName[] => [
  { asset: 'decision', key },
  { asset: 'silver', key: formatKey([...parseKey(key), month]) },
]

/** Chooses among submissions for the month of the key. Reads decision, silver and pin. */
export function chosen(
  inputs: Inputs,
  contenders: readonly Contender[],
): Winner & { readonly layout: string | null; readonly rowsOf: ReadonlyMap<string, number> } {
  const month = inputs.key[3] ?? ''
  const at = (asset: string): ReadonlyMap<string, Slot> =>
    new Map(inputs.of(asset).map((slot) => [slot.key, slot]))
  const decisions = at('decision')
  const silver = at('silver')
  const layouts = new Map<string, string>()
  const candidates = contenders.map(({ key, stamp, status }): Candidate => {
    const submissionId = parseKey(key)[2] ?? ''
    layouts.set(submissionId, stamp.layout)
    const decision = valueOf<DecisionFact>(decisions.get(key))
    const rows = valueOf<SilverValue>(silver.get(formatKey([...parseKey(key), month])))
    return {
      submissionId,
      receivedAt: stamp.received_at,
      status,
      test: stamp.test,
      withdrawn: decision?.withdrawn ?? false,
      rejectedFor: covers(decision?.rejected, month),
      confirmedFor: covers(decision?.confirmed, month),
      rows: rows?.rows ?? 0,
    }
  })
  const pin = valueOf<PinFact>(inputs.of('pin')[0])
  const found = chooseWinner({ candidates, ...(pin && { pin: pin.submission }) })
  return {
    ...found,
    layout: found.winner === null ? null : (layouts.get(found.winner) ?? null),
    rowsOf: new Map(candidates.map((one) => [one.submissionId, one.rows])),
  }
}

const covers = (months: DecisionFact['rejected'], month: string): boolean =>
  months === 'all' || (months?.includes(month) ?? false)
