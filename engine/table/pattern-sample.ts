/**
 * Texts that a layout's pattern matches, for synthetic files. Reads the syntax of pattern.ts: it is
 * a subset of both JavaScript's and RE2's, so that a few rules suffice. Repetition without a bound
 * is taken up to three times.
 */
import { assert } from '../core/errors.ts'
import { compilePattern } from './pattern.ts'
import type { SeededRandom } from './seeded-random.ts'

type Sampler = (random: SeededRandom) => string

const UNBOUNDED_EXTRA = 3
const TRIES_MAX = 200
const PRINTABLE = Array.from({ length: 0x5f }, (_, at) => String.fromCharCode(0x20 + at))
const CLASSES: Readonly<Record<string, RegExp>> = {
  d: /\d/,
  D: /\D/,
  w: /\w/,
  W: /\W/,
  s: / /,
  S: /\S/,
}
const CONTROLS: Readonly<Record<string, string>> = {
  t: '\t',
  n: '\n',
  r: '\r',
  f: '\f',
  v: '\v',
}

/** Gives a text of the pattern that `isUsable`, or undefined where none was met in 200 tries. */
export function samplePattern(
  pattern: string,
  random: SeededRandom,
  isUsable: (text: string) => boolean,
): string | undefined {
  const matcher = compilePattern(pattern)
  const sample = new Reader(pattern).alternatives()
  for (let attempt = 0; attempt < TRIES_MAX; attempt += 1) {
    const text = sample(random)
    if (matcher.test(text) && isUsable(text)) return text
  }
  return undefined
}

class Reader {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  alternatives(): Sampler {
    const branches = [this.#sequence()]
    while (this.#text[this.#at] === '|') {
      this.#at += 1
      branches.push(this.#sequence())
    }
    return (random) => random.pick(branches)(random)
  }

  #sequence(): Sampler {
    const pieces: Sampler[] = []
    while (this.#at < this.#text.length && !'|)'.includes(this.#text[this.#at] as string)) {
      pieces.push(this.#repeated(this.#atom()))
    }
    return (random) => pieces.map((piece) => piece(random)).join('')
  }

  #atom(): Sampler {
    const char = this.#text[this.#at] as string
    this.#at += 1
    if (char === '^' || char === '$') return () => ''
    if (char === '.') return (random) => random.pick(PRINTABLE)
    if (char === '(') return this.#group()
    if (char === '[') return anyOf(this.#class())
    return char === '\\' ? anyOf(this.#escape()) : () => char
  }

  #group(): Sampler {
    if (this.#text.startsWith('?:', this.#at)) this.#at += 2
    const inner = this.alternatives()
    assert(this.#text[this.#at] === ')', 'a pattern with an unclosed group')
    this.#at += 1
    return inner
  }

  #escape(): readonly string[] {
    const char = this.#text[this.#at] as string
    this.#at += 1
    const known = CLASSES[char]
    if (known !== undefined) return PRINTABLE.filter((one) => known.test(one))
    return [CONTROLS[char] ?? char]
  }

  #class(): readonly string[] {
    const isNegated = this.#text[this.#at] === '^'
    if (isNegated) this.#at += 1
    const members: string[] = []
    while (this.#text[this.#at] !== ']') {
      const from = this.#member()
      const isRange = this.#text[this.#at] === '-' && this.#text[this.#at + 1] !== ']'
      if (!isRange) members.push(...from)
      else {
        this.#at += 1
        members.push(...between(from[0] ?? '', this.#member()[0] ?? ''))
      }
    }
    this.#at += 1
    return isNegated ? PRINTABLE.filter((one) => !members.includes(one)) : members
  }

  #member(): readonly string[] {
    const char = this.#text[this.#at] as string
    this.#at += 1
    return char === '\\' ? this.#escape() : [char]
  }

  #repeated(piece: Sampler): Sampler {
    const match = /^(?:([*+?])|\{(\d+)(,?)(\d*)\})\??/.exec(this.#text.slice(this.#at))
    if (match === null) return piece
    this.#at += match[0].length
    const [, sign, low = '0', comma, high = ''] = match
    const least = sign === undefined ? Number(low) : sign === '+' ? 1 : 0
    const isUnbounded = sign === '*' || sign === '+' || (comma === ',' && high === '')
    const most = isUnbounded ? least + UNBOUNDED_EXTRA : sign === '?' ? 1 : Number(high || low)
    return (random) =>
      Array.from({ length: least + random.below(most - least + 1) }, () => piece(random)).join('')
  }
}

const anyOf =
  (members: readonly string[]): Sampler =>
  (random) =>
    members.length === 0 ? '' : random.pick(members)

/** Characters beyond ASCII are left out of a range: there are enough. */
const between = (from: string, to: string): readonly string[] =>
  PRINTABLE.filter((one) => one >= from && one <= to)
