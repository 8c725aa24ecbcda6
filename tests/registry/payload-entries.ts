/** Payloads as entries of registry files, many at a time, and which of them the registry takes. */
import { EngineError } from '../../engine/index.ts'
import { readRegistry } from '../../registry/read.ts'
import type { Issue } from '../../registry/source.ts'
import { isUnsafe } from './payloads.ts'
import { sampleFiles } from './sample-registry.ts'

const BATCH = 2000
export const batches = (texts: readonly string[], size = BATCH): readonly (readonly string[])[] =>
  Array.from({ length: Math.ceil(texts.length / size) }, (_, at) =>
    texts.slice(at * size, (at + 1) * size),
  )

/** What an error says, as the terminal and the catalog get it. */
export const printed = (issues: readonly Issue[]): string =>
  issues.length === 0 ? '' : new EngineError('REGISTRY_INVALID', { issues }).message

/** A registry file that holds payloads, one entry a line: the first stands on line 2. */
export interface PayloadPlace {
  readonly path: string
  readonly head: string
  readonly entry: (text: string, at: number) => string
  readonly tail: string
  /** the files it stands on */
  readonly also?: (texts: readonly string[]) => Readonly<Record<string, string>>
}

/** The registry with these texts in their place. */
export function registryWith(place: PayloadPlace, texts: readonly string[]) {
  const { path, head, entry, tail, also = () => ({}) } = place
  const entries = texts.map((text, at) => entry(text, at))
  const file = `${head}\n${entries.join(',\n')}\n${tail}`
  return readRegistry(sampleFiles({ ...also(texts), [path]: file }))
}

/** The texts that the registry has no issue with; throws when an issue shows a raw mark. */
export function accepted(place: PayloadPlace, texts: readonly string[]): readonly string[] {
  const { issues } = registryWith(place, texts)
  if (isUnsafe(printed(issues))) throw new Error(`an issue of ${place.path} holds a raw mark`)
  const refused = new Set(
    issues.filter(({ file }) => file === place.path).map(({ line }) => line - 2),
  )
  const left = texts.filter((_, at) => !refused.has(at))
  // What a shape hides is looked at once the shape is sound.
  return left.length === texts.length || left.length === 0 ? left : accepted(place, left)
}

export const json = (value: unknown): string => JSON.stringify(value)
