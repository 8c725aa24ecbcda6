/**
 * Rules that read more than the submission they judge: other files of the submitter (CROSS_FILE),
 * and the months before (TREND).
 *
 * cross_reads names what they read, as a fold over what stands; so an eligibility file that arrives
 * late, is corrected or withdrawn counts again exactly the claims it is about. Nothing of this is
 * there for submissions whose rules read themselves alone.
 */
import type { BuildContext, BuildResult, DuckPool, Inputs, Json } from '../engine/index.ts'
import type { NodeName, ParseSpec, Slot, StoredAsset } from '../engine/index.ts'
import { byKey, defineAsset, formatKey, parseKey, sameKey } from '../engine/index.ts'
import type { CrossFileRule, OtherMonth } from '../registry/cross-file-sql.ts'
import { monthBefore, monthsOf } from '../registry/period.ts'
import type { MeasuredRule } from '../registry/rule-set.ts'
import { isTrend, judgeTrend } from '../registry/trend.ts'
import type { Stamp } from './facts.ts'
import { SUBMISSION, asJson, valueOf } from './facts.ts'
import type { MeasureValue } from './judging.ts'
import { measureAcross } from './measuring.ts'
import type { RuleReadsValue } from './rule-reads.ts'
import { ruleKey } from './rule-reads.ts'
import type { StandingValue } from './standing.ts'

/** What the catalog keeps of what a submission's rules read across files. */
export interface CrossReadsValue {
  readonly layout: string
  /** inclusive, as declared */
  readonly first: string
  readonly last: string
  /** declared months with rows */
  readonly months: readonly string[]
  /** by file type: what stands for the months that its rows are looked up in */
  readonly files: Readonly<Record<string, readonly StandingMonths[]>>
  /** what stands for the months before the first, of its own file type */
  readonly history: readonly StandingMonths[]
}

interface StandingMonths {
  readonly submission: string
  readonly layout: string
  /** ascending */
  readonly months: readonly string[]
}

/** 132 months of each of 5 file types, a submission each: under 200 bytes. */
const READS_BYTES_MAX = 131_072
/** Of 20 rules, the most a set may have of a kind: counts and first lines, or 120 months. */
const MEASURES_BYTES_MAX = 65_536

const memberOf = <Value>(members: readonly Slot[], asset: string): Value | undefined =>
  valueOf<Value>(members.find((slot) => slot.asset === asset))

export const crossReads = defineAsset({
  kind: 'value',
  name: 'cross_reads',
  dimensions: SUBMISSION,
  description: 'the submissions of other files and months that the rules read',
  recipe: '1',
  valueBytesMax: READS_BYTES_MAX,
  from: { rule_reads: sameKey, stamp: sameKey, silver: byKey((key) => [key.slice(0, 3)]) },
  reads: {
    assets: ['standing'],
    nodes: ([submitter = '', fileType = ''], members) => {
      const across = memberOf<RuleReadsValue>(members, 'rule_reads')?.across
      const stamp = memberOf<Stamp>(members, 'stamp')
      if (across === undefined || stamp === undefined) return []
      const node = (type: string, month: string): NodeName => ({
        asset: 'standing',
        key: formatKey([stamp.state, type, submitter, month]),
      })
      const own = { first: stamp.first_month, last: stamp.last_month }
      return [
        ...Object.entries(across.files).flatMap(([type, back]) =>
          [...monthsBefore(own.first, back), ...monthsOf(own)].map((month) => node(type, month)),
        ),
        ...monthsBefore(own.first, across.historyMonths).map((month) => node(fileType, month)),
      ]
    },
  },
  evaluate: (inputs): Json | undefined => {
    const across = valueOf<RuleReadsValue>(inputs.of('rule_reads')[0])?.across
    const stamp = valueOf<Stamp>(inputs.of('stamp')[0])
    if (across === undefined || stamp === undefined) return undefined
    const period = monthsOf({ first: stamp.first_month, last: stamp.last_month })
    const history = new Set(monthsBefore(stamp.first_month, across.historyMonths))
    const value: CrossReadsValue = {
      layout: stamp.layout,
      first: stamp.first_month,
      last: stamp.last_month,
      months: inputs.of('silver').flatMap((slot) => {
        const month = parseKey(slot.key)[3] ?? ''
        return slot.value !== undefined && period.includes(month) ? [month] : []
      }),
      files: Object.fromEntries(
        Object.keys(across.files).map((type) => [
          type,
          standingMonths(inputs, (key) => key[1] === type),
        ]),
      ),
      history: standingMonths(
        inputs,
        (key) => key[1] === inputs.key[1] && history.has(key[3] ?? ''),
      ),
    }
    return asJson(value)
  },
})

/** The months before a month, ascending. */
const monthsBefore = (month: string, count: number): readonly string[] =>
  Array.from({ length: count }, (_, at) => monthBefore(month, count - at))

/** What stands for the chosen months: one entry for each submission, in order of its first month. */
function standingMonths(
  inputs: Inputs,
  isChosen: (key: readonly string[]) => boolean,
): readonly StandingMonths[] {
  const found = inputs.of('standing').flatMap((slot) => {
    const key = parseKey(slot.key)
    const value = valueOf<StandingValue>(slot)
    if (value === undefined || !isChosen(key)) return []
    return [{ ...value, month: key[3] ?? '' }]
  })
  return [...Map.groupBy(found, ({ submission }) => submission).values()].map((group) => ({
    submission: group[0]?.submission ?? '',
    layout: group[0]?.layout ?? '',
    months: group.map(({ month }) => month),
  }))
}

/** The silver nodes of standing submissions. */
const silverOf = (
  [submitter = '']: readonly string[],
  files: CrossReadsValue['files'],
): readonly NodeName[] =>
  Object.entries(files).flatMap(([type, standing]) =>
    standing.flatMap(({ submission, months }) =>
      months.map((month) => ({
        asset: 'silver',
        key: formatKey([submitter, type, submission, month]),
      })),
    ),
  )

const rulesNode = (layout: string): NodeName => ({ asset: 'rules_measure', key: ruleKey(layout) })

export function crossMeasureAsset(duck: DuckPool): StoredAsset {
  return defineAsset({
    kind: 'stored',
    name: 'cross_measure',
    dimensions: SUBMISSION,
    description: 'violations of the rules that look into other files of the submitter',
    recipe: '2',
    from: { cross_reads: sameKey },
    reads: {
      assets: ['silver', 'rules_measure', 'layout_parse'],
      nodes: (key, [reads]) => {
        const value = valueOf<CrossReadsValue>(reads)
        if (value === undefined) return []
        const others = Object.values(value.files).flat()
        const layouts = new Set(others.map(({ layout }) => layout))
        return [
          ...value.months.map((month) => ({ asset: 'silver', key: formatKey([...key, month]) })),
          ...silverOf(key, value.files),
          rulesNode(value.layout),
          ...[...layouts].map((layout) => ({ asset: 'layout_parse', key: layout })),
        ]
      },
    },
    valueBytesMax: MEASURES_BYTES_MAX,
    outline: (inputs) => {
      const reads = valueOf<CrossReadsValue>(inputs.of('cross_reads')[0])
      return reads === undefined || Object.keys(reads.files).length === 0
        ? { verdict: 'retire', why: 'no rule looks into other files' }
        : { verdict: 'build' }
    },
    build: async (context) => measure(context, duck),
  })
}

async function measure(context: BuildContext, duck: DuckPool): Promise<BuildResult> {
  const { inputs, read, signal } = context
  const { key } = inputs
  const reads = valueOf<CrossReadsValue>(inputs.one('cross_reads'))
  if (reads === undefined) throw new TypeError('a cross_measure without cross_reads')
  const rules = crossFileRules(inputs)
  const months = await Promise.all(
    reads.months.map(async (month) => read({ asset: 'silver', key: formatKey([...key, month]) })),
  )
  const parts = months.flat().map(({ path }) => path)
  const none = { rules: {}, samples: {} }
  const found =
    parts.length === 0 || rules.length === 0
      ? none
      : await measureAcross({
          rules,
          months: reads.months,
          others: await otherMonths(context, reads),
          parts,
          duck,
          signal,
        })
  return { parts: [], value: asJson(found) }
}

const crossFileRules = (inputs: Inputs): readonly CrossFileRule[] =>
  (valueOf<readonly MeasuredRule[]>(inputs.of('rules_measure')[0]) ?? []).filter(
    (rule) => rule.kind === 'CROSS_FILE',
  )

async function otherMonths(
  { inputs, read }: BuildContext,
  { files }: CrossReadsValue,
): Promise<ReadonlyMap<string, readonly OtherMonth[]>> {
  const columns = new Map(
    inputs.of('layout_parse').map((slot) => {
      const spec = valueOf<object>(slot) as ParseSpec | undefined
      return [slot.key, (spec?.columns ?? []).map(({ name }) => name)] as const
    }),
  )
  const found = new Map<string, readonly OtherMonth[]>()
  for (const [type, standing] of Object.entries(files)) {
    const months = standing.flatMap(({ submission, layout, months: all }) =>
      all.map(async (month): Promise<OtherMonth> => {
        const name = formatKey([inputs.key[0] ?? '', type, submission, month])
        const parts = await read({ asset: 'silver', key: name })
        return {
          month,
          layout,
          parts: parts.map(({ path }) => path),
          columns: columns.get(layout) ?? [],
        }
      }),
    )
    found.set(type, await Promise.all(months))
  }
  return found
}

export const trend = defineAsset({
  kind: 'value',
  name: 'trend',
  dimensions: SUBMISSION,
  description: 'months whose figures are far from the median of the 12 before them',
  recipe: '1',
  valueBytesMax: MEASURES_BYTES_MAX,
  from: { cross_reads: sameKey },
  reads: {
    assets: ['measure', 'rules_measure'],
    nodes: (key, [reads]) => {
      const value = valueOf<CrossReadsValue>(reads)
      if (value === undefined) return []
      const [submitter = '', fileType = ''] = key
      return [
        rulesNode(value.layout),
        { asset: 'measure', key: formatKey(key) },
        ...value.history.map(({ submission }) => ({
          asset: 'measure',
          key: formatKey([submitter, fileType, submission]),
        })),
      ]
    },
  },
  evaluate: (inputs): Json | undefined => {
    const reads = valueOf<CrossReadsValue>(inputs.of('cross_reads')[0])
    const rules = (valueOf<readonly MeasuredRule[]>(inputs.of('rules_measure')[0]) ?? []).filter(
      isTrend,
    )
    if (reads === undefined || rules.length === 0) return undefined
    const figures = new Map(
      inputs.of('measure').map((slot) => {
        return [parseKey(slot.key)[2], valueOf<MeasureValue>(slot)?.figures ?? {}] as const
      }),
    )
    const history = reads.history.flatMap(({ submission, months }) =>
      months.map((month) => [month, figures.get(submission) ?? {}] as const),
    )
    const { first, last } = reads
    return asJson(
      judgeTrend({
        rules,
        period: monthsOf({ first, last }),
        own: figures.get(inputs.key[2]) ?? {},
        history: new Map(history),
      }),
    )
  },
})
