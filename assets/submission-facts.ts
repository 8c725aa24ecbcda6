/** A routed submission as the two facts everything is built from: its bytes and its stamp. */
import type { Fact } from '../engine/index.ts'
import { formatKey } from '../engine/index.ts'
import type { Route } from '../registry/route.ts'
import type { RegistryTables } from '../registry/tables.ts'
import type { Delivery, Stamp, StopReason } from './facts.ts'
import { asJson } from './facts.ts'

type SubmissionRow = RegistryTables['submission']
type FileRow = RegistryTables['submission_file']

/** The columns of a submission that routing decides; empty while it is not routed. */
export type RoutedColumns = Pick<
  SubmissionRow,
  'state' | 'layout_id' | 'first_month' | 'last_month' | 'is_test' | 'routed_because'
>

/** A route as the columns of its submission. */
export function routedColumns(
  found: Extract<Route, { status: 'READY_FOR_PARSE' }> | undefined,
): RoutedColumns {
  return {
    state: found?.state ?? null,
    layout_id: found?.layoutId ?? null,
    first_month: found?.period.first ?? null,
    last_month: found?.period.last ?? null,
    is_test: found?.testFlag === true ? 1 : 0,
    routed_because: found?.explained ?? null,
  }
}

/** Files that a stop reason names. */
const FILES_NAMED_MAX = 10

const keyOf = (row: SubmissionRow): string =>
  formatKey([row.submitter_id, row.file_type, row.submission_id])

/** What a submitter reads instead of the words for a steward, which name places of this machine. */
const TOLD: Readonly<Record<string, string>> = {
  PACKAGE_SECRET:
    'the package is encrypted, and the receiving side has no secret that opens it: agree on one with it',
}

/** Why a submission went no further, as the fact that its submitter is answered from. */
export const stopFacts = (row: SubmissionRow, files: readonly FileRow[]): readonly Fact[] => [
  {
    asset: 'stop_reason',
    key: keyOf(row),
    value: asJson({
      status: row.status,
      code: row.status_code ?? row.status,
      words: TOLD[row.status_code ?? ''] ?? row.status_words ?? '',
      files: files.slice(0, FILES_NAMED_MAX).map(({ name }) => name),
    } satisfies StopReason),
  },
]

/** What was said of a submission before it was routed anew. `row`: as it stood. */
export const withoutStop = (row: SubmissionRow): readonly Fact[] =>
  row.status === 'NEEDS_REVIEW' ? [{ asset: 'stop_reason', key: keyOf(row), value: undefined }] : []

/** The facts of a routed submission. A row that is not routed gives none. */
export function submissionFacts(row: SubmissionRow, files: readonly FileRow[]): readonly Fact[] {
  const { state, layout_id: layout, first_month: first, last_month: last } = row
  if (state === null || layout === null || first === null || last === null) return []
  const key = keyOf(row)
  const delivery: Delivery = {
    grouping: row.grouping_method,
    drop: row.drop_path,
    files: files.map(({ name, source, size_bytes, sha256 }) => ({
      name,
      source,
      size_bytes,
      sha256,
    })),
  }
  const stamp: Stamp = {
    state,
    layout,
    first_month: first,
    last_month: last,
    received_at: row.received_at,
    test: row.is_test === 1,
  }
  return [
    { asset: 'discovered', key, value: asJson(delivery) },
    { asset: 'stamp', key, value: asJson(stamp) },
  ]
}
