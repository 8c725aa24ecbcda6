/**
 * The functions a mapping expression may call: pure, row-local, deterministic, and cheap.
 *
 * What a pattern, a format, a unit or a length is must stand in the expression as a constant, so
 * that it is judged when the mapping is read and no row can choose it. Nothing that makes text of
 * any length (`repeat`, `printf`) is here; `lpad` and `rpad` have a bound.
 */
import { patternFault } from './pattern.ts'

/** A constant as written: a text, or the digits of a number. */
export interface Constant {
  readonly kind: 'text' | 'number'
  readonly value: string
}

/** What is wrong with a constant argument, in words; undefined: nothing. */
type ConstantRule = (constant: Constant) => string | undefined

export interface ExpressionFunction {
  readonly least: number
  readonly most: number
  /** by place of the argument: it must be a constant, and this judges it */
  readonly constants: Readonly<Record<number, ConstantRule>>
}

const LIST_MAX = 100
const LENGTH_MAX = 1000

const pattern: ConstantRule = ({ kind, value }) =>
  kind === 'text' ? patternFault(value, 'data') : 'a pattern is a text'

/** What DuckDB's strftime and strptime know and no locale or time zone changes. */
const FORMAT = /^(?:[^%]|%[YymdHMSfjbBaAIpuVG%])*$/
const format: ConstantRule = ({ kind, value }) =>
  kind === 'text' && FORMAT.test(value) && value.length <= LIST_MAX
    ? undefined
    : 'a format is a text with the directives %Y %y %m %d %H %M %S %f %j %b %B %a %A %I %p %u %V %G'

const UNITS = ['year', 'quarter', 'month', 'week', 'day', 'hour', 'minute', 'second']
const oneOf =
  (words: readonly string[]): ConstantRule =>
  ({ kind, value }) =>
    kind === 'text' && words.includes(value) ? undefined : `expected one of ${words.join(', ')}`
const whole =
  (most: number): ConstantRule =>
  ({ kind, value }) =>
    kind === 'number' && /^\d{1,4}$/.test(value) && Number(value) <= most
      ? undefined
      : `expected a whole number of at most ${most}`
const replacement: ConstantRule = ({ kind, value }) =>
  kind === 'text' && value.length <= LIST_MAX
    ? undefined
    : `a replacement is a text of at most ${LIST_MAX} characters`

const takes = (
  least: number,
  most = least,
  constants: ExpressionFunction['constants'] = {},
): ExpressionFunction => ({ least, most, constants })

const FUNCTIONS: ReadonlyMap<string, ExpressionFunction> = new Map(
  Object.entries({
    abs: takes(1),
    ceil: takes(1),
    coalesce: takes(2, LIST_MAX),
    concat: takes(1, LIST_MAX),
    contains: takes(2),
    date_part: takes(2, 2, { 0: oneOf([...UNITS, 'dow', 'isodow', 'doy', 'isoyear']) }),
    date_trunc: takes(2, 2, { 0: oneOf(UNITS) }),
    day: takes(1),
    floor: takes(1),
    greatest: takes(2, LIST_MAX),
    last_day: takes(1),
    least: takes(2, LIST_MAX),
    left: takes(2),
    length: takes(1),
    lower: takes(1),
    lpad: takes(3, 3, { 1: whole(LENGTH_MAX) }),
    ltrim: takes(1, 2),
    make_date: takes(3),
    month: takes(1),
    nullif: takes(2),
    regexp_extract: takes(2, 3, { 1: pattern, 2: whole(9) }),
    regexp_matches: takes(2, 2, { 1: pattern }),
    regexp_replace: takes(3, 4, { 1: pattern, 2: replacement, 3: oneOf(['g']) }),
    replace: takes(3, 3, { 2: replacement }),
    right: takes(2),
    round: takes(1, 2),
    rpad: takes(3, 3, { 1: whole(LENGTH_MAX) }),
    rtrim: takes(1, 2),
    starts_with: takes(2),
    strftime: takes(2, 2, { 1: format }),
    strptime: takes(2, 2, { 1: format }),
    substr: takes(2, 3),
    substring: takes(2, 3),
    trim: takes(1, 2),
    upper: takes(1),
    year: takes(1),
  }),
)

/** A function by its name in lower case; undefined: none may be called so. */
export const expressionFunction = (name: string): ExpressionFunction | undefined =>
  FUNCTIONS.get(name)

/** Every name, in order. */
export const EXPRESSION_FUNCTIONS: readonly string[] = [...FUNCTIONS.keys()]

/** What counts over all rows of a submission; each takes one value, `count` also a star. */
export const AGGREGATES: readonly string[] = ['avg', 'count', 'max', 'min', 'sum']

/** Functions whose value is true or false. */
export const TESTS: ReadonlySet<string> = new Set(['contains', 'regexp_matches', 'starts_with'])
