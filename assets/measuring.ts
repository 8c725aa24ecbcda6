/**
 * Measuring: the rules of a layout over a submission's silver parts, in the sandboxed children.
 *
 * One pass counts; a second one, of rules with violations only, tells which rows they are.
 */
import { dirname } from 'node:path'
import type { ColumnSpec, DuckPool } from '../engine/index.ts'
import { EngineError, PARTS, isEngineError, rowsQuery } from '../engine/index.ts'
import type { CodeSetSlice } from '../registry/code-set.ts'
import type { CrossFileMeasures, CrossFileQuery } from '../registry/cross-file-sql.ts'
import { crossFileSql, readCrossFile } from '../registry/cross-file-sql.ts'
import type { Measures, ParseCounts, RuleSamples } from '../registry/measure-sql.ts'
import { measureSql, readMeasures, readSamples, samplesSql } from '../registry/measure-sql.ts'
import { codeTables } from '../registry/rule-sql.ts'
import type { MeasuredRule } from '../registry/rule-set.ts'
import type { Period } from '../registry/period.ts'
import type { Figures } from '../registry/trend.ts'
import { figuresSql, isTrend, readFigures } from '../registry/trend.ts'

export interface Measuring {
  readonly rules: readonly MeasuredRule[]
  /** the columns of the layout */
  readonly columns: readonly ColumnSpec[]
  /** those that the rules name */
  readonly codeSets: ReadonlyMap<string, CodeSetSlice>
  /** absolute paths of silver parts */
  readonly parts: readonly string[]
  readonly parse: ParseCounts
  /** months to count the figures of; undefined: none are wanted */
  readonly period?: Period
  readonly duck: DuckPool
  readonly signal?: AbortSignal
}

/** What one submission's own rows say. */
export interface Measured {
  readonly measures: Measures
  readonly samples: RuleSamples
  /** of TREND rules */
  readonly figures: Figures
}

/** Counts of every rule, and line numbers of those with violations. Throws RULE_SQL_FAILED. */
export async function measureRows(measuring: Measuring): Promise<Measured> {
  const { rules, columns, codeSets, parts, parse, period } = measuring
  if (parts.length === 0) {
    return { measures: readMeasures({ rules, row: undefined, parse }), samples: {}, figures: {} }
  }
  const query = { rules, columns, codeSets, view: PARTS }
  const [row] = await countRows(measuring)
  const measures = readMeasures({ rules, row, parse })
  const select = samplesSql(query, measures)
  const [lines = {}] = select === undefined ? [] : await queried(measuring, select)
  const trends = period === undefined ? [] : rules.filter(isTrend)
  const months =
    period === undefined || trends.length === 0
      ? []
      : await queried(measuring, figuresSql(trends, { view: PARTS, period }))
  return { measures, samples: readSamples(lines), figures: readFigures(trends, months) }
}

/** CROSS_FILE rules over the submission's rows and those of the files that stand beside it. */
export async function measureAcross({
  parts,
  duck,
  signal,
  ...query
}: Omit<CrossFileQuery, 'view'> &
  Pick<Measuring, 'parts' | 'duck' | 'signal'>): Promise<CrossFileMeasures> {
  const { before, select } = crossFileSql({ ...query, view: PARTS })
  const others = [...query.others.values()].flat().flatMap((month) => month.parts)
  const rows = await rowsQuery({
    select,
    parts,
    duck,
    before,
    folders: others.map((path) => dirname(path)),
    ...(signal !== undefined && { signal }),
  })
  return readCrossFile(rows)
}

const queried = async ({ parts, duck, codeSets, signal }: Measuring, select: string) =>
  rowsQuery({
    select,
    parts,
    duck,
    before: codeTables(codeSets),
    ...(signal !== undefined && { signal }),
  })

/** An expression of a person can fail on some row; then each is tried alone, to name it. */
async function countRows(measuring: Measuring): ReturnType<typeof queried> {
  const { rules, columns, codeSets } = measuring
  const select = (some: readonly MeasuredRule[]): string =>
    measureSql({ rules: some, columns, codeSets, view: PARTS })
  try {
    return await queried(measuring, select(rules))
  } catch (error) {
    if (!isRefused(error)) throw error
    for (const rule of rules.filter(({ kind }) => kind === 'CUSTOM_SQL')) {
      await queried(measuring, select([rule])).catch((cause: unknown) => {
        if (!isRefused(cause)) throw cause
        const { kind } = cause.context
        throw new EngineError('RULE_SQL_FAILED', { rule: rule.id, kind }, { cause })
      })
    }
    throw error
  }
}

const isRefused = (error: unknown): error is EngineError<'DUCK_TASK_FAILED'> =>
  isEngineError(error) && error.code === 'DUCK_TASK_FAILED'
