/** The choice among a submitter's submissions for one month, by whichever verdict. Pure. */
import type { Inputs, Key, NodeName, Slot } from '../engine/index.ts'
import { byValue, formatKey, parseKey } from '../engine/index.ts'
import { monthsOf } from '../registry/period.ts'
import type { SubmissionState } from '../registry/submission-state.ts'
import type { Candidate, Winner } from '../registry/winner.ts'
import { chooseWinner } from '../registry/winner.ts'
import type { DecisionFact, PinFact, Stamp } from './facts.ts'
import { SUBMITTER_MONTH, readAs, valueOf } from './facts.ts'
import type { SilverValue } from './silver.ts'

/** What both verdicts hold. */
interface Judged {
  readonly status: SubmissionState
}

/** The verdicts that a choice may go by. */
export type VerdictAsset = 'own_verdict' | 'verdict'

/** What an asset declares that chooses by a verdict: a node for each month a submission may win. */
export const choosingBy = (verdict: VerdictAsset) => ({
  dimensions: SUBMITTER_MONTH,
  from: {
    // A submission may win the months of its declared period, and no others. The stamp gives them, not
    // the verdict: a plan has to know them beforehand.
    stamp: byValue(([submitter = '', fileType = ''], value) => {
      const stamp = readAs<Stamp>(value)
      return monthsOf({ first: stamp.first_month, last: stamp.last_month }).map((month) => [
        stamp.state,
        fileType,
        submitter,
        month,
      ])
    }),
  },
  reads: {
    assets: [verdict, 'decision', 'silver', 'pin'],
    nodes: (key: Key, stamps: readonly Slot[]): readonly NodeName[] => [
      ...stamps.flatMap((stamp) => [
        { asset: verdict, key: stamp.key },
        { asset: 'decision', key: stamp.key },
        { asset: 'silver', key: formatKey([...parseKey(stamp.key), key[3] ?? '']) },
      ]),
      { asset: 'pin', key: formatKey(key) },
    ],
  },
})

/** Chooses among the submissions for the month of the key; one without a verdict is no candidate. */
export function chosen(
  inputs: Inputs,
  verdict: VerdictAsset,
): Winner & { readonly layout: string | null; readonly rowsOf: ReadonlyMap<string, number> } {
  const month = inputs.key[3] ?? ''
  const at = (asset: string): ReadonlyMap<string, Slot> =>
    new Map(inputs.of(asset).map((slot) => [slot.key, slot]))
  const verdicts = at(verdict)
  const decisions = at('decision')
  const silver = at('silver')
  const layouts = new Map<string, string>()
  const candidates = inputs.of('stamp').map((slot): Candidate => {
    const { key } = slot
    const stamp = valueOf<Stamp>(slot)
    if (stamp === undefined) throw new TypeError('a stamp has a value')
    const submissionId = parseKey(key)[2] ?? ''
    layouts.set(submissionId, stamp.layout)
    const decision = valueOf<DecisionFact>(decisions.get(key))
    const rows = valueOf<SilverValue>(silver.get(formatKey([...parseKey(key), month])))
    return {
      submissionId,
      receivedAt: stamp.received_at,
      status: valueOf<Judged>(verdicts.get(key))?.status ?? 'READY_FOR_PARSE',
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
