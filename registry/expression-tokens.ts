/**
 * The words of a mapping expression, each with its place.
 *
 * Only what the expression language knows becomes a token: comments, semicolons, parameters, `$$`
 * quotes, dots, brackets and every letter outside ASCII (but in a text) are refused by name.
 */
import { NAME_PATTERN } from '../engine/index.ts'

export interface Token {
  readonly kind: 'name' | 'quoted' | 'text' | 'number' | 'symbol' | 'end'
  /** without its quotes; a text's doubled quotes are single here */
  readonly text: string
  /** 0-based, in characters of the expression */
  readonly offset: number
}

/** Why an expression is refused, and where. Never leaves registry/expression*.ts. */
export class ExpressionFault extends Error {
  readonly offset: number

  constructor(text: string, offset: number) {
    super(text)
    this.offset = offset
  }
}

const DIGITS_MAX = 38
const TOKEN = new RegExp(
  [
    String.raw`(?<space>[ \t\r\n]+)`,
    String.raw`(?<name>[A-Za-z_][A-Za-z0-9_]*)`,
    String.raw`"(?<quoted>[^"]*)"`,
    String.raw`'(?<text>(?:[^']|'')*)'`,
    String.raw`(?<number>\d+(?:\.\d+)?)`,
    String.raw`(?<symbol>\|\||<>|!=|<=|>=|::|[-+*/%=<>(),])`,
  ].join('|'),
  'y',
)

/** What people write in other dialects of SQL, and why it is not here. */
const REFUSED: readonly (readonly [start: string, why: string])[] = [
  ['--', 'a comment has no place in an expression'],
  ['/*', 'a comment has no place in an expression'],
  [';', 'an expression is one value: no ;'],
  ['$', 'there are no parameters and no $ quotes here'],
  ['?', 'there are no parameters here'],
  ['.', 'a column stands alone, without a table; a number begins with a digit'],
  ['->', 'there are no lambdas here'],
  ["'", 'this text has no end'],
  ['"', 'this name has no end'],
]

/** Every token in order, then one of kind `end`. Throws ExpressionFault. */
export function expressionTokens(source: string): readonly Token[] {
  const tokens: Token[] = []
  let offset = 0
  while (offset < source.length) {
    const refused = REFUSED.find(
      ([start]) => start.length === 2 && source.startsWith(start, offset),
    )
    if (refused !== undefined) throw new ExpressionFault(refused[1], offset)
    TOKEN.lastIndex = offset
    const found = TOKEN.exec(source)
    if (found === null) throw new ExpressionFault(strange(source, offset), offset)
    const token = tokenOf(found.groups ?? {}, offset)
    if (token !== undefined) tokens.push(token)
    offset += found[0].length
  }
  return [...tokens, { kind: 'end', text: '', offset: source.length }]
}

function tokenOf(
  groups: Readonly<Record<string, string | undefined>>,
  offset: number,
): Token | undefined {
  const { name, quoted, text, number, symbol } = groups
  if (name !== undefined || quoted !== undefined) {
    const word = name ?? quoted ?? ''
    if (!NAME_PATTERN.test(word)) {
      throw new ExpressionFault(`a name is ${NAME_PATTERN.source}`, offset)
    }
    return { kind: name === undefined ? 'quoted' : 'name', text: word, offset }
  }
  if (text !== undefined) {
    if (/[\0-\x1f\x7f]/.test(text) || !text.isWellFormed()) {
      throw new ExpressionFault('a text holds no control characters', offset)
    }
    return { kind: 'text', text: text.replaceAll("''", "'"), offset }
  }
  if (number !== undefined) {
    if (number.replace('.', '').length <= DIGITS_MAX)
      return { kind: 'number', text: number, offset }
    throw new ExpressionFault(`a number has at most ${DIGITS_MAX} digits`, offset)
  }
  return symbol === undefined ? undefined : { kind: 'symbol', text: symbol, offset }
}

function strange(source: string, offset: number): string {
  const refused = REFUSED.find(([start]) => source.startsWith(start, offset))
  if (refused !== undefined) return refused[1]
  const char = String.fromCodePoint(source.codePointAt(offset) ?? 0)
  return /^[\x21-\x7e]$/.test(char)
    ? `${char} has no meaning in an expression`
    : 'only ASCII has a meaning outside a text'
}
