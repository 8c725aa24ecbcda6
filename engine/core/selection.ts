/**
 * The selection grammar: which partitions a person means. One grammar for CLI, page and sensors.
 *
 *     gold_canonical                              every partition of an asset
 *     gold_canonical/CO/medical/2024-12           one partition (a shorter key is a prefix)
 *     gold_canonical[state=CO,atomic_month>=2024-01]
 *     +silver   silver+   2+silver   silver+1     with ancestors, descendants, to a depth
 *     tag:phi   kind:stored   *
 *     a or b    a and b    not a    ( … )         `,` is `or`
 *
 * Predicates compare as text: = != < <= > >=, and `*` in a value of = and != stands for any text.
 */
import { EngineError } from './errors.ts'

export type Operator = '=' | '!=' | '<' | '<=' | '>' | '>='

export interface Predicate {
  readonly dimension: string
  readonly operator: Operator
  readonly value: string
  /** 1-based, for errors */
  readonly column: number
}

export type SelectionNode =
  | { readonly type: 'all' }
  | {
      readonly type: 'asset'
      readonly asset: string
      readonly predicates: readonly Predicate[]
      /** leading key values, from the path form */
      readonly prefix: readonly string[]
      readonly column: number
    }
  | { readonly type: 'tag' | 'kind'; readonly value: string }
  | { readonly type: 'and' | 'or'; readonly of: readonly SelectionNode[] }
  | { readonly type: 'not'; readonly of: SelectionNode }
  /** `up` and `down` are depths; Infinity: all the way */
  | {
      readonly type: 'spread'
      readonly of: SelectionNode
      readonly up: number
      readonly down: number
    }

const TOKEN =
  /\s*(?:(\(|\)|,|\*)|(\d+)?(\+)(\d+)?|((?:tag|kind):[\w.-]+)|([A-Za-z_]\w*)((?:\/[^\s()+,[\]]+)*)(\[[^\]]*\])?)/y

interface Token {
  readonly kind: 'mark' | 'plus' | 'label' | 'name'
  readonly text: string
  readonly column: number
  readonly before?: string | undefined
  readonly after?: string | undefined
  readonly path?: string | undefined
  readonly brackets?: string | undefined
}

const DEPTH_MAX = 1000
const LENGTH_MAX = 10_000

/** Parses a selection. Throws SELECTION_SYNTAX with the 1-based column. */
export function parseSelection(text: string): SelectionNode {
  const parser = new Parser(text)
  return parser.whole()
}

const NESTING_MAX = 100

/** Recursive descent over the tokens: or → and → not → spread → operand. */
class Parser {
  readonly #text: string
  readonly #tokens: readonly Token[]
  #at = 0
  #nesting = 0

  constructor(text: string) {
    this.#text = text
    this.#tokens = tokenize(text)
  }

  whole(): SelectionNode {
    const node = this.#any()
    const rest = this.#peek()
    if (rest !== undefined) this.#fail(rest.column, `${rest.text} is not expected here`)
    return node
  }

  #peek(): Token | undefined {
    return this.#tokens[this.#at]
  }

  #fail(column: number, reason: string): never {
    throw new EngineError('SELECTION_SYNTAX', { selection: this.#text, column, reason })
  }

  #isWord(word: string): boolean {
    const token = this.#peek()
    return (
      token?.kind === 'name' &&
      token.text === word &&
      token.path === '' &&
      token.brackets === undefined
    )
  }

  #any(): SelectionNode {
    const of = [this.#every()]
    while (this.#isWord('or') || this.#peek()?.text === ',') {
      this.#at++
      of.push(this.#every())
    }
    return joined('or', of)
  }

  #every(): SelectionNode {
    const of = [this.#negated()]
    while (this.#isWord('and')) {
      this.#at++
      of.push(this.#negated())
    }
    return joined('and', of)
  }

  #negated(): SelectionNode {
    if (!this.#isWord('not')) return this.#spread()
    this.#at++
    return { type: 'not', of: this.#nested(() => this.#negated()) }
  }

  #nested(parse: () => SelectionNode): SelectionNode {
    this.#nesting++
    if (this.#nesting > NESTING_MAX) this.#fail(1, `nested deeper than ${NESTING_MAX}`)
    const node = parse()
    this.#nesting--
    return node
  }

  #spread(): SelectionNode {
    const up = this.#plus('before')
    const of = this.#operand()
    const down = this.#plus('after')
    return up === 0 && down === 0 ? of : { type: 'spread', of, up, down }
  }

  /** The depth of a `+` that comes next; 0: there is none. */
  #plus(side: 'before' | 'after'): number {
    const token = this.#peek()
    if (token?.kind !== 'plus') return 0
    this.#at++
    const digits = token[side]
    return digits === undefined ? Infinity : Math.min(Number(digits), DEPTH_MAX)
  }

  #operand(): SelectionNode {
    const token = this.#peek()
    if (token === undefined)
      return this.#fail(this.#text.length + 1, 'something to select is missing')
    this.#at++
    if (token.text === '(') return this.#group()
    if (token.text === '*') return { type: 'all' }
    if (token.kind === 'label') {
      const [type = '', value = ''] = token.text.split(':')
      return { type: type === 'tag' ? 'tag' : 'kind', value }
    }
    if (token.kind !== 'name') return this.#fail(token.column, `${token.text} is not expected here`)
    return {
      type: 'asset',
      asset: token.text,
      predicates: predicatesOf(token, (column, reason) => this.#fail(column, reason)),
      prefix: (token.path ?? '').split('/').slice(1),
      column: token.column,
    }
  }

  #group(): SelectionNode {
    const inner = this.#nested(() => this.#any())
    const close = this.#peek()
    if (close?.text !== ')') this.#fail(close?.column ?? this.#text.length + 1, 'a ) is missing')
    this.#at++
    return inner
  }
}

const joined = (type: 'and' | 'or', of: readonly SelectionNode[]): SelectionNode => {
  const [only] = of
  return of.length === 1 && only !== undefined ? only : { type, of }
}

function tokenize(text: string): readonly Token[] {
  const tokens: Token[] = []
  const end = text.trimEnd().length
  if (end > LENGTH_MAX) {
    throw new EngineError('SELECTION_SYNTAX', {
      selection: `${text.slice(0, 40)}…`,
      column: LENGTH_MAX,
      reason: 'longer than 10,000 characters',
    })
  }
  for (let at = 0; at < end;) {
    TOKEN.lastIndex = at
    const match = TOKEN.exec(text)
    const column = at + (/^\s*/.exec(text.slice(at))?.[0].length ?? 0) + 1
    if (match === null) {
      const reason = `${text.slice(column - 1, column)} is not expected here`
      throw new EngineError('SELECTION_SYNTAX', { selection: text, column, reason })
    }
    const [, mark, before, plus, after, label, name, path, brackets] = match
    if (mark !== undefined) tokens.push({ kind: 'mark', text: mark, column })
    else if (plus !== undefined) tokens.push({ kind: 'plus', text: plus, column, before, after })
    else if (label !== undefined) tokens.push({ kind: 'label', text: label, column })
    else tokens.push({ kind: 'name', text: name ?? '', column, path, brackets })
    at = TOKEN.lastIndex
  }
  return tokens
}

const PREDICATE = /^\s*([A-Za-z_]\w*)\s*(!=|<=|>=|=|<|>)\s*(\S(?:.*\S)?)\s*$/

function predicatesOf(
  token: Token,
  fail: (column: number, reason: string) => never,
): readonly Predicate[] {
  if (token.brackets === undefined) return []
  const start = token.column + token.text.length + (token.path?.length ?? 0) + 1
  let column = start
  return token.brackets
    .slice(1, -1)
    .split(',')
    .map((text) => {
      const match = PREDICATE.exec(text)
      const here = column
      column += text.length + 1
      if (match === null) return fail(here, `${text.trim() || 'nothing'} is not dimension=value`)
      const [, dimension = '', operator = '=', value = ''] = match
      return { dimension, operator: operator as Operator, value, column: here }
    })
}

/** Whether a key value satisfies a predicate. */
export function matches({ operator, value }: Predicate, actual: string): boolean {
  switch (operator) {
    case '=':
      return like(value, actual)
    case '!=':
      return !like(value, actual)
    case '<':
      return actual < value
    case '<=':
      return actual <= value
    case '>':
      return actual > value
    case '>=':
      return actual >= value
  }
}

/** `*` stands for any text. Linear: each literal piece is searched once, left to right. */
function like(pattern: string, text: string): boolean {
  if (!pattern.includes('*')) return pattern === text
  const pieces = pattern.split('*')
  const first = pieces[0] ?? ''
  const last = pieces.at(-1) ?? ''
  if (!text.startsWith(first)) return false
  let at = first.length
  for (const piece of pieces.slice(1, -1)) {
    const found = text.indexOf(piece, at)
    if (found < 0) return false
    at = found + piece.length
  }
  return text.length - last.length >= at && text.endsWith(last)
}
