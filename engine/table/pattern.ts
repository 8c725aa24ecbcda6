/**
 * The part of regular expression syntax that means the same in RE2 (DuckDB) and in JavaScript.
 *
 * A layout's `pattern` runs on both sides, so a construct that the two read differently is refused
 * when the layout is read: look-around, back-references, named groups, flags, Unicode classes,
 * POSIX classes. `.` and `\s` differ only in JavaScript's wider white space and are rewritten.
 * Unbounded repetition inside unbounded repetition is refused too: JavaScript would backtrack
 * exponentially on hostile fields.
 */
import { assert } from '../core/errors.ts'

/** RE2 refuses counted repetition above 1,000, also as a product of nested counts. */
const REPEAT_MAX = 1000
const PATTERN_LENGTH_MAX = 1000
const SPACE = String.raw`\t\n\f\r `

interface Scope {
  unbounded: boolean
  factor: number
}

class PatternProblem extends Error {}

const refuse = (what: string): never => {
  throw new PatternProblem(what)
}

/** Why a pattern cannot be used, in words, or null when it can. */
export function patternProblem(pattern: string): string | null {
  try {
    toJavaScript(pattern)
    return null
  } catch (error) {
    if (error instanceof PatternProblem) return error.message
    throw error
  }
}

/** The whole-value test of a pattern. The pattern must have passed patternProblem. */
export function compilePattern(pattern: string): RegExp {
  assert(patternProblem(pattern) === null, 'a pattern outside the common syntax reached the parse')
  return toJavaScript(pattern)
}

function toJavaScript(pattern: string): RegExp {
  if (pattern.length > PATTERN_LENGTH_MAX) refuse(`is longer than ${PATTERN_LENGTH_MAX} characters`)
  if (!pattern.isWellFormed()) refuse('is not well-formed Unicode')
  const source = new Translator(pattern).translate()
  try {
    return new RegExp(`^(?:${source})$`, 'u')
  } catch {
    return refuse('is not a regular expression')
  }
}

class Translator {
  readonly #text: string
  #at = 0
  #out = ''
  readonly #open: Scope[] = [{ unbounded: false, factor: 1 }]
  /** what the next quantifier would repeat */
  #last: Scope | null = null

  constructor(text: string) {
    this.#text = text
  }

  translate(): string {
    while (this.#at < this.#text.length) this.#token(this.#text[this.#at] as string)
    if (this.#open.length > 1) refuse('has an unclosed group')
    return this.#out
  }

  #token(char: string): void {
    if (char === '\0') refuse('has a NUL')
    if (char === '\\') return this.#atom(this.#escape(false), 2)
    if (char === '.') return this.#atom(String.raw`[^\n]`, 1)
    if (char === '[') return this.#class()
    if (char === '(') return this.#enter()
    if (char === ')') return this.#leave()
    if ('*+?{'.includes(char)) return this.#quantifier()
    if (char === '|' || char === '^' || char === '$') {
      this.#last = null
      this.#out += char
      this.#at += 1
      return
    }
    this.#atom(char, 1)
  }

  #atom(source: string, consumed: number): void {
    this.#out += source
    this.#at += consumed
    this.#last = { unbounded: false, factor: 1 }
  }

  #escape(inClass: boolean): string {
    const char = this.#text[this.#at + 1] ?? refuse('ends with a backslash')
    if ('dDwWtnrfv'.includes(char)) return `\\${char}`
    if (char === 's') return inClass ? SPACE : `[${SPACE}]`
    if (char === 'S' && !inClass) return `[^${SPACE}]`
    if ('^$\\.*+?()[]{}|/'.includes(char)) return `\\${char}`
    if (char === '-') return inClass ? String.raw`\-` : '-'
    return refuse(`has the escape \\${char}, which RE2 and JavaScript do not share`)
  }

  #class(): void {
    this.#out += '['
    this.#at += 1
    if (this.#text[this.#at] === '^') {
      this.#out += '^'
      this.#at += 1
    }
    if (this.#text[this.#at] === ']') refuse('has an empty character class')
    for (let char = this.#text[this.#at]; char !== ']'; char = this.#text[this.#at]) {
      if (char === undefined) refuse('has an unclosed character class')
      else if (char === '[') refuse('has an unescaped [ in a character class')
      else if (char === '\\') {
        this.#out += this.#escape(true)
        this.#at += 2
      } else {
        this.#out += char
        this.#at += 1
      }
    }
    this.#atom(']', 1)
  }

  #enter(): void {
    const plain = this.#text.startsWith('(?:', this.#at)
    if (!plain && this.#text[this.#at + 1] === '?') refuse('has a group of a kind other than (?:…)')
    this.#out += '(?:'
    this.#at += plain ? 3 : 1
    this.#open.push({ unbounded: false, factor: 1 })
    this.#last = null
  }

  #leave(): void {
    const scope = this.#open.pop() as Scope
    if (this.#open.length === 0) refuse('closes a group that is not open')
    this.#out += ')'
    this.#at += 1
    this.#merge(scope)
    this.#last = scope
  }

  #quantifier(): void {
    const match = /^(?:[*+?]|\{(\d{1,4})(,?)(\d{0,4})\})\??/.exec(this.#text.slice(this.#at))
    const inner = this.#last
    if (match === null || inner === null) return refuse('has a quantifier with nothing to repeat')
    const [source, low = '', comma = '', high = ''] = match
    const unbounded = /^[*+]/.test(source) || (comma === ',' && high === '')
    if (unbounded && inner.unbounded) refuse('repeats an unbounded repetition without bound')
    const count = Math.max(Number(low), Number(high), 1) * inner.factor
    if (count > REPEAT_MAX) refuse(`repeats more than ${REPEAT_MAX} times`)
    this.#merge({ unbounded, factor: count })
    this.#out += source
    this.#at += source.length
    this.#last = null
  }

  #merge(scope: Scope): void {
    const outer = this.#open.at(-1) as Scope
    outer.unbounded ||= scope.unbounded
    outer.factor = Math.max(outer.factor, scope.factor)
  }
}
