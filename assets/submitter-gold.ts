/** submitter gold: the winner's silver month, part for part. No bytes go through this program. */
import { defineAsset, formatKey, sameKey } from '../engine/index.ts'
import { SUBMITTER_MONTH, asJson, valueOf } from './facts.ts'
import { submitterGoldPath } from './paths.ts'
import type { WinnerValue } from './winner.ts'

/** What the catalog keeps of a submitter's month. */
export interface SubmitterGoldValue {
  readonly submission: string
  readonly layout: string
  readonly rows: number
}

export const submitterGold = defineAsset({
  kind: 'stored',
  name: 'gold_submitter',
  dimensions: SUBMITTER_MONTH,
  description: 'the winning rows of one submitter and month, in their own layout',
  tags: ['phi', 'gold'],
  recipe: '1',
  from: { winner: sameKey },
  reads: {
    assets: ['silver'],
    nodes: ([, fileType = '', submitter = '', month = ''], [slot]) => {
      const submission = valueOf<WinnerValue>(slot)?.submission
      if (submission === undefined || submission === null) return []
      return [{ asset: 'silver', key: formatKey([submitter, fileType, submission, month]) }]
    },
  },
  outline: (inputs) => {
    const won = valueOf<WinnerValue>(inputs.of('winner')[0])
    if (won?.submission === undefined || won.submission === null || won.layout === null) {
      return { verdict: 'retire', why: 'no submission wins this month' }
    }
    const [rows] = inputs.of('silver')
    if (won.rows === 0 || rows === undefined) {
      return { verdict: 'retire', why: 'the winner has no rows in this month' }
    }
    const value: SubmitterGoldValue = {
      submission: won.submission,
      layout: won.layout,
      rows: won.rows,
    }
    return { verdict: 'copy', of: { asset: 'silver', key: rows.key }, value: asJson(value) }
  },
  publish: ([state = '', fileType = '', submitter = '', month = '']) => ({
    path: submitterGoldPath({ state, fileType, submitter, month }),
    mode: 'folder',
  }),
  build: () => {
    throw new TypeError('submitter gold is copied, never built')
  },
})
