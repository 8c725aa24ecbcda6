/**
 * standing: whose rows other files are held against, for one month of a submitter. Pure.
 *
 * A rule that reads another file, or the months before, cannot read the winner: winners follow from
 * verdicts, and this rule is part of one. So there are two verdicts. The own one knows the rules
 * that read the submission alone; the submission that would win by it stands for the month, and
 * rules across files read that one. Both exist only for file types that such a rule reads.
 */
import type { Json } from '../engine/index.ts'
import { defineAsset, formatKey, sameKey } from '../engine/index.ts'
import { choosingBy, chosen } from './contenders.ts'
import { SUBMISSION, asJson, valueOf } from './facts.ts'
import type { JudgedStatus } from './judging.ts'
import { JUDGING, judged, judgingNodes } from './judging.ts'

/** What the catalog keeps of a verdict by the submission's own rows. */
export interface OwnVerdictValue {
  readonly status: JudgedStatus
}

export const ownVerdict = defineAsset({
  kind: 'value',
  name: 'own_verdict',
  dimensions: SUBMISSION,
  description: 'the verdict by the rules that read the submission alone, where others read it',
  recipe: '1',
  from: { measure: sameKey },
  reads: {
    assets: [...JUDGING, 'read_across'],
    nodes: (key, [measure]) => [
      ...judgingNodes(key, measure),
      { asset: 'read_across', key: formatKey([key[1] ?? '']) },
    ],
  },
  evaluate: (inputs): Json | undefined => {
    const isRead = valueOf<true>(inputs.of('read_across')[0])
    const own = isRead === undefined ? undefined : judged(inputs, {})
    if (own === undefined) return undefined
    return asJson({ status: own.status } satisfies OwnVerdictValue)
  },
})

/** What the catalog keeps of a month's standing submission; absent: there is none. */
export interface StandingValue {
  readonly submission: string
  readonly layout: string
  readonly rows: number
}

export const standing = defineAsset({
  kind: 'value',
  name: 'standing',
  ...choosingBy('own_verdict'),
  description: 'the submission that rules of other files and months are held against',
  recipe: '1',
  evaluate: (inputs): Json | undefined => {
    const { winner: submission, layout, rows } = chosen(inputs, 'own_verdict')
    if (submission === null || layout === null || rows === 0) return undefined
    return asJson({ submission, layout, rows } satisfies StandingValue)
  },
})
