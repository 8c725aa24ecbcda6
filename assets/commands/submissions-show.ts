/** `submissions show`: everything known about one submission. */
import { isAbsolute } from 'node:path'
import type { CommandCall, Connection, Terminal } from '../../engine/index.ts'
import { EXIT, alignColumns, countText, isoText, shellWord, timeText } from '../../engine/index.ts'
import type { RegistryTables } from '../../registry/tables.ts'
import { platformTables } from '../../registry/tables.ts'
import type { OpenedPlatform } from './opened.ts'
import { openProblems } from './problems.ts'
import type { DatedProblem } from './problems.ts'
import type { SubmissionCounts, SubmissionRow } from './submission-rows.ts'
import { submissionCounts, submissionKey, submissionRow } from './submission-rows.ts'
import { submissionJson } from './submissions-list.ts'

interface Shown {
  readonly row: SubmissionRow
  readonly counts: SubmissionCounts
  readonly files: readonly RegistryTables['submission_file'][]
  readonly problems: readonly DatedProblem[]
  readonly decisions: readonly {
    readonly at_ms: number
    readonly actor: string
    readonly action: string
    readonly reason: string
  }[]
}

/** Runs `submissions show`. */
export async function runShow(call: CommandCall<OpenedPlatform>): Promise<number> {
  const { db } = (await call.open({ sync: false })).project.catalog
  const shown = await load(db, call.words[0] ?? '')
  if (call.json) call.terminal.printJson(shownJson(shown))
  else printShown(call, shown)
  return EXIT.done
}

async function load(db: Connection, submission: string): Promise<Shown> {
  const row = await submissionRow(db, submission)
  const counts = (await submissionCounts(db, [row]))(submission)
  const files = await platformTables(db)
    .selectFrom('submission_file')
    .selectAll()
    .where('submission_id', '=', submission)
    .orderBy('name')
    .execute()
  const decisions = await db
    .selectFrom('audit')
    .select(['at_ms', 'actor', 'action', 'reason'])
    .where('subject', '=', submission)
    .orderBy('seq')
    .execute()
  const problems = (await openProblems(db)).filter((one) => one.submission === submission)
  return { row, counts, files, problems, decisions }
}

const shownJson = ({ row, counts, files, problems, decisions }: Shown): object => ({
  format_version: '1.0',
  ...submissionJson(row, counts),
  grouping_method: row.grouping_method,
  routed_because: row.routed_because,
  files: files.map(({ name, source, size_bytes, sha256 }) => ({
    name,
    source,
    size_bytes,
    sha256,
  })),
  findings: problems.map(({ severity, code, words }) => ({ severity, code, words })),
  decisions: decisions.map(({ at_ms: atMs, ...one }) => ({ at: isoText(atMs), ...one })),
})

function printShown({ terminal }: CommandCall<OpenedPlatform>, shown: Shown): void {
  const { row, counts, files, problems, decisions } = shown
  const { bold, dim, red, yellow } = terminal.out
  const facts = [
    ['status', row.status],
    ...(row.status_words === null
      ? []
      : [['because', `${row.status_code ?? ''} ${row.status_words}`.trim()]]),
    ['submitter', row.submitter_id],
    ['file type', row.file_type],
    ['state', row.state ?? 'unknown'],
    ['layout', row.layout_id ?? 'none'],
    ['routing', row.routed_because ?? ''],
    ['months', `${row.first_month ?? '?'} to ${row.last_month ?? '?'}`],
    ['received', `${timeText(row.received_ms)}  by ${row.grouping_method.toLowerCase()}`],
    ['drop', row.drop_path],
    ...(row.is_test === 1 ? [['test file', 'wins no month']] : []),
    ...(row.duplicate_of === null ? [] : [['duplicate of', row.duplicate_of]]),
    [
      'rows',
      `${countText(counts.accepted)} accepted, ${countText(counts.rejected)} rejected, ${countText(counts.outOfPeriod)} out of period`,
    ],
    ['wins', counts.wonMonths.join(' ') || 'no month'],
    ...(counts.heldMonths.length === 0 ? [] : [['held for', counts.heldMonths.join(' ')]]),
  ]
  terminal.print(bold(row.submission_id))
  terminal.print(
    alignColumns(
      ['', ''],
      facts.map(([name = '', text = '']) => [`  ${name}`, text]),
    ).join('\n'),
  )
  const cells = files.map((file) => [`  ${file.name}`, countText(file.size_bytes), file.sha256])
  terminal.print(
    `\n${alignColumns(['  file', { title: 'bytes', align: 'right' }, 'sha256'], cells, dim).join('\n')}`,
  )
  if (problems.length > 0) {
    const rows = problems.map((one) => [
      `  ${one.severity === 'error' ? red('error') : yellow('warning')}`,
      one.code,
      one.words,
    ])
    terminal.print(`\n${alignColumns(['', '', ''], rows).join('\n')}`)
  }
  if (decisions.length > 0) {
    const rows = decisions.map((one) => [
      `  ${timeText(one.at_ms)}`,
      one.action,
      one.actor,
      one.reason,
    ])
    terminal.print(`\n${alignColumns(['  decided', '', 'by', 'reason'], rows, dim).join('\n')}`)
  }
  printNext(terminal, shown)
  terminal.print(`Lineage:  tributary lineage raw/${submissionKey(row)}`)
}

/** What a person may want to look at now. */
function printNext(terminal: Terminal, { row, counts, files }: Shown): void {
  const source = files.map((file) => file.source).find(isAbsolute)
  if (row.status === 'NEEDS_REVIEW' && source !== undefined) {
    terminal.print(`\nWhich layouts come near:  tributary samples make ${shellWord(source)}`)
    terminal.print(`                     then:  tributary samples show ${shellWord(source)}`)
  }
  if (counts.rejected > 0)
    terminal.print(`\nRejected records:  tributary rejects ${row.submission_id}`)
}
