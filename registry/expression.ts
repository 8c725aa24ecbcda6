/**
 * Expressions of mappings and rules: one scalar value of a row, or of all rows of a submission,
 * written in a closed part of DuckDB's SQL.
 *
 * This parser is the allow-list. An expression is read into what the language has (columns,
 * constants, casts, comparisons, AND/OR/NOT, arithmetic, `||`, CASE, BETWEEN, IN, IS NULL and the
 * functions of expression-functions.ts; over all rows also its aggregates) and written anew, fully parenthesised, names and texts
 * through the one quoting function; so no text a person wrote ever reaches DuckDB. Precedence is
 * DuckDB's (its grammar: `||` binds looser than `+`, BETWEEN and IN tighter than `=`). Pure.
 */
import { quoteName, quoteText, shown } from '../engine/index.ts'
import { canonicalType } from './canonical-schema.ts'
import {
  AGGREGATES,
  EXPRESSION_FUNCTIONS,
  TESTS,
  expressionFunction,
} from './expression-functions.ts'
import type { Constant } from './expression-functions.ts'
import { ExpressionFault, expressionTokens } from './expression-tokens.ts'
import type { Token } from './expression-tokens.ts'
import { REFUSED, RESERVED } from './expression-words.ts'
import { unknownName } from './report.ts'

export interface Expression {
  /** the expression as it enters SQL, and as it is compared: reading it again gives itself */
  readonly sql: string
  /** the columns it reads as written, with 0-based offsets in the text; one each occurrence */
  readonly columns: readonly { readonly name: string; readonly offset: number }[]
  /** whether its value is true, false or empty, as its form shows: a test, AND, OR, NOT */
  readonly isTest: boolean
}

/** What an expression is a value of: one row, or all rows, whose columns then stand in aggregates. */
export type ExpressionOver = 'row' | 'rows'

/** Why a text is no expression: in words, and where in it (0-based). */
export interface ExpressionProblem {
  readonly problem: string
  readonly offset: number
}

/** Characters, of the text and of the SQL made of it. */
const LENGTH_MAX = 8192
const NODES_MAX = 500
/** of the tree; DuckDB itself stops at 1,000 */
const DEPTH_MAX = 64
/** of brackets, which leave no trace in the tree */
const NESTING_MAX = 4 * DEPTH_MAX

/** Reads an expression. Throws nothing, on any text. */
export function readExpression(
  text: string,
  over: ExpressionOver = 'row',
): Expression | ExpressionProblem {
  const tooLong = { problem: `an expression has at most ${LENGTH_MAX} characters`, offset: 0 }
  if (text.length > LENGTH_MAX) return tooLong
  try {
    const expression = new Parser(expressionTokens(text), over).whole()
    return expression.sql.length > LENGTH_MAX ? tooLong : expression
  } catch (error) {
    if (!(error instanceof ExpressionFault)) throw error
    return { problem: error.message, offset: error.offset }
  }
}

/** A part of an expression, written anew. */
interface Part {
  readonly sql: string
  readonly depth: number
  readonly offset: number
  readonly constant?: Constant
  readonly isTest?: true
}

/** Binary operators that chain to the left, from the loosest to the tightest. */
const CHAINS = [['||'], ['+', '-'], ['*', '/', '%']] as const
const COMPARISONS = ['=', '<>', '!=', '<', '<=', '>', '>=']

class Parser {
  readonly #tokens: readonly Token[]
  readonly #columns: { readonly name: string; readonly offset: number }[] = []
  #at = 0
  #nesting = 0
  #nodes = 0
  /** inside an aggregate, rows are seen one by one */
  #over: ExpressionOver
  readonly #wantsAggregate: boolean
  #aggregates = 0

  constructor(tokens: readonly Token[], over: ExpressionOver) {
    this.#tokens = tokens
    this.#over = over
    this.#wantsAggregate = over === 'rows'
  }

  whole(): Expression {
    const { sql, isTest = false } = this.#expression()
    if (this.#token.kind !== 'end') throw this.#unexpected()
    if (this.#wantsAggregate && this.#aggregates === 0) {
      throw new ExpressionFault(`over all rows there is one of ${AGGREGATES.join(', ')}`, 0)
    }
    return { sql, columns: this.#columns, isTest }
  }

  get #token(): Token {
    return this.#tokens[this.#at] as Token
  }

  #next(): Token {
    const token = this.#token
    if (token.kind !== 'end') this.#at++
    return token
  }

  #isSymbol(text: string, token = this.#token): boolean {
    return token.kind === 'symbol' && token.text === text
  }

  #isWord(word: string, token = this.#token): boolean {
    return token.kind === 'name' && token.text.toUpperCase() === word
  }

  /** Takes the next token where it is this symbol or word. */
  #take(text: string): boolean {
    const isIt = this.#isSymbol(text) || this.#isWord(text)
    if (isIt) this.#at++
    return isIt
  }

  #expect(text: string): void {
    if (!this.#take(text)) throw this.#unexpected(`expected ${text}`)
  }

  #word(kind: 'name' | 'number'): string {
    if (this.#token.kind !== kind) throw this.#unexpected(`expected a ${kind}`)
    return this.#next().text
  }

  #unexpected(wanted = 'unexpected'): ExpressionFault {
    const { kind, text, offset } = this.#token
    const refused = kind === 'name' ? REFUSED.get(text.toUpperCase()) : undefined
    if (refused !== undefined) return new ExpressionFault(refused, offset)
    // A text may be anything, so it is not repeated.
    const found = kind === 'end' ? 'the end' : kind === 'text' ? 'a text' : shown(text)
    const words = wanted === 'unexpected' ? `${wanted} ${found}` : `${wanted}, found ${found}`
    return new ExpressionFault(words, offset)
  }

  /** A part made of others, within the limits. */
  #part(sql: string, offset: number, parts: readonly Part[] = []): Part {
    const depth = 1 + Math.max(0, ...parts.map((part) => part.depth))
    if (depth > DEPTH_MAX) {
      throw new ExpressionFault(`this is over ${DEPTH_MAX} operations deep`, offset)
    }
    if (++this.#nodes > NODES_MAX) {
      throw new ExpressionFault(`an expression has at most ${NODES_MAX} parts`, offset)
    }
    return { sql, depth, offset }
  }

  #test(sql: string, offset: number, parts: readonly Part[] = []): Part {
    return { ...this.#part(sql, offset, parts), isTest: true }
  }

  #nested(read: () => Part): Part {
    if (++this.#nesting > NESTING_MAX) {
      throw new ExpressionFault('this is nested too deeply', this.#token.offset)
    }
    const part = read()
    this.#nesting--
    return part
  }

  #expression(): Part {
    return this.#nested(() => this.#words('OR', () => this.#words('AND', () => this.#not())))
  }

  #words(word: 'AND' | 'OR', operand: () => Part): Part {
    let left = operand()
    while (this.#take(word)) {
      const right = operand()
      left = this.#test(`(${left.sql} ${word} ${right.sql})`, left.offset, [left, right])
    }
    return left
  }

  #not(): Part {
    const { offset } = this.#token
    if (!this.#take('NOT')) return this.#isNull()
    const operand = this.#nested(() => this.#not())
    return this.#negated(operand, offset)
  }

  #negated(operand: Part, offset: number): Part {
    return this.#test(`(NOT ${operand.sql})`, offset, [operand])
  }

  #isNull(): Part {
    const value = this.#comparison()
    if (!this.#take('IS')) return value
    const test = this.#take('NOT') ? 'IS NOT NULL' : 'IS NULL'
    this.#expect('NULL')
    return this.#test(`(${value.sql} ${test})`, value.offset, [value])
  }

  #comparison(): Part {
    const left = this.#membership()
    const { kind, text } = this.#token
    if (kind !== 'symbol' || !COMPARISONS.includes(text)) return left
    this.#at++
    const right = this.#membership()
    const operator = text === '!=' ? '<>' : text
    return this.#test(`(${left.sql} ${operator} ${right.sql})`, left.offset, [left, right])
  }

  #membership(): Part {
    const value = this.#chain(0)
    const following = this.#tokens[this.#at + 1]
    const isNegated =
      this.#isWord('NOT') &&
      following !== undefined &&
      (this.#isWord('BETWEEN', following) || this.#isWord('IN', following))
    if (isNegated) this.#at++
    const test = this.#take('BETWEEN')
      ? this.#between(value)
      : this.#take('IN')
        ? this.#members(value)
        : value
    return isNegated ? this.#negated(test, value.offset) : test
  }

  #between(value: Part): Part {
    const low = this.#chain(0)
    this.#expect('AND')
    const high = this.#chain(0)
    const sql = `(${value.sql} BETWEEN ${low.sql} AND ${high.sql})`
    return this.#test(sql, value.offset, [value, low, high])
  }

  #members(value: Part): Part {
    this.#expect('(')
    const members: Part[] = []
    do members.push(this.#constant())
    while (this.#take(','))
    this.#expect(')')
    const list = members.map(({ sql }) => sql).join(', ')
    return this.#test(`(${value.sql} IN (${list}))`, value.offset, [value, ...members])
  }

  /** A member of an IN list: a text or a number, also a negative one. */
  #constant(): Part {
    const { offset } = this.#token
    const isBracketed = this.#isSymbol('(') && this.#take('(')
    const isNegative = this.#take('-')
    const { kind, text } = this.#token
    if (kind !== 'number' && (kind !== 'text' || isNegative)) {
      throw this.#unexpected('IN lists constants')
    }
    this.#at++
    if (isBracketed) this.#expect(')')
    const sql = kind === 'text' ? quoteText(text) : text
    return this.#part(isNegative ? `(-${sql})` : sql, offset)
  }

  #chain(level: number): Part {
    const operators: readonly string[] | undefined = CHAINS[level]
    if (operators === undefined) return this.#unary()
    let left = this.#chain(level + 1)
    while (this.#token.kind === 'symbol' && operators.includes(this.#token.text)) {
      const { text } = this.#next()
      const right = this.#chain(level + 1)
      left = this.#part(`(${left.sql} ${text} ${right.sql})`, left.offset, [left, right])
    }
    return left
  }

  #unary(): Part {
    const { offset } = this.#token
    if (!this.#take('-')) return this.#typed()
    const operand = this.#nested(() => this.#unary())
    return this.#part(`(-${operand.sql})`, offset, [operand])
  }

  #typed(): Part {
    let value = this.#primary()
    while (this.#take('::')) value = this.#cast(value)
    return value
  }

  #cast(value: Part): Part {
    const { offset } = this.#token
    let type = this.#word('name').toUpperCase()
    if (this.#take('(')) {
      const precision = this.#word('number')
      this.#expect(',')
      type = `${type}(${precision},${this.#word('number')})`
      this.#expect(')')
    }
    const known = canonicalType.safeParse(type)
    if (!known.success) {
      throw new ExpressionFault(known.error.issues[0]?.message ?? 'no type', offset)
    }
    return this.#part(`CAST(${value.sql} AS ${type})`, value.offset, [value])
  }

  #primary(): Part {
    const token = this.#token
    const { kind, text, offset } = token
    if (kind === 'number' || kind === 'text') {
      this.#at++
      const sql = kind === 'text' ? quoteText(text) : text
      return { ...this.#part(sql, offset), constant: { kind, value: text } }
    }
    if (kind === 'quoted') return this.#column(this.#next())
    if (kind === 'name') return this.#named(token)
    if (!this.#take('(')) throw this.#unexpected()
    const inner = this.#expression()
    this.#expect(')')
    return inner
  }

  #named(token: Token): Part {
    const word = token.text.toUpperCase()
    const following = this.#tokens[this.#at + 1]
    if (REFUSED.has(word)) throw this.#unexpected()
    if (word === 'NULL') return this.#part(word, this.#next().offset)
    if (word === 'TRUE' || word === 'FALSE') return this.#test(word, this.#next().offset)
    if (word === 'CASE') return this.#case()
    if ((word === 'DATE' || word === 'TIMESTAMP') && following?.kind === 'text') {
      this.#at += 2
      const text = this.#part(quoteText(following.text), following.offset)
      return this.#part(`CAST(${text.sql} AS ${word})`, token.offset, [text])
    }
    if (following !== undefined && this.#isSymbol('(', following)) return this.#call()
    if (RESERVED.has(word)) throw this.#unexpected()
    return this.#column(this.#next())
  }

  #column({ text, kind, offset }: Token): Part {
    if (kind === 'quoted' && this.#isSymbol('(')) {
      throw new ExpressionFault('the name of a function stands without quotes', offset)
    }
    if (this.#over === 'rows') {
      const words = `over all rows a column stands in one of ${AGGREGATES.join(', ')}`
      throw new ExpressionFault(words, offset)
    }
    this.#columns.push({ name: text, offset })
    return this.#part(quoteName(text), offset)
  }

  #case(): Part {
    const { offset } = this.#next()
    const parts: Part[] = []
    const words = ['CASE']
    const add = (...before: readonly string[]): void => {
      const part = this.#expression()
      parts.push(part)
      words.push(...before, part.sql)
    }
    if (!this.#isWord('WHEN')) add()
    if (!this.#isWord('WHEN')) this.#expect('WHEN')
    while (this.#take('WHEN')) {
      add('WHEN')
      this.#expect('THEN')
      add('THEN')
    }
    if (this.#take('ELSE')) add('ELSE')
    this.#expect('END')
    return this.#part([...words, 'END'].join(' '), offset, parts)
  }

  #call(): Part {
    const { text, offset } = this.#next()
    const name = text.toLowerCase()
    this.#expect('(')
    if (name === 'cast') {
      const value = this.#expression()
      this.#expect('AS')
      const cast = this.#cast(value)
      this.#expect(')')
      return cast
    }
    if (this.#over === 'rows' && AGGREGATES.includes(name)) return this.#aggregate(name, offset)
    const called = name === 'extract' ? 'date_part' : name
    const args = name === 'extract' ? this.#extracted() : this.#list()
    this.#expect(')')
    this.#checkCall({ name: called, offset }, args)
    const sql = `${called}(${args.map((arg) => arg.sql).join(', ')})`
    return TESTS.has(called) ? this.#test(sql, offset, args) : this.#part(sql, offset, args)
  }

  /** `sum(x)`, `count(*)`, `count(DISTINCT x)`, after its bracket: none within another. */
  #aggregate(name: string, offset: number): Part {
    this.#aggregates++
    if (name === 'count' && this.#take('*')) {
      this.#expect(')')
      return this.#part('count(*)', offset)
    }
    const distinct = name === 'count' && this.#take('DISTINCT') ? 'DISTINCT ' : ''
    this.#over = 'row'
    const value = this.#expression()
    this.#over = 'rows'
    this.#expect(')')
    return this.#part(`${name}(${distinct}${value.sql})`, offset, [value])
  }

  /** `year FROM day` as the arguments of date_part. */
  #extracted(): readonly Part[] {
    const { offset } = this.#token
    const unit = this.#word('name').toLowerCase()
    const named = this.#part(quoteText(unit), offset)
    this.#expect('FROM')
    return [{ ...named, constant: { kind: 'text', value: unit } }, this.#expression()]
  }

  #list(): readonly Part[] {
    if (this.#isSymbol(')')) return []
    const parts: Part[] = []
    do parts.push(this.#expression())
    while (this.#take(','))
    return parts
  }

  #checkCall(
    call: { readonly name: string; readonly offset: number },
    args: readonly Part[],
  ): void {
    const known = expressionFunction(call.name)
    if (known === undefined) {
      const text = unknownName('function', call.name, EXPRESSION_FUNCTIONS)
      throw new ExpressionFault(`${text}; an expression may call only a fixed list`, call.offset)
    }
    if (args.length < known.least || args.length > known.most) {
      const wanted = known.least === known.most ? known.least : `${known.least} to ${known.most}`
      throw new ExpressionFault(`${call.name} takes ${wanted} values`, call.offset)
    }
    for (const [at, { constant, offset }] of args.entries()) {
      const judge = known.constants[at]
      if (judge === undefined) continue
      const fault = constant === undefined ? 'this must be a constant' : judge(constant)
      if (fault !== undefined) throw new ExpressionFault(fault, offset)
    }
  }
}
