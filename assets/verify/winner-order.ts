/** I7: a winner follows from the set of submissions and the decisions, in whatever order they come. */
import type { Json } from '../../engine/index.ts'
import { canonicalJson, counted, formatKey, parseKey, sha256 } from '../../engine/index.ts'
import { monthsOf } from '../../registry/period.ts'
import type { RegistryTables } from '../../registry/tables.ts'
import { platformTables } from '../../registry/tables.ts'
import type { Candidate } from '../../registry/winner.ts'
import { chooseWinner } from '../../registry/winner.ts'
import type { DecisionFact, PinFact } from '../facts.ts'
import type { SilverValue } from '../silver.ts'
import type { WinnerValue } from '../winner.ts'
import { currentNodes, valuesByKey } from './catalog-look.ts'
import type { InvariantResult, Verification } from './invariant.ts'
import { Faults, conclude } from './invariant.ts'

type Submission = RegistryTables['submission']

export async function verifyWinners(verification: Verification): Promise<InvariantResult> {
  const { platform, definitions, pending } = verification
  const { db } = platform.project.catalog
  const nodes = await currentNodes<WinnerValue>(db, definitions, 'winner')
  const pins = valuesByKey(await currentNodes<PinFact>(db, definitions, 'pin'))
  const candidates = await candidatesByMonth(verification)
  const faults = new Faults()
  let checked = 0
  for (const { id, key, value } of nodes) {
    if (pending.has(id)) continue
    checked += 1
    const own = candidates.get(key) ?? []
    const pin = pins.get(key)?.submission
    const said = outcomeOf(value)
    for (const order of orders(own)) {
      const chosen = chooseWinner({ candidates: order, ...(pin !== undefined && { pin }) })
      const found = canonicalJson([chosen.winner, chosen.rows, chosen.held])
      if (found === said) continue
      faults.add(
        `winner[${key}] is not what its ${counted(own.length, 'submission')} and the decisions give`,
      )
      break
    }
  }
  const holds = `${counted(checked, 'winner')} are what their submissions and the decisions give, in three orders`
  return conclude('I7', { faults, holds, evidence: { winners: checked } })
}

const outcomeOf = ({ submission, rows, held }: WinnerValue): string =>
  canonicalJson([submission, rows, held.map((one) => one.submission)])

/** As they came, backwards, and by digest: nothing that a fold by receipt could depend on. */
const orders = (candidates: readonly Candidate[]): readonly (readonly Candidate[])[] => [
  candidates,
  candidates.toReversed(),
  candidates.toSorted((a, b) => (sha256(a.submissionId) < sha256(b.submissionId) ? -1 : 1)),
]

/** Candidates from the platform's own tables: winner key → submissions whose period has the month. */
async function candidatesByMonth({
  platform: { project },
  definitions,
}: Verification): Promise<ReadonlyMap<string, readonly Candidate[]>> {
  const { db } = project.catalog
  const rows = await platformTables(db).selectFrom('submission').selectAll().execute()
  const decisions = valuesByKey(await currentNodes<DecisionFact>(db, definitions, 'decision'))
  const silver = valuesByKey(await currentNodes<SilverValue>(db, definitions, 'silver'))
  const stamped = new Set((await currentNodes(db, definitions, 'stamp')).map(({ key }) => key))
  const found = new Map<string, Candidate[]>()
  for (const row of rows) {
    const key = formatKey([row.submitter_id, row.file_type, row.submission_id])
    if (row.state === null || !stamped.has(key)) continue
    for (const month of monthsOf({ first: row.first_month ?? '', last: row.last_month ?? '' })) {
      const place = formatKey([row.state, row.file_type, row.submitter_id, month])
      const list = found.get(place) ?? []
      found.set(place, list)
      const rowsInMonth = silver.get(formatKey([...parseKey(key), month]))?.rows ?? 0
      list.push(candidate({ row, month, decision: decisions.get(key), rows: rowsInMonth }))
    }
  }
  return found
}

function candidate({
  row,
  month,
  decision,
  rows,
}: {
  readonly row: Submission
  readonly month: string
  readonly decision: DecisionFact | undefined
  readonly rows: number
}): Candidate {
  const covers = (months: Json | undefined): boolean =>
    months === 'all' || (Array.isArray(months) && months.includes(month))
  return {
    submissionId: row.submission_id,
    receivedAt: row.received_at,
    status: row.status,
    test: row.is_test === 1,
    withdrawn: decision?.withdrawn ?? false,
    rejectedFor: covers(decision?.rejected),
    confirmedFor: covers(decision?.confirmed),
    rows,
  }
}
