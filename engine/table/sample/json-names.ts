/**
 * Names of members of JSON records as they are shown: a record may be keyed by persons, so only what
 * is surely a name is one. Pure.
 */
import { isDataInName, plainName, scrambledText } from './hidden-text.ts'
import { type JsonName, type JsonValue, PATH_CHARS_MAX } from './json-leaves.ts'
import { isColumnName, isIdentifier } from './name-words.ts'

/** Objects that must have a name whose words are unknown; and half of those alike. */
const OBJECTS_OF_A_NAME_MIN = 5
/** Objects that show whether their names differ. */
const OBJECTS_OF_A_MAP_MIN = 3

interface Level {
  objects: number
  /** objects that have each name */
  readonly counts: Map<string, number>
  isMap: boolean
}

/** Decides for all records together. */
export class ShownNames {
  readonly #own: ReadonlySet<string>
  readonly #levels = new Map<string, Level>()
  readonly #paths = new Map<JsonName, string>()

  /** `own`: names that surely are some (plainName). */
  constructor(records: readonly (JsonValue | null)[], own: ReadonlySet<string> = new Set()) {
    this.#own = own
    for (const record of records) {
      for (const level of record?.levels ?? []) this.#level(level).objects += 1
      for (const { name, level } of record?.names ?? []) {
        const { counts } = this.#level(level)
        counts.set(name, (counts.get(name) ?? 0) + 1)
      }
    }
    for (const level of this.#levels.values()) level.isMap = isMap(level)
  }

  shown(name: JsonName): string {
    return this.#isName(name) ? name.name : scrambledText(name.name)
  }

  /** `address.city` of what is under a name; the members of a list have the path of the list. */
  path(under: JsonName | undefined): string {
    if (under === undefined) return ''
    const known = this.#paths.get(under)
    if (known !== undefined) return known
    const above = this.path(under.above)
    const shown = this.shown(under)
    const path = (above === '' ? shown : `${above}.${shown}`).slice(-PATH_CHARS_MAX)
    this.#paths.set(under, path)
    return path
  }

  #level(path: string): Level {
    const known = this.#levels.get(path)
    if (known !== undefined) return known
    const level: Level = { objects: 0, counts: new Map(), isMap: false }
    this.#levels.set(path, level)
    return level
  }

  #isName({ name, level }: JsonName): boolean {
    if (this.#own.has(plainName(name))) return true
    if (isDataInName(name)) return false
    const found = this.#level(level)
    const count = found.counts.get(name) ?? 0
    const isOften = count >= OBJECTS_OF_A_NAME_MIN && count * 2 >= found.objects
    if (isOften && isIdentifier(name)) return true
    return isColumnName(name) && (isOften || !found.isMap)
  }
}

/** Whether most names of objects that are alike stand in one of them: an identifier, not a name. */
function isMap({ objects, counts }: Level): boolean {
  if (objects < OBJECTS_OF_A_MAP_MIN) return false
  const once = [...counts.values()].filter((count) => count === 1).length
  return once * 2 > counts.size
}
