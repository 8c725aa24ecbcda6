/**
 * silver: a submission's rows as typed columns, one folder a month. One parse writes all months.
 *
 * Rejected records and the report belong to the parse; months are its outputs, so that a month
 * whose bytes did not change is a cutoff for everything behind it.
 */
import { join } from 'node:path'
import type {
  BuildContext,
  BuildResult,
  DuckPool,
  ParseOutcome,
  ParseSpec,
  StoredAsset,
} from '../engine/index.ts'
import {
  EngineError,
  canonicalJson,
  defineAsset,
  formatKey,
  parseFiles,
  sameKey,
} from '../engine/index.ts'
import type { Period } from '../registry/period.ts'
import type { Stamp } from './facts.ts'
import { SUBMISSION, asJson, valueOf } from './facts.ts'
import type { SecretsOf } from './package-secrets.ts'
import { submissionPath, silverPath } from './paths.ts'

const MONTH_COLUMN = 'atomic_month'

/** What the catalog keeps of a parse. */
export interface ParseValue {
  readonly layout: string
  /** the submitter's fault that stopped it; no value of the file */
  readonly failed?: { readonly code: string; readonly detail: string }
  readonly accepted: number
  readonly rejected: number
  /** data records of each file, and the numbers its control records declare; at most 100 files */
  readonly files: readonly (readonly [records: number, ...declared: (number | null)[]])[]
}

export interface SilverValue {
  readonly rows: number
}

const FILES_MAX = 100

export const silver = defineAsset({
  kind: 'output',
  name: 'silver',
  dimensions: [...SUBMISSION, MONTH_COLUMN],
  description: 'typed rows of one submission and month',
  tags: ['phi'],
  publish: ([submitter = '', fileType = '', submissionId = '', month = '']) => ({
    path: silverPath({ submitter, fileType, submissionId, month }),
    mode: 'folder',
  }),
})

/** The only place, beside raw, where a rejected line's text may be. */
export const rejects = defineAsset({
  kind: 'output',
  name: 'rejects',
  dimensions: SUBMISSION,
  description: 'records that were not accepted, with every reason',
  tags: ['phi'],
  publish: ([submitter = '', fileType = '', submissionId = '']) => ({
    path: submissionPath('rejects', { submitter, fileType, submissionId }),
    mode: 'folder',
  }),
})

/** The parse of a submission: one build, all its months. */
export function parseAsset(duck: DuckPool, secretsOf: SecretsOf): StoredAsset {
  return defineAsset({
    kind: 'stored',
    name: 'parse',
    dimensions: SUBMISSION,
    description: 'one pass over a submission: months, rejects, report',
    tags: ['phi'],
    recipe: '3',
    from: { stamp: sameKey, raw: sameKey },
    reads: {
      assets: ['layout_parse'],
      nodes: (_key, members) => {
        const stamp = members.find((slot) => slot.asset === 'stamp')
        const layout = valueOf<Stamp>(stamp)?.layout
        return layout === undefined ? [] : [{ asset: 'layout_parse', key: layout }]
      },
    },
    outputs: ['silver', 'rejects'],
    publish: ([submitter = '', fileType = '', submissionId = '']) => ({
      path: silverPath({ submitter, fileType, submissionId }),
      mode: 'files',
    }),
    build: async (context) => parse(context, duck, secretsOf),
  })
}

async function parse(
  context: BuildContext,
  duck: DuckPool,
  secretsOf: SecretsOf,
): Promise<BuildResult> {
  const stamp = valueOf<Stamp>(context.inputs.one('stamp'))
  if (stamp === undefined) throw new TypeError('a stamp has a value')
  const spec = valueOf<object>(context.inputs.of('layout_parse')[0]) as ParseSpec | undefined
  if (spec === undefined) throw new EngineError('LAYOUT_MISSING', { layout: stamp.layout })
  const [submitter = '', fileType = '', submission = ''] = context.inputs.key
  const files = await context.read({ asset: 'raw', key: formatKey(context.inputs.key) })
  const scratch = await context.scratch()
  const outcome = await parseFiles({
    spec,
    files: files
      .filter((file) => file.name.startsWith('data/'))
      .map((file) => ({ name: file.name.slice('data/'.length), path: file.path })),
    declaredMonth: declaredMonth(spec, { first: stamp.first_month, last: stamp.last_month }),
    monthColumn: MONTH_COLUMN,
    constants: [
      { name: 'state', value: stamp.state },
      { name: 'file_type', value: fileType },
      { name: 'submitter_id', value: submitter },
      { name: 'submission_id', value: submission },
      { name: 'layout_id', value: stamp.layout },
    ],
    scratch: join(scratch, 'work'),
    out: join(scratch, 'out'),
    duck,
    signal: context.signal,
    secrets: async () => secretsOf(submitter),
    onProgress: ({ bytes, bytesTotal }) => context.progress({ done: bytes, total: bytesTotal }),
  })
  // What is set where this process runs is no input, so that nothing is concluded from its absence.
  if (outcome.kind === 'failed' && outcome.code === 'PACKAGE_SECRET') {
    const { file, detail } = outcome
    throw new EngineError('PACKAGE_SECRET', { file, detail })
  }
  return outcome.kind === 'parsed'
    ? parsed(outcome, stamp, context.inputs.key)
    : failed(outcome, stamp, context.inputs.key)
}

/** The month of rows that have none of their own: an end of the declared period. */
export const declaredMonth = ({ month }: ParseSpec, { first, last }: Period): string =>
  'declared' in month && month.declared === 'first' ? first : last

function parsed(
  { months, rejects: written, report }: Extract<ParseOutcome, { kind: 'parsed' }>,
  stamp: Stamp,
  key: readonly string[],
): BuildResult {
  const value: ParseValue = {
    layout: stamp.layout,
    accepted: report.accepted,
    rejected: report.rejected,
    files: report.files.slice(0, FILES_MAX).map((file) => {
      const declared = file.reconciliation.map((one) => one.declared)
      const records = file.totals.accepted.records + file.totals.rejected.records
      return declared.length === 0 ? [records, null] : [records, ...declared]
    }),
  }
  return {
    parts: [{ name: 'parse_report.json', from: { bytes: reportText(report) } }],
    value: asJson(value),
    outputs: [
      ...months.map((month) => ({
        asset: 'silver',
        key: [...key, month.month],
        parts: month.parts.map(({ name, path, rows }) => ({ name, from: { file: path }, rows })),
        value: asJson({ rows: month.rows } satisfies SilverValue),
      })),
      ...(report.rejected === 0 ? [] : [rejectsOutput(written, key)]),
    ],
    rows: report.accepted,
    record: asJson({ report }),
  }
}

const rejectsOutput = (written: WrittenLines, key: readonly string[]) => ({
  asset: 'rejects',
  key,
  parts: [{ name: 'part-00000.jsonl', from: { file: written.path }, rows: written.lines }],
})

type FailedParse = Extract<ParseOutcome, { kind: 'failed' }>
type WrittenLines = NonNullable<FailedParse['rejects']>

/** A file that cannot be read as its layout: no months, and the reason in words. */
function failed(
  { code, detail, file, report, stopped, rejects: written }: FailedParse,
  stamp: Stamp,
  key: readonly string[],
): BuildResult {
  const value: ParseValue = {
    layout: stamp.layout,
    failed: { code, detail: `${file}: ${detail}` },
    accepted: 0,
    rejected: report?.rejected ?? stopped?.rejected ?? 0,
    files: [],
  }
  const text = reportText({
    format: 'parse-report/1',
    failed: value.failed,
    ...report,
    ...(stopped !== undefined && { stopped }),
  })
  return {
    parts: [{ name: 'parse_report.json', from: { bytes: text } }],
    value: asJson(value),
    outputs: written === undefined || written.lines === 0 ? [] : [rejectsOutput(written, key)],
    rows: 0,
    ...(report !== undefined && { record: asJson({ report }) }),
  }
}

const reportText = (report: object): string =>
  `${JSON.stringify(JSON.parse(canonicalJson(report)), null, 2)}\n`
