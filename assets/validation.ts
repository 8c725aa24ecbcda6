/**
 * Validation: measure reads a submission's silver once and counts; judge is pure.
 *
 * So a severity, a threshold or a variance is judged anew without reading a row, and a month is
 * rebuilt only if that changes its winner.
 */
import { readFile } from 'node:fs/promises'
import type {
  BuildContext,
  BuildResult,
  DuckPool,
  Inputs,
  Json,
  ParseSpec,
  StoredAsset,
} from '../engine/index.ts'
import { ABSENT, byKey, canonicalJson, defineAsset, formatKey, sameKey } from '../engine/index.ts'
import type { Finding } from '../registry/judge.ts'
import type { CodeSetSlice } from '../registry/code-set.ts'
import type { Measures, ParseCounts, RuleSamples } from '../registry/measure-sql.ts'
import type { MeasuredRule } from '../registry/rule-set.ts'
import { SUBMISSION, asJson, valueOf } from './facts.ts'
import type { JudgedStatus, MeasureValue } from './judging.ts'
import { ACROSS, JUDGING, judged, judgingNodes } from './judging.ts'
import { measureRows } from './measuring.ts'
import { validationPath } from './paths.ts'
import type { RuleReadsValue } from './rule-reads.ts'
import { ruleKey } from './rule-reads.ts'
import type { ParseValue } from './silver.ts'

/** What the catalog keeps of a judgement. */
export interface VerdictValue {
  readonly status: JudgedStatus
  /** failed ones first; cut to what a value may weigh */
  readonly findings: readonly Finding[]
  readonly findingsMore: number
  /** the parse's own reason, when it failed */
  readonly failed?: ParseValue['failed']
}

/** Findings kept in the catalog: about 3 KB of the 4 KB a value may weigh. */
const FINDINGS_BYTES_MAX = 3000

/** Counts of 500 rules, and 120 months of figures of 20: the most a set may have. */
const MEASURES_BYTES_MAX = 131_072

/** Which rows the counts are of: the first line numbers of each rule, never a value. */
export const ruleSamples = defineAsset({
  kind: 'output',
  name: 'rule_samples',
  dimensions: SUBMISSION,
  description: 'the first line numbers that break each rule',
  publish: ([, , submissionId = '']) => ({
    path: validationPath({ submissionId, runId: 'samples' }),
    mode: 'folder',
  }),
})

/** Counts per rule, in one pass over the submission's silver columns. */
export function measureAsset(duck: DuckPool): StoredAsset {
  return defineAsset({
    kind: 'stored',
    name: 'measure',
    dimensions: SUBMISSION,
    description: 'violations of each rule, counted over silver',
    recipe: '3',
    from: { parse: sameKey, silver: byKey((key) => [key.slice(0, 3)]), rule_reads: sameKey },
    reads: {
      assets: ['layout_parse', 'rules_measure', 'code_set'],
      nodes: (_key, members) => {
        const member = (asset: string) => members.find((slot) => slot.asset === asset)
        const layout = valueOf<ParseValue>(member('parse'))?.layout
        if (layout === undefined) return []
        const { codeSets = [] } = valueOf<RuleReadsValue>(member('rule_reads')) ?? {}
        return [
          { asset: 'layout_parse', key: layout },
          { asset: 'rules_measure', key: ruleKey(layout) },
          ...codeSets.map((key) => ({ asset: 'code_set', key })),
        ]
      },
    },
    outputs: ['rule_samples'],
    valueBytesMax: MEASURES_BYTES_MAX,
    outline: (inputs) =>
      inputs.of('parse').length === 0
        ? { verdict: 'retire', why: 'there is no parse to measure' }
        : { verdict: 'build' },
    build: async (context) => measure(context, duck),
  })
}

async function measure(context: BuildContext, duck: DuckPool): Promise<BuildResult> {
  const { inputs } = context
  const parse = valueOf<ParseValue>(inputs.one('parse'))
  const rules = (valueOf<readonly MeasuredRule[]>(inputs.of('rules_measure')[0]) ?? []).toSorted(
    (a, b) => (a.id < b.id ? -1 : 1),
  )
  const spec = valueOf<object>(inputs.of('layout_parse')[0]) as ParseSpec | undefined
  const period = valueOf<RuleReadsValue>(inputs.of('rule_reads')[0])?.trendPeriod
  const files = await Promise.all(
    inputs.of('silver').map(async (slot) => context.read({ asset: slot.asset, key: slot.key })),
  )
  const { measures, samples, figures } = await measureRows({
    rules,
    columns: spec?.columns ?? [],
    codeSets: codeSetSlots(inputs),
    parts: spec === undefined ? [] : files.flat().map((file) => file.path),
    parse: parseCounts(parse),
    ...(period !== undefined && { period }),
    duck,
    signal: context.signal,
  })
  return {
    parts: [],
    value: asJson({
      layout: parse?.layout ?? '',
      ...measures,
      ...(Object.keys(figures).length > 0 && { figures }),
    } satisfies MeasureValue),
    outputs: sampleOutputs(inputs.key, samples),
    rows: parse?.accepted ?? 0,
  }
}

const codeSetSlots = (inputs: Inputs): ReadonlyMap<string, CodeSetSlice> =>
  new Map(
    inputs.of('code_set').flatMap((slot) => {
      const slice = valueOf<CodeSetSlice>(slot)
      return slice === undefined ? [] : [[slot.key, slice] as const]
    }),
  )

const parseCounts = (parse: ParseValue | undefined): ParseCounts => ({
  accepted: parse?.accepted ?? 0,
  rejected: parse?.rejected ?? 0,
  files: (parse?.files ?? []).map(([records, ...declared]) => ({ records, declared })),
})

/** None where nothing was counted: then there is no file either. */
function sampleOutputs(
  key: readonly string[],
  samples: RuleSamples,
): NonNullable<BuildResult['outputs']> {
  if (Object.keys(samples).length === 0) return []
  const bytes = `${canonicalJson({ format: 'rule-samples/1', line_numbers: samples })}\n`
  return [{ asset: 'rule_samples', key, parts: [{ name: 'rule_samples.json', from: { bytes } }] }]
}

export const verdict = defineAsset({
  kind: 'value',
  name: 'verdict',
  dimensions: SUBMISSION,
  description: 'whether a submission may be used: severities, thresholds, variances',
  recipe: '1',
  from: { measure: sameKey },
  reads: {
    assets: [...JUDGING, ...ACROSS],
    nodes: (key, [own]) => [
      ...judgingNodes(key, own),
      ...ACROSS.map((asset) => ({ asset, key: formatKey(key) })),
    ],
  },
  evaluate: (inputs): Json | undefined => {
    const across = ACROSS.map((asset) => valueOf<Pick<Measures, 'rules'>>(inputs.of(asset)[0]))
    const found = judged(inputs, Object.assign({}, ...across.map((one) => one?.rules ?? {})))
    if (found === undefined) return undefined
    const { status, findings, failed } = found
    const value: VerdictValue = {
      status,
      ...bounded(findings),
      ...(failed !== undefined && { failed }),
    }
    return asJson(value)
  },
})

function bounded(findings: readonly Finding[]): Pick<VerdictValue, 'findings' | 'findingsMore'> {
  const ordered = findings.toSorted((a, b) => Number(a.passed) - Number(b.passed))
  const kept: Finding[] = []
  let bytes = 0
  for (const finding of ordered) {
    bytes += canonicalJson(finding).length
    if (bytes > FINDINGS_BYTES_MAX) break
    kept.push(finding)
  }
  return { findings: kept, findingsMore: findings.length - kept.length }
}

/** The report a submitter gets: what was measured and how it was judged. */
export const validationReport = defineAsset({
  kind: 'stored',
  name: 'validation_report',
  dimensions: SUBMISSION,
  description: 'what was measured and how it was judged, as a file',
  recipe: '1',
  from: { verdict: sameKey },
  reads: {
    assets: ['measure', 'rule_samples', 'stamp', ...ACROSS],
    nodes: (key) =>
      ['measure', 'rule_samples', 'stamp', ...ACROSS].map((asset) => ({
        asset,
        key: formatKey(key),
      })),
  },
  outline: (inputs) =>
    inputs.of('verdict').length === 0
      ? { verdict: 'retire', why: 'the submission is not judged' }
      : { verdict: 'build' },
  publish: ([, , submissionId = '']) => ({
    path: validationPath({ submissionId, runId: 'latest' }),
    mode: 'folder',
  }),
  build: async ({ inputs, read }) => {
    const [submitter, fileType, submission] = inputs.key
    const [samples] = inputs.of('rule_samples')
    const files = samples === undefined || samples.contentId === ABSENT ? [] : await read(samples)
    const [text] = await Promise.all(files.map(async ({ path }) => readFile(path, 'utf8')))
    const report = {
      format: 'validation-report/1',
      submission: {
        submission_id: submission,
        submitter_id: submitter,
        file_type: fileType,
        ...(inputs.of('stamp')[0]?.value as object),
      },
      measures: inputs.of('measure')[0]?.value ?? null,
      verdict: inputs.one('verdict').value ?? null,
      ...(text !== undefined && { samples: JSON.parse(text) as Json }),
      ...Object.fromEntries(
        ACROSS.flatMap((asset) => {
          const value = inputs.of(asset)[0]?.value
          return value === undefined ? [] : [[asset, value] as const]
        }),
      ),
    }
    const bytes = `${JSON.stringify(JSON.parse(canonicalJson(report)), null, 2)}\n`
    return { parts: [{ name: 'validation_report.json', from: { bytes } }] }
  },
})
