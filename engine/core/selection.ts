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
  | { readonly type: 'spread'; readonly of: SelectionNode; readonly up: number; readonly down: number }

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
  const tokens = tokenize(text)
  let at = 0
  let nesting = 0
  const fail = (column: number, reason: string): never => {
    throw new EngineError('SELECTION_SYNTAX', { selection: text, column, reason })
  }
  const peek = (): Token | undefined => tokens[at]
  const isWord = (word: string): boolean => {
    const token = peek()
    return token?.kind === 'name' && token.text === word && !token.path && !token.brackets
  }
  const any = (): SelectionNode => {
    const of = [every()]
    while (isWord('or') || peek()?.text === ',') {
      at++
      of.push(every())
    }
    return of.length === 1 && of[0] !== undefined ? of[0] : { type: 'or', of }
  }
  const every = (): SelectionNode => {
    const of = [negated()]
    while (isWord('and')) {
      at++
      of.push(negated())
    }
    return of.length === 1 && of[0] !== undefined ? of[0] : { type: 'and', of }
  }
  const negated = (): SelectionNode => {
    if (!isWord('not')) return spread()
    at++
    return { type: 'not', of: nested(negated) }
  }
  const nested = (parse: () => SelectionNode): SelectionNode => {
    if (++nesting > 100) fail(1, 'nested deeper than 100')
    const node = parse()
    nesting--
    return node
  }
  const spread = (): SelectionNode => {
    let up = 0
    const lead = peek()
    if (lead?.kind === 'plus') {
      up = lead.before === undefined ? Infinity : depth(lead.before)
      at++
    }
    const of = base()
    const trail = peek()
    if (trail?.kind !== 'plus') return up === 0 ? of : { type: 'spread', of, up, down: 0 }
    at++
    const down = trail.after === undefined ? Infinity : depth(trail.after)
    return { type: 'spread', of, up, down }
  }
  const base = (): SelectionNode => {
    const token = peek()
    if (token === undefined) return fail(text.length + 1, 'something to select is missing')
    at++
    if (token.text === '(') {
      const inner = nested(any)
      if (peek()?.text !== ')') fail(peek()?.column ?? text.length + 1, 'a ) is missing')
      at++
      return inner
    }
    if (token.text === '*') return { type: 'all' }
    if (token.kind === 'label') {
      const [type = '', value = ''] = token.text.split(':')
      return { type: type === 'tag' ? 'tag' : 'kind', value }
    }
    if (token.kind !== 'name') return fail(token.column, `${token.text} is not expected here`)
    return {
      type: 'asset',
      asset: token.text,
      predicates: predicatesOf(token, fail),
      prefix: (token.path ?? '').split('/').slice(1),
      column: token.column,
    }
  }
  const result = any()
  const rest = peek()
  if (rest !== undefined) fail(rest.column, `${rest.text} is not expected here`)
  return result
}

const depth = (digits: string): number => Math.min(Number(digits), DEPTH_MAX)

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
  for (let at = 0; at < end; ) {
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
