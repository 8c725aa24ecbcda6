/**
 * A person's decisions: withdraw, reject, confirm, pin, route. Each is one transaction: the fact,
 * the submission's state and an audit row with actor and reason. What follows is for the next plan.
 */
import type { Actor, Project, WriteTransaction } from '../engine/index.ts'
import {
  EngineError,
  formatKey,
  insertAudit,
  loadDefinitions,
  projectJournal,
  writeFacts,
} from '../engine/index.ts'
import { monthsOf } from '../registry/period.ts'
import { next } from '../registry/submission-state.ts'
import type { RegistryTables } from '../registry/tables.ts'
import { platformTables } from '../registry/tables.ts'
import type { DecisionFact } from './facts.ts'
import { asJson } from './facts.ts'
import { closeStop } from './stop-findings.ts'
import { submissionFacts, withoutStop } from './submission-facts.ts'
import { isLanded, withoutFacts } from './unlanded.ts'

export type Decision =
  | { readonly kind: 'withdraw'; readonly submission: string }
  | {
      readonly kind: 'reject' | 'confirm'
      readonly submission: string
      readonly months: readonly string[] | 'all'
    }
  | {
      readonly kind: 'pin'
      readonly submission: string | undefined
      readonly month: {
        readonly state: string
        readonly fileType: string
        readonly submitter: string
        readonly month: string
      }
    }
  | {
      readonly kind: 'route'
      readonly submission: string
      readonly state: string
      /** `{file_type}/{layout}/{version}` */
      readonly layout: string
      readonly first: string
      readonly last: string
    }

/** Records a decision. Throws SUBMISSION_UNKNOWN, SUBMISSION_STATE, DECISION_INVALID. */
export async function decide(project: Project, decision: Decision, actor: Actor): Promise<void> {
  await project.catalog.write(async (trx) => {
    switch (decision.kind) {
      case 'withdraw':
        await withdraw(project, trx, decision.submission)
        break
      case 'reject':
      case 'confirm':
        await judgeMonths(project, trx, decision)
        break
      case 'pin':
        await pin(project, trx, decision)
        break
      case 'route':
        await routeByHand(project, trx, decision)
        break
    }
    const subject =
      decision.submission ?? (decision.kind === 'pin' ? formatMonth(decision.month) : '')
    const atMs = project.clock.nowMs()
    await insertAudit(trx, { atMs, actor, action: decision.kind, subject, run: null })
  })
  await projectJournal(project)
}

const formatMonth = (month: Extract<Decision, { kind: 'pin' }>['month']): string =>
  formatKey([month.state, month.fileType, month.submitter, month.month])

async function submissionRow(
  trx: WriteTransaction,
  submission: string,
): Promise<RegistryTables['submission']> {
  const row = await platformTables(trx.db)
    .selectFrom('submission')
    .selectAll()
    .where('submission_id', '=', submission)
    .executeTakeFirst()
  if (row === undefined) throw new EngineError('SUBMISSION_UNKNOWN', { submission })
  return row
}

const keyOf = (row: RegistryTables['submission']): string =>
  formatKey([row.submitter_id, row.file_type, row.submission_id])

/** Changes the decision fact of a submission. */
async function changeDecision(
  project: Project,
  trx: WriteTransaction,
  {
    key,
    change,
  }: { readonly key: string; readonly change: (before: DecisionFact) => DecisionFact },
): Promise<void> {
  const definitions = await loadDefinitions(project.graph, trx, true)
  const row = await trx.db
    .selectFrom('node')
    .leftJoin('version', 'version.id', 'node.version')
    .select('version.value')
    .where('node.asset', '=', definitions.ids.idOf('decision'))
    .where('node.key', '=', key)
    .executeTakeFirst()
  const before = row?.value == null ? {} : (JSON.parse(row.value) as DecisionFact)
  const value = asJson(change(before))
  await writeFacts(trx, definitions, [{ asset: 'decision', key, value }])
}

async function withdraw(
  project: Project,
  trx: WriteTransaction,
  submission: string,
): Promise<void> {
  const row = await submissionRow(trx, submission)
  const status = next(row.status, 'withdrawn')
  await changeDecision(project, trx, {
    key: keyOf(row),
    change: (before) => ({ ...before, withdrawn: true }),
  })
  // Nothing is landed of it any more, so that bytes which are gone do not fail for ever.
  if (!(await isLanded(trx.db, row))) {
    await writeFacts(trx, await loadDefinitions(project.graph, trx, true), withoutFacts(row))
  }
  await platformTables(trx.db)
    .updateTable('submission')
    .set({ status, status_code: null, status_words: null })
    .where('submission_id', '=', submission)
    .execute()
  await closeStop(trx, { submission, nowMs: project.clock.nowMs() })
}

async function judgeMonths(
  project: Project,
  trx: WriteTransaction,
  decision: Extract<Decision, { kind: 'reject' | 'confirm' }>,
): Promise<void> {
  const row = await submissionRow(trx, decision.submission)
  const period = { first: row.first_month ?? '', last: row.last_month ?? '' }
  const known = monthsOf(period)
  const outside =
    decision.months === 'all' ? [] : decision.months.filter((month) => !known.includes(month))
  if (outside.length > 0 || known.length === 0) {
    const reason =
      known.length === 0
        ? 'it is not routed, so it has no months'
        : `${outside.join(', ')} is outside its period ${period.first} to ${period.last}`
    throw new EngineError('DECISION_INVALID', { subject: decision.submission, reason })
  }
  const name = decision.kind === 'reject' ? 'rejected' : 'confirmed'
  const other = decision.kind === 'reject' ? 'confirmed' : 'rejected'
  await changeDecision(project, trx, {
    key: keyOf(row),
    change: (before) => ({
      ...before,
      [name]: union(before[name], decision.months),
      ...(before[other] !== undefined && {
        [other]: without(before[other], decision.months, known),
      }),
    }),
  })
}

type Months = readonly string[] | 'all'

const union = (before: Months | undefined, added: Months): Months =>
  before === 'all' || added === 'all'
    ? 'all'
    : [...new Set([...(before ?? []), ...added])].toSorted()

/** The opposite decision for a month is taken back. */
const without = (before: Months, gone: Months, known: readonly string[]): Months => {
  if (gone === 'all') return []
  return (before === 'all' ? known : before).filter((month) => !gone.includes(month))
}

async function pin(
  project: Project,
  trx: WriteTransaction,
  decision: Extract<Decision, { kind: 'pin' }>,
): Promise<void> {
  const { month, submission } = decision
  if (submission !== undefined) {
    const row = await submissionRow(trx, submission)
    const fits = row.submitter_id === month.submitter && row.file_type === month.fileType
    if (!fits) {
      const reason = `it is ${row.file_type} of ${row.submitter_id}`
      throw new EngineError('DECISION_INVALID', { subject: submission, reason })
    }
  }
  const definitions = await loadDefinitions(project.graph, trx, true)
  const value = submission === undefined ? undefined : { submission }
  await writeFacts(trx, definitions, [{ asset: 'pin', key: formatMonth(month), value }])
}

async function routeByHand(
  project: Project,
  trx: WriteTransaction,
  decision: Extract<Decision, { kind: 'route' }>,
): Promise<void> {
  const row = await submissionRow(trx, decision.submission)
  const status = next(row.status, 'routed')
  const [fileType = ''] = decision.layout.split('/')
  if (row.status !== 'NEEDS_REVIEW' && fileType !== row.file_type) {
    const reason = `it is stored as ${row.file_type}; only its layout, state and period can change`
    throw new EngineError('DECISION_INVALID', { subject: row.submission_id, reason })
  }
  if (monthsOf({ first: decision.first, last: decision.last }).length === 0) {
    const reason = `${decision.first} to ${decision.last} is no period of at most 120 months`
    throw new EngineError('DECISION_INVALID', { subject: row.submission_id, reason })
  }
  const tables = platformTables(trx.db)
  const files = await tables
    .selectFrom('submission_file')
    .selectAll()
    .where('submission_id', '=', row.submission_id)
    .orderBy('name')
    .execute()
  const routed = {
    ...row,
    status,
    status_code: null,
    status_words: null,
    file_type: fileType,
    layout_id: decision.layout,
    state: decision.state,
    first_month: decision.first,
    last_month: decision.last,
    routed_because: 'routed by a person',
  }
  const definitions = await loadDefinitions(project.graph, trx, true)
  const facts = [...withoutStop(row), ...submissionFacts(routed, files)]
  await writeFacts(trx, definitions, facts)
  await tables
    .updateTable('submission')
    .set(routed)
    .where('submission_id', '=', row.submission_id)
    .execute()
  await closeStop(trx, { submission: row.submission_id, nowMs: project.clock.nowMs() })
}
