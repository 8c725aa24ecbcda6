/** Histories for the engine's properties: edits of the facts and the code, and runs between them. */
import fc from 'fast-check'
import type { AssetSpec } from './engine-specs.ts'
import { specsArbitrary } from './engine-random.ts'
import { FACT_KEYS } from './engine-specs.ts'

export type Edit =
  | {
      readonly type: 'set'
      readonly asset: string
      readonly key: string
      readonly n: number
      readonly more: number
    }
  | { readonly type: 'remove'; readonly asset: string; readonly key: string }
  /** the same facts are observed again */
  | { readonly type: 'touch' }
  /** the facts of some steps ago */
  | { readonly type: 'revert'; readonly steps: number }
  | { readonly type: 'bump'; readonly asset: number; readonly recipe: string }
  /** a part's file goes */
  | { readonly type: 'lose'; readonly part: number }

export interface RunStep {
  readonly type: 'all' | 'asset' | 'above' | 'below' | 'not' | 'key'
  readonly asset: number
  readonly key: string
  readonly force: boolean
  readonly concurrency: number
  /** builds of this asset fail */
  readonly failing: number | undefined
  /** die at this failpoint hit */
  readonly crash: number | undefined
}

export interface Step {
  readonly edits: readonly Edit[]
  readonly run: RunStep
}

export interface History {
  readonly specs: readonly AssetSpec[]
  readonly steps: readonly Step[]
}

const fact = { asset: fc.constantFrom('f0', 'f1'), key: fc.constantFrom(...FACT_KEYS) }
const type = <Name extends string>(name: Name): fc.Arbitrary<Name> => fc.constant(name)

const editArbitrary: fc.Arbitrary<Edit> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ type: type('set'), ...fact, n: fc.nat(2), more: fc.nat(1) }),
  },
  { weight: 2, arbitrary: fc.record({ type: type('remove'), ...fact }) },
  { weight: 1, arbitrary: fc.record({ type: type('touch') }) },
  {
    weight: 2,
    arbitrary: fc.record({ type: type('revert'), steps: fc.integer({ min: 1, max: 3 }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      type: type('bump'),
      asset: fc.nat(9),
      recipe: fc.constantFrom('1', '2'),
    }),
  },
  { weight: 1, arbitrary: fc.record({ type: type('lose'), part: fc.nat(20) }) },
)

const runArbitrary: fc.Arbitrary<RunStep> = fc.record({
  type: fc.constantFrom<RunStep['type']>('all', 'all', 'asset', 'above', 'below', 'not', 'key'),
  asset: fc.nat(9),
  key: fc.constantFrom('0', '1', 'a', 'h0'),
  force: fc.constantFrom(false, false, false, true),
  concurrency: fc.constantFrom(1, 2, 8),
  failing: fc.option(fc.nat(9), { nil: undefined, freq: 4 }),
  crash: fc.option(fc.integer({ min: 1, max: 30 }), { nil: undefined, freq: 3 }),
})

/** Graphs of up to `assets` assets beside the facts, histories of up to `steps` runs. */
export const historyArbitrary = (size: {
  readonly assets: number
  readonly steps: number
}): fc.Arbitrary<History> =>
  fc.record({
    specs: specsArbitrary(size.assets),
    steps: fc.array(
      fc.record({ edits: fc.array(editArbitrary, { maxLength: 4 }), run: runArbitrary }),
      { minLength: 1, maxLength: size.steps },
    ),
  })
