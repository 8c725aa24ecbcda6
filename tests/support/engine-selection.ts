/** What a random run selects: the text for the engine, and the test for the model. */
import type { RunStep } from './engine-history.ts'
import type { Request } from './engine-model.ts'
import type { AssetSpec } from './engine-specs.ts'

export interface ChosenNodes {
  readonly selection: string
  readonly isSelected: Request['isSelected']
}

/** One of the assets that are built or evaluated. */
export function namedAsset(specs: readonly AssetSpec[], at: number): AssetSpec {
  const own = specs.filter(({ shape }) => shape !== 'fact' && shape !== 'output')
  const spec = own[at % own.length]
  if (spec === undefined) throw new Error('a graph has an asset')
  return spec
}

/** The selection of a run. */
export function selectionOf(
  specs: readonly AssetSpec[],
  { type, asset, key }: RunStep,
): ChosenNodes {
  const { name } = namedAsset(specs, asset)
  switch (type) {
    case 'all':
      return { selection: '*', isSelected: () => true }
    case 'asset':
      return { selection: name, isSelected: (one) => one === name }
    case 'above': {
      const above = spread(specs, name, 'up')
      return { selection: `+${name}`, isSelected: (one) => above.has(one) }
    }
    case 'below': {
      const below = spread(specs, name, 'down')
      return { selection: `${name}+`, isSelected: (one) => below.has(one) }
    }
    case 'not':
      return { selection: `not ${name}`, isSelected: (one) => one !== name }
    case 'key':
      return { selection: `${name}/${key}`, isSelected: (one, own) => one === name && own === key }
  }
}

function spread(
  specs: readonly AssetSpec[],
  name: string,
  way: 'up' | 'down',
): ReadonlySet<string> {
  const found = new Set([name])
  for (const spec of way === 'up' ? specs.toReversed() : specs) {
    const parents = [...spec.from, ...spec.reads].map((one) => one.parent)
    if (way === 'up' && found.has(spec.name)) for (const parent of parents) found.add(parent)
    if (way === 'down' && parents.some((parent) => found.has(parent))) found.add(spec.name)
  }
  return found
}
