/** Synthetic texts of one column that its layout accepts. Nothing is taken from real data. */
import { EngineError } from '../core/errors.ts'
import { samplePattern } from './pattern-sample.ts'
import { SeededRandom } from './seeded-random.ts'
import type { ColumnSpec, ParseSpec } from './spec.ts'

/** Texts of a column: as many as ten bits choose from. */
export const POOL_BITS = 10
const POOL = 2 ** POOL_BITS
/** Share of empty fields in columns that may be empty. */
const EMPTY_SHARE = 0.1
/** Draws of a text that a column may not have: cut at its width, for example. */
const DRAWS_MAX = 20
/** One row in so many has no month, where that may be empty. */
const NO_MONTH = 128

const WORDS = 'amber birch cedar delta ember fjord grove haven inlet jade küste lumen'.split(' ')

export interface ValueRequest {
  readonly column: ColumnSpec
  /** the months rows are dated in, `YYYY-MM`, not empty */
  readonly months: readonly string[]
  readonly seed: string
  /** whether a text may stand in the file at all */
  readonly isUsable: (text: string) => boolean
}

/** 1,024 texts of a column. Throws USAGE for a pattern with no usable text. */
export function valuePool({ column, months, seed, isUsable }: ValueRequest): string[] {
  const random = new SeededRandom(`${seed}/${column.name}`)
  const isAcceptable = (text: string): boolean =>
    isUsable(text) && (column.maxLength === undefined || text.length <= column.maxLength)
  return Array.from({ length: POOL }, () => {
    if (!column.required && random.share() < EMPTY_SHARE) return ''
    for (let draws = 0; draws < DRAWS_MAX; draws += 1) {
      const text = valueText(column, { random, months, isAcceptable })
      if (text !== undefined && isUsable(text)) return text
    }
    if (!column.required) return ''
    const reason = `no text was found that column ${column.name} accepts: its pattern and its maxLength may exclude each other`
    throw new EngineError('USAGE', { command: 'registry generate', reason })
  })
}

interface ValueContext {
  readonly random: SeededRandom
  readonly months: readonly string[]
  readonly isAcceptable: (text: string) => boolean
}

function valueText(column: ColumnSpec, context: ValueContext): string | undefined {
  const { random, months } = context
  switch (column.type) {
    case 'string':
      return stringText(column, context)
    case 'integer':
      return String(random.below(10 ** (1 + random.below(Math.min(4, widthOf(column))))))
    case 'decimal':
      return decimalText(column, random)
    case 'boolean':
      return random.pick(widthOf(column) < 'false'.length ? ['1', '0'] : ['true', 'false'])
    case 'date':
    case 'datetime':
      return momentText(formatOf(column), { month: random.pick(months) }, random)
  }
}

function stringText(
  column: ColumnSpec,
  { random, isAcceptable }: ValueContext,
): string | undefined {
  if (column.pattern !== undefined) return samplePattern(column.pattern, random, isAcceptable)
  if (column.enum !== undefined)
    return column.enum.find((text) => text !== '' && isAcceptable(text)) === undefined
      ? undefined
      : random.pick(column.enum.filter((text) => text !== '' && isAcceptable(text)))
  // leading zeros, codes with a point, words: what a careless reader would turn into numbers
  const text = random.pick([
    () => String(random.below(100_000)).padStart(5, '0'),
    () => `${random.pick(['E11', 'I10', 'M54', 'Z00'])}.${random.below(10)}`,
    () => `${random.pick(WORDS)} ${random.pick(WORDS)}`,
    () => `A${String(random.below(10_000)).padStart(4, '0')}`,
  ])()
  const short = text.slice(0, column.maxLength ?? text.length)
  return isAcceptable(short) ? short : undefined
}

/** Bytes that a column has for a text. */
const widthOf = ({ at }: ColumnSpec): number => at?.length ?? Infinity

function decimalText(column: ColumnSpec, random: SeededRandom): string {
  const { precision = 18, scale = 2, implied = false } = column
  const room = widthOf(column)
  const hasSign = room > scale + 2
  // a sign and a point need their places too
  const digitsMax = room - (hasSign ? 1 : 0) - (implied || scale === 0 ? 0 : 1)
  const wholeDigits = Math.max(0, Math.min(5, precision - scale, digitsMax - (implied ? 0 : scale)))
  const whole = wholeDigits === 0 ? 0 : random.below(10 ** wholeDigits)
  const sign = hasSign && random.below(16) === 0 ? '-' : ''
  if (implied || scale === 0) return `${sign}${whole}`
  const digits = Math.max(1, Math.min(scale, 6, digitsMax - 1))
  return `${sign}${whole}.${String(random.below(10 ** digits)).padStart(digits, '0')}`
}

/** The first format of a date or datetime column. */
export const formatOf = ({ type, formats }: ColumnSpec): string =>
  formats?.[0] ?? (type === 'date' ? '%Y-%m-%d' : '%Y-%m-%dT%H:%M:%SZ')

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
const two = (value: number): string => String(value).padStart(2, '0')

/** A day of a month in a strptime format; `day` beyond 28 may be one the month does not have. */
export function momentText(
  format: string,
  { month, day }: { readonly month: string; readonly day?: number },
  random: SeededRandom,
): string {
  const [year = '', number = ''] = month.split('-')
  const parts: Readonly<Record<string, () => string>> = {
    Y: () => year,
    y: () => year.slice(2),
    m: () => number,
    b: () => MONTHS[Number(number) - 1] ?? '',
    d: () => two(day ?? 1 + random.below(28)),
    H: () => two(random.below(24)),
    M: () => two(random.below(60)),
    S: () => two(random.below(60)),
    f: () => String(random.below(1_000_000)).padStart(6, '0'),
  }
  return format.replaceAll(/%(.)/g, (_, name: string) => parts[name]?.() ?? '')
}

/** Whether a column's texts follow the row's month: all of one row name the same. */
export const isDated = ({ month }: Pick<ParseSpec, 'month'>, { name }: ColumnSpec): boolean =>
  'column' in month
    ? month.column === name
    : 'year' in month && [month.year, month.month].includes(name)

/** Texts of a column that dates its rows: entry n belongs to month n modulo the number of months. */
export function datedPool(
  spec: ParseSpec,
  { column, months, seed }: Omit<ValueRequest, 'isUsable'>,
): string[] {
  const random = new SeededRandom(`${seed}/${column.name}`)
  return Array.from({ length: POOL }, (_, at) => {
    if (!column.required && at % NO_MONTH === NO_MONTH - 1) return ''
    const month = months[at % months.length] as string
    if ('column' in spec.month) return momentText(formatOf(column), { month }, random)
    const [year = '', number = ''] = month.split('-')
    return String(Number('year' in spec.month && spec.month.year === column.name ? year : number))
  })
}
