/**
 * The values of a JSON text with their places and paths, so that they can be replaced and all else
 * stays as it was written. Source: RFC 8259. Pure.
 */
import { isDataInName, scrambledText } from './hidden-text.ts'
import { isColumnName } from './name-words.ts'

/** Objects and lists within one another. */
export const JSON_DEPTH_MAX = 256
/** Of a path only its end counts; the last member names the column. */
export const PATH_CHARS_MAX = 512

/** The name of a member, where it is written. */
export interface JsonName {
  readonly name: string
  readonly start: number
  readonly end: number
  /** which objects are alike: the path of theirs, with only the shape of what is surely no name */
  readonly level: string
  /** the member whose value the object is in; undefined: it is the record */
  readonly above: JsonName | undefined
}

export interface JsonLeaf {
  /** the member whose value it is, or whose list holds it; a value alone has none */
  readonly under: JsonName | undefined
  readonly kind: 'text' | 'number' | 'boolean' | 'null'
  /** of the token, in characters of the text, end exclusive */
  readonly start: number
  readonly end: number
}

export interface JsonValue {
  readonly text: string
  readonly leaves: readonly JsonLeaf[]
  readonly names: readonly JsonName[]
  /** of each object in it */
  readonly levels: readonly string[]
}

/** What a leaf says, without quotes and escapes; null of a null. */
export function leafText({ text }: JsonValue, { kind, start, end }: JsonLeaf): string | null {
  if (kind === 'null') return null
  const token = text.slice(start, end)
  return kind === 'text' ? String(JSON.parse(token)) : token
}

/** The values of a text; null where it is no JSON, or nested deeper than JSON_DEPTH_MAX. */
export function readJson(text: string): JsonValue | null {
  if (!isJson(text)) return null
  return new Walk(text).read()
}

/** The texts of the values in it, as the fields of a record; none where it is no JSON. */
export function leafTexts(bytes: Buffer): string[] {
  const value = readJson(bytes.toString())
  return value === null ? [] : value.leaves.map((leaf) => leafText(value, leaf) ?? '')
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch (error) {
    if (error instanceof SyntaxError) return false
    throw error
  }
}

interface Frame {
  /** whose value it is */
  readonly under: JsonName | undefined
  readonly level: string
  readonly isObject: boolean
}

const LITERAL = /[-+.\w]+/y

/** One pass over a text that is known to be JSON. */
class Walk {
  readonly #text: string
  readonly #leaves: JsonLeaf[] = []
  readonly #names: JsonName[] = []
  readonly #levels: string[] = []
  readonly #frames: Frame[] = []
  /** of the value that comes next */
  #under: JsonName | undefined
  #wantsName = false

  constructor(text: string) {
    this.#text = text
  }

  read(): JsonValue | null {
    const text = this.#text
    let at = 0
    while (at < text.length) {
      const char = text.charAt(at)
      if (char === '"') at = this.#string(at)
      else if (/[-\w]/.test(char)) at = this.#literal(at)
      else {
        this.#mark(char)
        if (this.#frames.length > JSON_DEPTH_MAX) return null
        at += 1
      }
    }
    return { text, leaves: this.#leaves, names: this.#names, levels: this.#levels }
  }

  #mark(char: string): void {
    if (char === '{' || char === '[') {
      const level = levelBelow(this.#under)
      this.#frames.push({ under: this.#under, level, isObject: char === '{' })
      if (char === '{') this.#levels.push(level)
      this.#wantsName = char === '{'
    } else if (char === '}' || char === ']') {
      this.#frames.pop()
    } else if (char === ',') {
      const frame = this.#frames.at(-1)
      this.#under = frame?.under
      this.#wantsName = frame?.isObject === true
    }
  }

  #string(start: number): number {
    const end = stringEnd(this.#text, start)
    if (!this.#wantsName) {
      this.#leaves.push({ under: this.#under, kind: 'text', start, end })
      return end
    }
    const name = String(JSON.parse(this.#text.slice(start, end)))
    const { under: above, level = '' } = this.#frames.at(-1) ?? {}
    this.#under = { name, start, end, level, above }
    this.#names.push(this.#under)
    this.#wantsName = false
    return end
  }

  #literal(start: number): number {
    LITERAL.lastIndex = start
    const [token = ''] = LITERAL.exec(this.#text) ?? []
    const end = start + token.length
    const kind = token === 'null' ? 'null' : /^[tf]/.test(token) ? 'boolean' : 'number'
    this.#leaves.push({ under: this.#under, kind, start, end })
    return end
  }
}

function levelBelow(under: JsonName | undefined): string {
  if (under === undefined) return ''
  const { name, level } = under
  const isName = isColumnName(name) && !isDataInName(name)
  return `${level}.${isName ? name : scrambledText(name)}`.slice(-PATH_CHARS_MAX)
}

/** Behind the quote that closes the string at `start`: one with an even number of backslashes before. */
function stringEnd(text: string, start: number): number {
  for (let at = text.indexOf('"', start + 1); at >= 0; at = text.indexOf('"', at + 1)) {
    let before = at
    while (text[before - 1] === '\\') before -= 1
    if ((at - before) % 2 === 0) return at + 1
  }
  return text.length
}
