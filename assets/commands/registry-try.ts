/**
 * `registry try`: a file's first rows as a layout reads them, its rejects, and what the rules say.
 * The real parse, in a folder of its own that is removed at the end; nothing is stored.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import type { CommandCall, DuckPool, DuckRow, ParseOutcome } from '../../engine/index.ts'
import {
  EXIT,
  PARTS,
  alignColumns,
  countText,
  flagOption,
  parseFiles,
  printableJson,
  rowsQuery,
  textOption,
  wholeNumber,
} from '../../engine/index.ts'
import type { Finding } from '../../registry/judge.ts'
import { judge } from '../../registry/judge.ts'
import type { Layout } from '../../registry/layout.ts'
import { codeSetSlices } from '../../registry/code-set.ts'
import type { Registry } from '../../registry/registry.ts'
import type { RuleSamples } from '../../registry/measure-sql.ts'
import type { Period } from '../../registry/period.ts'
import { namedPeriod } from '../../registry/route.ts'
import { codeSetsOf, ruleSetFor } from '../../registry/rule-set.ts'
import { measureRows } from '../measuring.ts'
import { fileFindingWords } from '../precheck.ts'
import { declaredMonth } from '../silver.ts'
import { readFolder } from '../registry-sync.ts'
import { findLayout } from './find-layout.ts'
import type { OpenedPlatform } from './opened.ts'

type Parsed = Extract<ParseOutcome, { kind: 'parsed' }>

export interface Trial {
  readonly layout: Layout
  readonly registry: Registry
  readonly outcome: ParseOutcome
  readonly rows: readonly DuckRow[]
  readonly findings: readonly Finding[]
  readonly samples: RuleSamples
  readonly verdict: string
  /** the months that its name declares */
  readonly period: Period | undefined
}

const ROWS = '5'

/** Runs `registry try`: 1 when the file would not be accepted. */
export async function runTry(call: CommandCall<OpenedPlatform>): Promise<number> {
  const { platform } = await call.open({ sync: false })
  const [reference = '', file = ''] = call.words
  const registry = await readFolder(platform.config.root)
  const layout = findLayout(registry, reference, 'registry try')
  const limit = wholeNumber('--rows', textOption(call, 'rows') ?? ROWS, 1000)
  const scratch = platform.config.scratch.value
  mkdirSync(scratch, { recursive: true })
  const folder = mkdtempSync(join(scratch, 'try-'))
  try {
    const trial = await tryFile({
      registry,
      layout,
      file: resolve(file),
      folder,
      limit,
      duck: platform.duck,
    })
    if (call.json) call.terminal.printJson(trialJson(trial, flagOption(call, 'mask')))
    else printTrial(call, trial)
    return trial.verdict.startsWith('VALIDATED') ? EXIT.done : EXIT.failed
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** One file through the parse and the rules, in a folder that the caller removes. */
export async function tryFile({
  registry,
  layout,
  file,
  folder,
  limit,
  duck,
}: {
  readonly registry: Registry
  readonly layout: Layout
  readonly file: string
  readonly folder: string
  readonly limit: number
  readonly duck: DuckPool
}): Promise<Trial> {
  const name = basename(file)
  const period = namedPeriod(name, {
    submitter: undefined,
    rules: registry.routing,
    layouts: registry.layouts,
  })
  const outcome = await parseFiles({
    spec: layout.slices.parse,
    files: [{ name, path: file }],
    declaredMonth: declaredMonth(layout.slices.parse, period ?? UNNAMED),
    monthColumn: 'atomic_month',
    constants: [],
    scratch: join(folder, 'work'),
    out: join(folder, 'out'),
    duck,
    signal: new AbortController().signal,
  })
  const tried = { layout, registry, outcome: withoutUnnamed(outcome, { layout, period }), period }
  if (outcome.kind === 'failed')
    return { ...tried, rows: [], findings: [], samples: {}, verdict: 'PARSE_FAILED' }
  const parts = outcome.months.flatMap((month) => month.parts.map((part) => part.path))
  const rows =
    parts.length === 0
      ? []
      : await rowsQuery({
          select: `FROM ${PARTS} ORDER BY line_number LIMIT ${limit}`,
          parts,
          duck,
        })
  return { ...tried, rows, ...(await judgeTrial({ ...tried, outcome }, parts, duck)) }
}

/** The months of rows whose layout takes theirs from a file name that says none. */
const UNNAMED: Period = { first: '2000-01', last: '2000-01' }

/** A month that nobody declared is not told. */
function withoutUnnamed(
  outcome: ParseOutcome,
  { layout, period }: Pick<Trial, 'layout' | 'period'>,
): ParseOutcome {
  const isTold = period !== undefined || !('declared' in layout.slices.parse.month)
  if (isTold || outcome.report === undefined) return outcome
  return { ...outcome, report: { ...outcome.report, months: [] } }
}

async function judgeTrial(
  {
    layout,
    registry,
    outcome: { report },
  }: Pick<Trial, 'layout' | 'registry'> & { readonly outcome: Parsed },
  parts: readonly string[],
  duck: DuckPool,
): Promise<Pick<Trial, 'findings' | 'samples' | 'verdict'>> {
  const set = ruleSetFor(registry.ruleSets, layout)
  const rules = set?.measure ?? []
  const counts = {
    accepted: report.accepted,
    rejected: report.rejected,
    files: report.files.map((file) => ({
      records: file.totals.accepted.records + file.totals.rejected.records,
      declared: file.reconciliation.map((one) => one.declared),
    })),
  }
  const { measures, samples } = await measureRows({
    rules,
    columns: layout.slices.parse.columns,
    codeSets: codeSetSlices(registry.codeSets, codeSetsOf(rules)),
    parts,
    parse: counts,
    duck,
  })
  const { outcome, findings } = judge({
    measures,
    judgeSlice: set?.judge ?? {},
    layoutJudge: layout.slices.judge,
    parseCounts: counts,
    variances: [],
    receivedAt: '',
  })
  return { findings, samples, verdict: outcome }
}

function trialJson({ layout, outcome, rows, findings, verdict }: Trial, isMasked: boolean): object {
  const failed = outcome.kind === 'failed' ? { code: outcome.code, detail: outcome.detail } : null
  const report = outcome.report
  return {
    format_version: '1.0',
    layout: layout.id,
    verdict,
    failed,
    accepted: report?.accepted ?? 0,
    rejected: report?.rejected ?? 0,
    reasons: report?.reasons ?? [],
    months: report?.months ?? [],
    file_findings: report?.findings ?? [],
    rows: isMasked ? rows.map(masked) : rows,
    findings,
  }
}

const masked = (row: DuckRow): DuckRow =>
  Object.fromEntries(
    Object.entries(row).map(([name, value]) => [name, value === null ? null : MASK]),
  )
const MASK = '•••'

function printTrial(call: CommandCall<OpenedPlatform>, trial: Trial): void {
  const { terminal } = call
  const { layout, outcome, rows, findings, verdict } = trial
  const { bold, dim, green, red } = terminal.out
  const isMasked = flagOption(call, 'mask')
  const isGood = verdict.startsWith('VALIDATED')
  terminal.print(`${bold(layout.id)}  ${isGood ? green(verdict) : red(verdict)}`)
  if (outcome.kind === 'failed') terminal.print(`  ${outcome.code}: ${outcome.detail}`)
  const report = outcome.report
  if (report !== undefined) {
    const months = report.months.map(({ month, rows: count }) => `${month} ${countText(count)}`)
    terminal.print(`  ${countText(report.accepted)} rows, ${countText(report.rejected)} rejected`)
    for (const one of report.findings ?? []) terminal.print(`  ${fileFindingWords(one)}`)
    if (months.length > 0) terminal.print(`  months: ${months.join(' · ')}`)
    const reasons = report.reasons.map(({ code, column, count }) => [
      `    ${code}`,
      column ?? '',
      countText(count),
    ])
    if (reasons.length > 0)
      terminal.print(alignColumns(['    rejected', 'column', 'records'], reasons, dim).join('\n'))
  }
  if (!isMasked && rows.length > 0)
    terminal.note('values of your own file are shown; --mask hides them')
  for (const row of rows) {
    const shown = isMasked ? masked(row) : row
    const cells = Object.entries(shown).map(([name, value]) => [`    ${name}`, valueText(value)])
    terminal.print(`\n  row ${valueText(row['line_number'] ?? null)}`)
    terminal.print(alignColumns(['', ''], cells).join('\n'))
  }
  if (findings.length === 0) return
  const cells = findings.map((one) => [
    one.passed ? green('  passed') : red('  failed'),
    one.rule,
    one.severity,
    `${countText(one.violations)} of ${countText(one.denominator)}`,
  ])
  terminal.print(`\n${alignColumns(['', 'rule', 'severity', 'rows'], cells, dim).join('\n')}`)
}

const valueText = (value: DuckRow[string]): string =>
  value === null
    ? ''
    : typeof value === 'string'
      ? printableJson(value).slice(1, -1)
      : printableJson(value)
