/** What is wrong with what was delivered, in one form: refusals, failed rules, reviews, holds. */
import { sql } from 'kysely'
import type { Connection, Problem, Project } from '../../engine/index.ts'
import { nodeText } from '../../engine/index.ts'
import { LAYOUT_REJECTS } from '../../registry/judge.ts'
import { platformTables } from '../../registry/tables.ts'

/** A problem with when it was seen and the submission it is about. */
export interface DatedProblem extends Problem {
  readonly atMs: number
  readonly submission: string | undefined
}

const ERROR_STATES = ['QUARANTINED', 'PARSE_FAILED', 'VALIDATION_FAILED'] as const
const STATES = [...ERROR_STATES, 'NEEDS_REVIEW'] as const

/** Everything open now, errors first, then by time. */
export async function openProblems(db: Connection): Promise<readonly DatedProblem[]> {
  const stopped = await stoppedSubmissions(db)
  const all = [
    ...(await openFindings(db, stopped)),
    ...stopped,
    ...(await failedRules(db)),
    ...(await holds(db)),
  ]
  const rank = ({ severity }: Problem): number => (severity === 'error' ? 0 : 1)
  return all.toSorted((a, b) => rank(a) - rank(b) || a.atMs - b.atMs)
}

/**
 * What one run leaves for a person: the findings still open, and the submissions that it stopped.
 * Holds and reviews are warnings: they wait, and nothing is wrong with what was built.
 */
export async function runProblems(
  { catalog: { db } }: Project,
  run: number | undefined,
): Promise<readonly Problem[]> {
  if (run === undefined) return []
  const row = await db
    .selectFrom('run')
    .select('started_ms')
    .where('id', '=', run)
    .executeTakeFirst()
  const since = row?.started_ms ?? 0
  const stopped = await stoppedSubmissions(db)
  const findings = await openFindings(db, stopped)
  const isOfRun = ({ atMs }: DatedProblem): boolean => atMs >= since
  // An error that is still open was met again: its file is tried at every look.
  const own = [
    ...findings.filter((one) => one.severity === 'error' || isOfRun(one)),
    ...stopped.filter(isOfRun),
  ]
  return own.map(({ severity, code, subject, words }) => ({ severity, code, subject, words }))
}

/** Open findings, but for those that a stopped submission says better. */
async function openFindings(
  db: Connection,
  stopped: readonly DatedProblem[],
): Promise<readonly DatedProblem[]> {
  const said = new Set(stopped.map(({ submission }) => submission))
  const rows = await platformTables(db)
    .selectFrom('finding')
    .selectAll()
    .where('closed_ms', 'is', null)
    .where('severity', '<>', 'info')
    .orderBy('id')
    .execute()
  const own = rows.filter(({ subject }) => !said.has(subject))
  return own.map(({ severity, code, subject, words, at_ms: atMs }) => ({
    severity: severity === 'error' ? 'error' : 'warning',
    code,
    subject,
    words,
    atMs,
    submission: undefined,
  }))
}

/** Submissions that stand in a state nothing is built from, with when they came into it. */
async function stoppedSubmissions(db: Connection): Promise<readonly DatedProblem[]> {
  const { rows } = await sql<{
    submission_id: string
    drop_path: string
    status: string
    status_code: string | null
    status_words: string | null
    at_ms: number
  }>`select s.submission_id, s.drop_path, s.status, s.status_code, s.status_words,
      coalesce((select max(v.at_ms) from validation_run v where v.submission_id = s.submission_id),
        (select max(p.at_ms) from parse_run p where p.submission_id = s.submission_id),
        s.received_ms) as at_ms
    from submission s where s.status in (${sql.join([...STATES])})
    order by s.received_ms, s.submission_id`.execute(db)
  return rows.map((row) => ({
    severity: row.status === 'NEEDS_REVIEW' ? 'warning' : 'error',
    code: row.status_code ?? row.status,
    subject: `${row.drop_path} (${row.submission_id})`,
    words: row.status_words ?? row.status,
    atMs: row.at_ms,
    submission: row.submission_id,
  }))
}

/** Rules that did not pass, of each submission's last validation. */
async function failedRules(db: Connection): Promise<readonly DatedProblem[]> {
  const { rows } = await sql<{
    submission_id: string
    at_ms: number
    rule: string
    severity: string
    violations: number
    denominator: number
  }>`select v.submission_id, v.at_ms, f.rule, f.severity, f.violations, f.denominator
    from validation_run v join validation_finding f on f.validation_run_id = v.validation_run_id
    join submission s on s.submission_id = v.submission_id
    where f.passed = 0 and s.status <> 'WITHDRAWN' and v.validation_run_id = (
      select max(l.validation_run_id) from validation_run l where l.submission_id = v.submission_id)
    order by v.at_ms, v.submission_id, f.rule`.execute(db)
  return rows.map((row) => ({
    severity: row.severity === 'HARD' ? 'error' : 'warning',
    code: `RULE ${row.rule}`,
    subject: row.submission_id,
    words:
      row.rule === LAYOUT_REJECTS
        ? `${row.violations} of ${row.denominator} records were refused: tributary rejects ${row.submission_id}`
        : `${row.violations} of ${row.denominator} do not pass`,
    atMs: row.at_ms,
    submission: row.submission_id,
  }))
}

/** Months that a submission may not win until a person says so. */
async function holds(db: Connection): Promise<readonly DatedProblem[]> {
  const rows = await db
    .selectFrom('node')
    .innerJoin('asset', 'asset.id', 'node.asset')
    .select(['asset.name', 'node.key', 'node.waiting'])
    .where('node.waiting', 'is not', null)
    .orderBy('node.key')
    .execute()
  return rows.map(({ name, key, waiting }) => ({
    severity: 'warning',
    code: 'HELD',
    subject: nodeText({ asset: name, key }),
    words: waiting ?? '',
    atMs: 0,
    submission: waiting?.split(' ')[0],
  }))
}
