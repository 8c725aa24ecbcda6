/** Every asset of the road, in data order. */
import type { AssetDefinition, DuckPool } from '../engine/index.ts'
import { crossMeasureAsset, crossReads, trend } from './across.ts'
import { canonicalGoldAsset, mappingMonth } from './canonical-gold.ts'
import {
  decisionFacts,
  deliveryFacts,
  pinFacts,
  registryFacts,
  stampFacts,
  stopReasonFacts,
} from './fact-assets.ts'
import type { Inbox } from './inbox.ts'
import type { SecretsOf } from './package-secrets.ts'
import { rawAsset } from './raw.ts'
import { ruleReads } from './rule-reads.ts'
import { outbox } from './outbox.ts'
import { parseAsset, rejects, silver } from './silver.ts'
import { ownVerdict, standing } from './standing.ts'
import { submitterGold } from './submitter-gold.ts'
import { measureAsset, ruleSamples, validationReport, verdict } from './validation.ts'
import { winner } from './winner.ts'

export interface RoadOptions {
  readonly secretsOf: SecretsOf
  /** the asset `sample`, where the project wants it */
  readonly sample?: AssetDefinition | undefined
}

/** The road's assets: what is delivered comes from the inbox, rows are computed in the pool. */
export const roadAssets = (
  inbox: Inbox,
  duck: DuckPool,
  { secretsOf, sample }: RoadOptions,
): readonly AssetDefinition[] => [
  deliveryFacts,
  stampFacts,
  stopReasonFacts,
  decisionFacts,
  pinFacts,
  ...registryFacts,
  rawAsset(inbox),
  ...(sample === undefined ? [] : [sample]),
  parseAsset(duck, secretsOf),
  silver,
  rejects,
  ruleReads,
  measureAsset(duck),
  ruleSamples,
  ownVerdict,
  standing,
  crossReads,
  crossMeasureAsset(duck),
  trend,
  verdict,
  validationReport,
  outbox,
  winner,
  submitterGold,
  mappingMonth,
  canonicalGoldAsset(duck),
]
