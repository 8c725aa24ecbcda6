/** Values of JSON records as columns, and the records with masked values. Pure. */
import type { SampledColumn } from './contract.ts'
import { leafText, type JsonLeaf, type JsonValue } from './json-leaves.ts'
import { maskedText, type Masks } from './masks.ts'
import { scrambledText } from './hidden-text.ts'
import { ShownNames } from './json-names.ts'

/** Paths that are columns; values at further ones are hidden whenever something is masked. */
const PATHS_MAX = 1_000
/** RFC 8259 §6 */
const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/

export interface JsonColumns {
  readonly columns: readonly SampledColumn[]
  /** column of each path */
  readonly places: ReadonlyMap<string, number>
  readonly names: ShownNames
}

interface Building {
  readonly texts: (string | null)[]
  readonly kinds: Set<JsonLeaf['kind']>
}

/** The columns of records; null: a record that is no JSON, which has none of them. */
export function jsonColumns(
  records: readonly (JsonValue | null)[],
  ownNames?: ReadonlySet<string>,
): JsonColumns {
  const names = new ShownNames(records, ownNames)
  const byPath = new Map<string, Building>()
  for (const [at, record] of records.entries()) {
    const met = new Set<Building>()
    for (const leaf of record?.leaves ?? []) {
      const path = names.path(leaf.under)
      const known = byPath.get(path)
      if (known === undefined && byPath.size >= PATHS_MAX) continue
      const building = known ?? { texts: nulls(at), kinds: new Set() }
      if (known === undefined) byPath.set(path, building)
      building.texts.push(leafText(record as JsonValue, leaf))
      if (leaf.kind !== 'null') building.kinds.add(leaf.kind)
      met.add(building)
    }
    for (const building of byPath.values()) if (!met.has(building)) building.texts.push(null)
  }
  const columns = [...byPath].map(([name, { texts, kinds }]): SampledColumn => {
    const [kind] = kinds
    const type = kinds.size === 1 && kind !== undefined && kind !== 'null' ? kind : 'text'
    return { name: name === '' ? undefined : name, texts, type }
  })
  const places = new Map([...byPath.keys()].map((path, place) => [path, place]))
  return { columns, places, names }
}

const nulls = (count: number): null[] => Array.from({ length: count }, () => null)

/** The record with masked values; everything else is as it was written. */
export function maskedJson(
  record: JsonValue,
  { places, names }: JsonColumns,
  masks: Masks,
): string {
  const { text } = record
  const edits = [
    ...record.names.flatMap((name) => {
      const { start, end } = name
      const shown = names.shown(name)
      return shown === name.name ? [] : [{ start, end, by: () => JSON.stringify(shown) }]
    }),
    ...record.leaves.flatMap((leaf) => {
      const place = places.get(names.path(leaf.under))
      if (leaf.kind === 'null' || (place !== undefined && (masks[place] ?? null) === null)) {
        return []
      }
      const by = (): string => maskedLeaf(record, leaf, { place, masks })
      return [{ start: leaf.start, end: leaf.end, by }]
    }),
  ].toSorted((a, b) => a.start - b.start)
  let from = 0
  const pieces = edits.flatMap(({ start, end, by }) => {
    const between = text.slice(from, start)
    from = end
    return [between, by()]
  })
  return pieces.join('') + text.slice(from)
}

function maskedLeaf(
  record: JsonValue,
  leaf: JsonLeaf,
  { place, masks }: { readonly place: number | undefined; readonly masks: Masks },
): string {
  const text = leafText(record, leaf) ?? ''
  const other = place === undefined ? scrambledText(text) : maskedText(masks, place, text)
  if (other === text && leaf.kind !== 'boolean') return record.text.slice(leaf.start, leaf.end)
  if (leaf.kind === 'text') return JSON.stringify(other)
  // a value of two tells nothing when it is always the same one
  if (leaf.kind === 'boolean') return 'false'
  return NUMBER.test(other) ? other : text.replaceAll(/\d/g, '1')
}
