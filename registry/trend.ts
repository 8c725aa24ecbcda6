/**
 * TREND rules: a month's figure beside the median of those of the 12 months before it. Pure.
 *
 * Figures are counted when a submission is measured, one for each rule and declared month. Figures of
 * fewer than 11 rows are not kept (the cell size below which CMS publishes nothing), nor a sum of
 * fewer than 11 values or a figure per fewer than 11 different ones: a sum of one value is its cell.
 * Only `rows` is a count that the catalog has anyway, and 0 where the submission declares a month and
 * has none.
 */
import { assert, quoteName, quoteText } from '../engine/index.ts'
import type { RuleMeasure } from './measure-sql.ts'
import type { Period } from './period.ts'
import { monthBefore } from './period.ts'
import type { MeasuredRule } from './rule-set.ts'
import { HISTORY_MONTHS } from './rule-set.ts'

export type TrendRule = Extract<MeasuredRule, { kind: 'TREND' }>

/** By rule id, then by month. */
export type Figures = Readonly<Record<string, Readonly<Record<string, number>>>>

/** CMS cell size suppression policy: no cell of 1 to 10. */
const CELL_ROWS_MIN = 11
/** Fewer months before it say nothing about a month. */
const MEDIAN_MONTHS_MIN = 3
/** Digits of a figure: a trend needs no more. */
const FIGURE_DIGITS = 6

const figureName = (id: string): string => `figure__${id}`

export const isTrend = (rule: MeasuredRule): rule is TrendRule => rule.kind === 'TREND'

const isPlainCount = ({ params }: TrendRule): boolean =>
  params.figure === 'rows' && params.per === undefined

/** One row a month: `month` and `figure__{rule}` as a number in text; NULL: not kept. */
export function figuresSql(
  rules: readonly TrendRule[],
  { view, period }: { readonly view: string; readonly period: Period },
): string {
  const cells = rules.map((rule) => {
    const { per } = rule.params
    const whole = `CAST(${totalSql(rule.params)} AS DOUBLE)`
    const figure =
      per === undefined ? whole : `${whole} / nullif(count(DISTINCT ${quoteName(per)}), 0)`
    const kept = isPlainCount(rule)
      ? figure
      : `CASE WHEN ${cellsSql(rule.params)} >= ${CELL_ROWS_MIN} THEN ${figure} END`
    return `CAST(${kept} AS VARCHAR) AS ${quoteName(figureName(rule.id))}`
  })
  return `SELECT CAST("atomic_month" AS VARCHAR) AS "month", ${cells.join(', ')}
  FROM ${quoteName(view)} WHERE "atomic_month" BETWEEN ${quoteText(period.first)} AND ${quoteText(period.last)}
  GROUP BY ALL ORDER BY "month"`
}

/** What a figure is of: rows, the values of its sum, and the different values it is divided by. */
function cellsSql({ figure, column = '', per }: TrendRule['params']): string {
  const cells = figure === 'sum' ? `count(${quoteName(column)})` : 'count(*)'
  return per === undefined ? cells : `least(${cells}, count(DISTINCT ${quoteName(per)}))`
}

function totalSql({ figure, column = '' }: TrendRule['params']): string {
  switch (figure) {
    case 'rows':
      return 'count(*)'
    case 'sum':
      return `sum(${quoteName(column)})`
    case 'distinct':
      return `count(DISTINCT ${quoteName(column)})`
    case 'filled':
      return `count(${quoteName(column)}) / count(*)`
  }
}

/** The rows that figuresSql gave. */
export function readFigures(
  rules: readonly TrendRule[],
  rows: readonly Readonly<Record<string, unknown>>[],
): Figures {
  const figuresOf = ({ id }: TrendRule): Readonly<Record<string, number>> =>
    Object.fromEntries(
      rows.flatMap((row) => {
        const text = row[figureName(id)]
        if (typeof text !== 'string') return []
        const figure = Number(Number(text).toPrecision(FIGURE_DIGITS))
        assert(Number.isFinite(figure), 'a figure is a number')
        return [[String(row['month']), figure]]
      }),
    )
  return Object.fromEntries(rules.map((rule) => [rule.id, figuresOf(rule)]))
}

/** What was found: of the months that could be judged, those that are off. */
export interface TrendMeasures {
  readonly rules: Readonly<Record<string, RuleMeasure>>
  /** by rule id, ascending */
  readonly months: Readonly<Record<string, readonly string[]>>
}

export interface TrendRequest {
  readonly rules: readonly TrendRule[]
  /** the months the submission declares */
  readonly period: readonly string[]
  /** of the submission */
  readonly own: Figures
  /** by month before its first: the figures of the submission that stands for it */
  readonly history: ReadonlyMap<string, Figures>
}

/** Judges every declared month that has a figure and at least 3 of the 12 months before it. */
export function judgeTrend({ rules, period, own, history }: TrendRequest): TrendMeasures {
  const declared = new Set(period)
  const measures: Record<string, RuleMeasure> = {}
  const months: Record<string, readonly string[]> = {}
  for (const rule of rules) {
    const figureOf = (month: string): number | undefined => {
      if (!declared.has(month)) return history.get(month)?.[rule.id]?.[month]
      return own[rule.id]?.[month] ?? (isPlainCount(rule) ? 0 : undefined)
    }
    const { since = '' } = rule
    const judged = period.flatMap((month) => {
      const figure = month < since ? undefined : figureOf(month)
      const usual = median(
        Array.from({ length: HISTORY_MONTHS }, (_, at) => figureOf(monthBefore(month, at + 1))),
      )
      if (figure === undefined || usual === undefined) return []
      return [{ month, isOff: Math.abs(figure - usual) > rule.params.within * Math.abs(usual) }]
    })
    const off = judged.filter(({ isOff }) => isOff).map(({ month }) => month)
    measures[rule.id] = { violations: off.length, denominator: judged.length }
    if (off.length > 0) months[rule.id] = off
  }
  return { rules: measures, months }
}

/** undefined: too few to tell. */
function median(found: readonly (number | undefined)[]): number | undefined {
  const known = found.filter((one) => one !== undefined).toSorted((a, b) => a - b)
  if (known.length < MEDIAN_MONTHS_MIN) return undefined
  const middle = Math.floor(known.length / 2)
  const upper = known[middle] ?? 0
  return known.length % 2 === 1 ? upper : ((known[middle - 1] ?? 0) + upper) / 2
}
