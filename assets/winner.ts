/** winner: whose submission is a submitter's month, and which ones wait for a person. Pure. */
import type { Inputs, Json, NodeName, Slot } from '../engine/index.ts'
import { byValue, defineAsset, formatKey, parseKey } from '../engine/index.ts'
import { monthsOf } from '../registry/period.ts'
import type { Candidate, Winner } from '../registry/winner.ts'
import { chooseWinner } from '../registry/winner.ts'
import type { DecisionFact, PinFact, Stamp } from './facts.ts'
import { SUBMITTER_MONTH, asJson, readAs, valueOf } from './facts.ts'
import type { SilverValue } from './silver.ts'
import type { VerdictValue } from './validation.ts'

/** What the catalog keeps of a winner. */
export interface WinnerValue {
  /** null: nobody */
  readonly submission: string | null
  readonly layout: string | null
  readonly rows: number
  readonly held: readonly { readonly submission: string; readonly rows: number }[]
  readonly heldMore: number
  readonly reason: Winner['reason']
}

const HELD_MAX = 20

/** Nodes of one submission for one month: (submitter, file type, submission) + month. */
function about(stamp: Slot, month: string): readonly NodeName[] {
  return [
    { asset: 'verdict', key: stamp.key },
    { asset: 'decision', key: stamp.key },
    { asset: 'silver', key: formatKey([...parseKey(stamp.key), month]) },
  ]
}

export const winner = defineAsset({
  kind: 'value',
  name: 'winner',
  dimensions: SUBMITTER_MONTH,
  description: 'the submission whose rows are a submitter’s month',
  recipe: '1',
  from: {
    // A submission may win the months of its declared period, and no others.
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
    assets: ['verdict', 'decision', 'silver', 'pin'],
    nodes: (key, stamps) => [
      ...stamps.flatMap((stamp) => about(stamp, key[3] ?? '')),
      { asset: 'pin', key: formatKey(key) },
    ],
  },
  evaluate,
  waiting: (value) => {
    const { held, rows, submission } = readAs<WinnerValue>(value)
    const [first] = held
    if (first === undefined) return undefined
    return `${first.submission} has ${first.rows} rows, the winner ${submission ?? ''} has ${rows}: confirm or reject it`
  },
})

function evaluate(inputs: Inputs): Json | undefined {
  const month = inputs.key[3] ?? ''
  const at = (asset: string): ReadonlyMap<string, Slot> =>
    new Map(inputs.of(asset).map((slot) => [slot.key, slot]))
  const verdicts = at('verdict')
  const decisions = at('decision')
  const silver = at('silver')
  const layouts = new Map<string, string>()
  const candidates = inputs.of('stamp').map((slot): Candidate => {
    const stamp = valueOf<Stamp>(slot)
    if (stamp === undefined) throw new TypeError('a stamp has a value')
    const submissionId = parseKey(slot.key)[2] ?? ''
    layouts.set(submissionId, stamp.layout)
    const decision = valueOf<DecisionFact>(decisions.get(slot.key))
    const rows = valueOf<SilverValue>(silver.get(formatKey([...parseKey(slot.key), month])))
    return {
      submissionId,
      receivedAt: stamp.received_at,
      status: valueOf<VerdictValue>(verdicts.get(slot.key))?.status ?? 'READY_FOR_PARSE',
      test: stamp.test,
      withdrawn: decision?.withdrawn ?? false,
      rejectedFor: covers(decision?.rejected, month),
      confirmedFor: covers(decision?.confirmed, month),
      rows: rows?.rows ?? 0,
    }
  })
  const pin = valueOf<PinFact>(inputs.of('pin')[0])
  const chosen = chooseWinner({ candidates, ...(pin && { pin: pin.submission }) })
  const rowsOf = new Map(candidates.map((one) => [one.submissionId, one.rows]))
  const value: WinnerValue = {
    submission: chosen.winner,
    layout: chosen.winner === null ? null : (layouts.get(chosen.winner) ?? null),
    rows: chosen.rows,
    held: chosen.held
      .slice(0, HELD_MAX)
      .map((submission) => ({ submission, rows: rowsOf.get(submission) ?? 0 })),
    heldMore: Math.max(0, chosen.held.length - HELD_MAX),
    reason: chosen.reason,
  }
  return asJson(value)
}

const covers = (months: DecisionFact['rejected'], month: string): boolean =>
  months === 'all' || (months?.includes(month) ?? false)
