/** Random descriptions of asset graphs. */
import fc from 'fast-check'
import type { AssetSpec, MapName, Pick, Shape } from './engine-specs.ts'
import { isPublished } from './engine-specs.ts'

/** Descriptions: two facts, then up to `size` assets that read earlier ones. */
export const specsArbitrary = (size: number): fc.Arbitrary<readonly AssetSpec[]> =>
  fc
    .array(
      fc.record({
        shape: fc.constantFrom<Shape>(
          'value',
          'demand',
          'plain',
          'opaque',
          'parts',
          'copy',
          'writer',
        ),
        parents: fc.array(
          fc.tuple(fc.nat(20), fc.constantFrom<MapName>('same', 'all', 'half', 'value')),
          {
            minLength: 1,
            maxLength: 2,
          },
        ),
        reads: fc.array(fc.tuple(fc.nat(20), fc.constantFrom<Pick>('same', 'fixed', 'value')), {
          maxLength: 2,
        }),
        mayBeAbsent: fc.boolean(),
        seed: fc.nat(9),
      }),
      { minLength: 1, maxLength: size },
    )
    .map((drafts) => {
      const specs: AssetSpec[] = ['f0', 'f1'].map((name) => ({
        name,
        shape: 'fact',
        from: [],
        reads: [],
        mayBeAbsent: false,
        seed: 0,
      }))
      for (const draft of drafts) specs.push(...fromDraft(draft, specs))
      return specs
    })

interface Draft {
  readonly shape: Shape
  readonly parents: readonly (readonly [number, MapName])[]
  readonly reads: readonly (readonly [number, Pick])[]
  readonly mayBeAbsent: boolean
  readonly seed: number
}

function fromDraft(draft: Draft, specs: readonly AssetSpec[]): readonly AssetSpec[] {
  const name = `a${specs.length}`
  const givers = specs.filter(({ shape }) => shape !== 'demand')
  const copied = specs.filter((spec) => isPublished(spec))
  const sources = draft.shape === 'copy' ? copied : givers
  const shape = draft.shape === 'copy' && copied.length === 0 ? 'opaque' : draft.shape
  const pool = sources.length === 0 ? givers : sources
  const from = new Map<string, MapName>()
  for (const [at, map] of shape === 'copy' ? draft.parents.slice(0, 1) : draft.parents) {
    const parent = pool[at % pool.length]
    if (parent !== undefined) from.set(parent.name, shape === 'copy' ? 'same' : map)
  }
  const reads = new Map<string, Pick>()
  for (const [at, pick] of shape === 'copy' ? [] : draft.reads) {
    const parent = specs[at % specs.length]
    const isMember = shape !== 'demand' && from.has(parent?.name ?? '')
    // An on-demand node has no members to read values of.
    if (parent !== undefined && !isMember)
      reads.set(parent.name, shape === 'demand' && pick === 'value' ? 'same' : pick)
  }
  const spec: AssetSpec = {
    name,
    shape,
    from: shape === 'demand' ? [] : [...from].map(([parent, map]) => ({ parent, map })),
    reads: [...reads].map(([parent, pick]) => ({ parent, pick })),
    mayBeAbsent: shape !== 'copy' && draft.mayBeAbsent,
    seed: draft.seed,
  }
  if (shape !== 'writer') return [spec]
  const output: AssetSpec = {
    name: `${name}_out`,
    shape: 'output',
    from: [{ parent: name, map: 'same' }],
    reads: [],
    mayBeAbsent: false,
    seed: draft.seed,
  }
  return [spec, output]
}
