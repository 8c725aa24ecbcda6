/**
 * Rule sets: what a submission's rows are measured by, and how many may fail.
 *
 * `registry/rules/{file_type}/*.json`: one set for a file type, and one for each layout that
 * needs its own, which then replaces it. A set has two slices: `measure` (what is counted) and
 * `judge` (severity and threshold), so that a threshold edit reads no data. Kinds and their
 * treatment of empty values are the seed's (003 §P3), which `measure-sql.ts` restates.
 */
import { z } from 'zod'
import { assert } from '../engine/index.ts'
import type { ExpressionOver } from './expression.ts'
import { readExpression } from './expression.ts'
import { leaf, pattern, threshold } from './fields.ts'
import { closed, exactlyOne, wholeDocument } from './shape.ts'
import type { Threshold } from './fields.ts'

/** Months before its own that a rule may look at. */
export const HISTORY_MONTHS = 12

/** Rules of one set that look into other files, and as many that judge a trend. */
const ACROSS_RULES_MAX = 20
/** Other file types that the rules of one set look into. */
const ACROSS_FILE_TYPES_MAX = 5

const bound = z.union([z.number(), z.string().max(40)])
const values = z.array(leaf.scalar).min(1).max(10_000)

/** A text that reads as a test: its issue knows where in the text. */
const test = (over: ExpressionOver) =>
  z.string().superRefine((text, context) => {
    const read = readExpression(text, over)
    if (!('problem' in read) && read.isTest) return
    const { problem, offset } =
      'problem' in read
        ? read
        : { problem: 'a rule is a test, true or false: compare this with a value', offset: 0 }
    context.addIssue({ code: 'custom', message: problem, params: { offset } })
  })

const shared = {
  id: leaf.ruleId,
  severity: z.enum(['HARD', 'SOFT']).describe('HARD fails a submission, SOFT warns'),
  threshold,
  since: leaf.month.exactOptional().describe('only rows of this month and later'),
}

const keyColumns = z.array(leaf.column).min(1).max(5)

const crossFileParams = closed({
  columns: keyColumns.describe('a row with an empty one is not judged'),
  in: closed({
    fileType: leaf.fileType.describe('the same submitter’s files of another type'),
    columns: keyColumns.describe('as many, in the same order'),
  }),
  backMonths: z
    .int()
    .min(0)
    .max(HISTORY_MONTHS)
    .default(0)
    .describe('a row’s month, and so many before it, may have it'),
  whenAbsent: z
    .enum(['pass', 'fail'])
    .default('pass')
    .describe('what a row is while no such file is there for its months'),
}).superRefine(({ columns, in: other }, context) => {
  if (columns.length === other.columns.length) return
  context.addIssue({
    code: 'custom',
    path: ['in', 'columns'],
    message: `${columns.length} columns cannot be found in ${other.columns.length}`,
  })
})

const trendParams = closed({
  figure: z
    .enum(['rows', 'sum', 'distinct', 'filled'])
    .describe('rows; a column’s sum, its different values, or the share of rows that have it'),
  column: leaf.column.exactOptional(),
  per: leaf.column.exactOptional().describe('divided by the different values of this column'),
  within: z
    .number()
    .positive()
    .max(100)
    .describe('of the median of the 12 months before: 0.5 is half more or less'),
}).superRefine(({ figure, column }, context) => {
  if ((figure === 'rows') === (column === undefined)) return
  const message = figure === 'rows' ? 'rows have no column' : `of which column is the ${figure}?`
  context.addIssue({ code: 'custom', path: ['column'], message })
})

const rule = z.discriminatedUnion('kind', [
  closed({ ...shared, kind: z.literal('NOT_NULL'), params: closed({ column: leaf.column }) }),
  closed({
    ...shared,
    kind: z.literal('RANGE'),
    params: closed({ column: leaf.column, min: bound.exactOptional(), max: bound.exactOptional() }),
  }),
  closed({
    ...shared,
    kind: z.literal('ALLOWED_VALUES'),
    params: exactlyOne(
      closed({
        column: leaf.column,
        values: values.exactOptional(),
        codeSet: leaf.codeSet
          .exactOptional()
          .describe('a code set, as it is effective in the row’s month'),
      }),
      ['values', 'codeSet'],
    ),
  }),
  closed({
    ...shared,
    kind: z.literal('REGEX'),
    params: closed({
      column: leaf.column,
      pattern: pattern('data').describe('found anywhere in the value'),
    }),
  }),
  closed({
    ...shared,
    kind: z.literal('UNIQUE_KEY'),
    params: closed({ columns: z.array(leaf.column).min(1).max(20) }),
  }),
  closed({
    ...shared,
    kind: z.literal('REQUIRED_UNLESS'),
    params: closed({ column: leaf.column, unless: closed({ column: leaf.column, values }) }),
  }),
  closed({
    ...shared,
    kind: z.literal('CROSS_FIELD'),
    params: closed({
      left: leaf.column,
      op: z.enum(['=', '!=', '<', '<=', '>', '>=']),
      right: leaf.column,
    }),
  }),
  closed({
    ...shared,
    kind: z.literal('CUSTOM_SQL'),
    params: exactlyOne(
      closed({
        each: test('row').exactOptional().describe('a test that each row passes; empty passes'),
        overall: test('rows')
          .exactOptional()
          .describe('a test over all rows, with avg, count, max, min, sum; fails as one violation'),
      }),
      ['each', 'overall'],
    ),
  }),
  closed({ ...shared, kind: z.literal('TRAILER_COUNT'), params: closed({}).exactOptional() }),
  closed({ ...shared, kind: z.literal('CROSS_FILE'), params: crossFileParams }),
  closed({ ...shared, kind: z.literal('TREND'), params: trendParams }),
])
export type RuleDocument = z.output<typeof rule>

/** What such rules find is kept, month by month and line by line, and one statement counts them. */
function limitAcross(
  rules: readonly RuleDocument[],
  context: {
    readonly addIssue: (issue: { code: 'custom'; path: number[]; message: string }) => void
  },
): void {
  const fileTypes = new Set<string>()
  for (const kind of ['CROSS_FILE', 'TREND'] as const) {
    const over = rules.flatMap((one, at) => (one.kind === kind ? [at] : []))[ACROSS_RULES_MAX]
    if (over === undefined) continue
    const message = `a rule set has at most ${ACROSS_RULES_MAX} rules of kind ${kind}`
    context.addIssue({ code: 'custom', path: [over], message })
  }
  for (const [at, one] of rules.entries()) {
    if (one.kind !== 'CROSS_FILE' || fileTypes.has(one.params.in.fileType)) continue
    fileTypes.add(one.params.in.fileType)
    if (fileTypes.size !== ACROSS_FILE_TYPES_MAX + 1) continue
    const message = `the rules of a set look into at most ${ACROSS_FILE_TYPES_MAX} other file types`
    context.addIssue({ code: 'custom', path: [at], message })
  }
}

export const ruleSetDocument = wholeDocument({
  file_type: leaf.fileType.exactOptional().describe('the folder says it already'),
  layout: leaf.id.exactOptional().describe('only this layout, instead of the file type’s own set'),
  rules: z.array(rule).max(500).superRefine(limitAcross),
})
export type RuleSetDocument = z.output<typeof ruleSetDocument>

type OfEach<Rule, Dropped extends PropertyKey> = Rule extends unknown ? Omit<Rule, Dropped> : never
/** What is counted: a kind, its parameters, and the first month it applies to. */
export type MeasuredRule = OfEach<RuleDocument, 'severity' | 'threshold' | 'description'>

export interface JudgedRule {
  readonly severity: 'HARD' | 'SOFT'
  readonly threshold: Threshold
}

export interface RuleSet {
  readonly fileType: string
  /** undefined: every layout of the file type without a set of its own */
  readonly layout?: string
  /** `medical` or `medical/synthea` */
  readonly id: string
  readonly measure: readonly MeasuredRule[]
  readonly judge: JudgeSlice
}
/** By rule id. */
export type JudgeSlice = Readonly<Record<string, JudgedRule>>

/** The ids, kinds and parameters of a set's rules, by id: what measuring reads. */
export const measureSlice = (document: RuleSetDocument): readonly MeasuredRule[] =>
  document.rules
    .map(({ severity: _, threshold: __, ...measured }) => plain(canonical(measured)))
    .toSorted((a, b) => (a.id < b.id ? -1 : 1))

/** A test as its reader writes it: white space and redundant brackets are no edit. */
function canonical(measured: MeasuredRule): MeasuredRule {
  if (measured.kind !== 'CUSTOM_SQL') return measured
  const { each, overall } = measured.params
  const params =
    each === undefined
      ? { overall: testSql(overall ?? '', 'rows') }
      : { each: testSql(each, 'row') }
  return { ...measured, params }
}

/** The SQL of a test that passed its reader. */
export function testSql(text: string, over: ExpressionOver): string {
  const read = readExpression(text, over)
  assert(!('problem' in read), 'a test passed its reader and cannot be read')
  return read.sql
}

/** The code sets that rules read, in order. */
export const codeSetsOf = (rules: readonly MeasuredRule[]): readonly string[] =>
  [
    ...new Set(
      rules.flatMap((one) => {
        const name = one.kind === 'ALLOWED_VALUES' ? one.params.codeSet : undefined
        return name === undefined ? [] : [name]
      }),
    ),
  ].toSorted()

/** The columns of each UNIQUE_KEY rule. */
export const uniqueKeys = (rules: readonly MeasuredRule[]): readonly (readonly string[])[] =>
  rules.flatMap((one) => (one.kind === 'UNIQUE_KEY' ? [one.params.columns] : []))

/** The severities and thresholds of a set's rules: what judging reads. */
export const judgeSlice = (document: RuleSetDocument): JudgeSlice =>
  Object.fromEntries(
    document.rules.map(({ id: name, severity, threshold: allowed }) => [
      name,
      { severity, threshold: plain(allowed) },
    ]),
  )

/** A value without the descriptions in it. Rules hold no objects with names of people's choice. */
function plain<Value>(value: Value): Value {
  return JSON.parse(
    JSON.stringify(value, (name, member: unknown) => (name === 'description' ? undefined : member)),
  ) as Value
}

/** The set that applies to a layout: its own, else the file type's; undefined: none. */
export const ruleSetFor = (
  ruleSets: readonly RuleSet[],
  wanted: { readonly fileType: string; readonly layout: string },
): RuleSet | undefined => {
  const sets = ruleSets.filter((set) => set.fileType === wanted.fileType)
  return (
    sets.find((set) => set.layout === wanted.layout) ?? sets.find((set) => set.layout === undefined)
  )
}
