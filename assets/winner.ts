/** winner: whose submission is a submitter's month, and which ones wait for a person. Pure. */
import type { Inputs, Json } from '../engine/index.ts'
import { defineAsset } from '../engine/index.ts'
import type { Winner } from '../registry/winner.ts'
import { choosingBy, chosen } from './contenders.ts'
import { asJson, readAs } from './facts.ts'

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
  ...choosingBy('verdict'),
  description: 'the submission whose rows are a submitter’s month',
  recipe: '1',
  evaluate,
  waiting: (value) => {
    const { held, rows, submission } = readAs<WinnerValue>(value)
    const [first] = held
    if (first === undefined) return undefined
    return `${first.submission} has ${first.rows} rows, the winner ${submission ?? ''} has ${rows}: confirm or reject it`
  },
})

function evaluate(inputs: Inputs): Json | undefined {
  const { winner: submission, layout, rows, held, reason, rowsOf } = chosen(inputs, 'verdict')
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
