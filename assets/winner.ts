/** winner: whose submission is a submitter's month, and which ones wait for a person. Pure. */
import type { Inputs, Json } from '../engine/index.ts'
import { byValue, defineAsset, formatKey } from '../engine/index.ts'
import { monthsOf } from '../registry/period.ts'
import type { Winner } from '../registry/winner.ts'
import type { Contender } from './contenders.ts'
import { chosen, contenderNodes } from './contenders.ts'
import type { Stamp } from './facts.ts'
import { SUBMITTER_MONTH, asJson, readAs, valueOf } from './facts.ts'
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
      ...stamps.flatMap((stamp) => [
        { asset: 'verdict', key: stamp.key },
        ...contenderNodes(stamp.key, key[3] ?? ''),
      ]),
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
  const verdicts = new Map(inputs.of('verdict').map((slot) => [slot.key, slot]))
  const contenders = inputs.of('stamp').map((slot): Contender => {
    const stamp = valueOf<Stamp>(slot)
    if (stamp === undefined) throw new TypeError('a stamp has a value')
    const status = valueOf<VerdictValue>(verdicts.get(slot.key))?.status ?? 'READY_FOR_PARSE'
    return { key: slot.key, stamp, status }
  })
  const { winner: submission, layout, rows, held, reason, rowsOf } = chosen(inputs, contenders)
  const value: WinnerValue = {
    submission,
    layout,
    rows,
    held: held.slice(0, HELD_MAX).map((one) => ({ submission: one, rows: rowsOf.get(one) ?? 0 })),
    heldMore: Math.max(0, held.length - HELD_MAX),
    reason,
  }
  return asJson(value)
}
