/**
 * The report of a parse: counts, positions and layout names. Deterministic: no clock, path or run.
 *
 * Holds no field of any record; the values of control records are what the submitter declared
 * about the file (comments left out).
 */
import {
  RANGES_MAX,
  type ByteRange,
  type ChunkOutcome,
  type RecordTotals,
} from './chunk-outcome.ts'
import type { RangeKind } from './chunk-outcome.ts'
import { reconcile, type ControlReading, type Reconciliation } from './control.ts'
import type { LandedFile } from './landing.ts'
import { parseFindings, type ParseFinding } from './parse-findings.ts'
import { ReasonCounts, type ReasonCount } from './reason-counts.ts'
import type { ParseSpec } from './spec.ts'

/** Preamble and comments are left out of files that have none. */
type LaterKind = 'preamble' | 'comment'
export type FileTotals = Readonly<
  Record<Exclude<RangeKind, LaterKind> | 'accepted', RecordTotals> &
    Partial<Record<LaterKind, RecordTotals>>
>

export interface FileReport {
  /** of a member: `{delivered file}!{member}` */
  readonly name: string
  /** of a package; absent: the file was delivered by itself */
  readonly member?: string
  readonly sizeBytes: number
  readonly sha256: string
  readonly isGzip: boolean
  /** decompressed; equals the sum of the bytes of `totals` */
  readonly contentBytes: number
  /** line_number of its first record: records are numbered through all files of a submission */
  readonly firstRecord: number
  readonly records: number
  readonly totals: FileTotals
  readonly header: { readonly line: number; readonly columns: readonly (string | null)[] } | null
  /** columns that are not required and not in the file */
  readonly missingColumns: readonly string[]
  readonly control: readonly ControlReading[]
  readonly reconciliation: readonly Reconciliation[]
}

/** Members of a package, or sheets of a workbook, that the layout does not name. */
export interface LeftMembers {
  /** the delivered file */
  readonly file: string
  readonly count: number
  /** the first few */
  readonly names: readonly string[]
}

export interface ParseReport {
  readonly format: 'parse-report/1'
  readonly files: readonly FileReport[]
  readonly accepted: number
  readonly rejected: number
  /** by code, then column */
  readonly reasons: readonly ReasonCount[]
  /** in layout order; `invalid` counts records with a fault in that column */
  readonly columns: readonly {
    readonly name: string
    readonly nulls: number
    readonly invalid: number
  }[]
  /** ascending */
  readonly months: readonly { readonly month: string; readonly rows: number }[]
  readonly chunks: readonly {
    readonly chunk: number
    readonly file: string
    readonly firstRecord: number
    readonly byteStart: number
    readonly byteEnd: number
    readonly accepted: number
    readonly rejected: number
  }[]
  /**
   * Everything that is not a row, in file order; null when there are more than RANGES_MAX: then
   * `totals` still tile the file and the rejects file has the range of each rejected record.
   */
  readonly ranges: readonly ByteRange[] | null
  readonly rangeCount: number
  /** absent: all of every package was read */
  readonly left?: readonly LeftMembers[]
  /** absent: there are none; the first FINDINGS_MAX */
  readonly findings?: readonly ParseFinding[]
  /** absent: `findings` are all */
  readonly findingsMore?: number
}

/** Findings that a report holds: about 20 of each kind, or those of the first files. */
const FINDINGS_MAX = 100

export interface ReportInput {
  readonly files: readonly LandedFile[]
  /** by chunk number */
  readonly outcomes: readonly ChunkOutcome[]
  readonly spec: Pick<ParseSpec, 'columns' | 'month' | 'encoding'>
  readonly left: readonly LeftMembers[]
}

/** The report of all files from what their chunks came to. */
export function parseReport({ files, outcomes, spec, left }: ReportInput): ParseReport {
  const { columns } = spec
  const findings = parseFindings(files, outcomes, spec)
  const more = findings.length - FINDINGS_MAX
  const fileReports = files.map((file) => fileReport(file, outcomes))
  const count = (kind: 'accepted' | 'rejected'): number =>
    fileReports.reduce((sum, file) => sum + file.totals[kind].records, 0)
  const reasons = countReasons(outcomes)
  const rangeCount = outcomes.reduce((sum, outcome) => sum + outcome.rangeCount, 0)
  return {
    format: 'parse-report/1',
    files: fileReports,
    accepted: count('accepted'),
    rejected: count('rejected'),
    reasons,
    columns: columns.map(({ name }) => ({
      name,
      nulls: outcomes.reduce((sum, { nulls }) => sum + (nulls[name] ?? 0), 0),
      invalid: reasons.reduce((sum, row) => sum + (row.column === name ? row.count : 0), 0),
    })),
    months: countMonths(outcomes),
    chunks: outcomes.map(({ totals, ...outcome }) => ({
      chunk: outcome.chunk,
      file: outcome.file,
      firstRecord: outcome.firstRecord,
      byteStart: outcome.byteStart,
      byteEnd: outcome.byteEnd,
      accepted: totals.accepted.records,
      rejected: totals.rejected.records,
    })),
    ranges: rangeCount > RANGES_MAX ? null : outcomes.flatMap((outcome) => outcome.ranges),
    rangeCount,
    ...(left.length > 0 && { left }),
    ...(findings.length > 0 && { findings: findings.slice(0, FINDINGS_MAX) }),
    ...(more > 0 && { findingsMore: more }),
  }
}

function fileReport(landed: LandedFile, outcomes: readonly ChunkOutcome[]): FileReport {
  const own = outcomes.filter((outcome) => outcome.file === landed.name)
  const total = (kind: RangeKind | 'accepted'): RecordTotals => ({
    records: own.reduce((sum, { totals }) => sum + totals[kind].records, 0),
    bytes: own.reduce((sum, { totals }) => sum + totals[kind].bytes, 0),
  })
  const later = (kind: LaterKind): Partial<Record<LaterKind, RecordTotals>> => {
    const found = total(kind)
    return found.records === 0 ? {} : { [kind]: found }
  }
  const { name, sizeBytes, sha256, isGzip, contentBytes, firstRecord, records } = landed
  return {
    name,
    ...(landed.member !== undefined && { member: landed.member }),
    sizeBytes,
    sha256,
    isGzip,
    contentBytes,
    firstRecord,
    records,
    totals: {
      header: total('header'),
      control: total('control'),
      blank: total('blank'),
      accepted: total('accepted'),
      rejected: total('rejected'),
      ...later('preamble'),
      ...later('comment'),
    },
    header: landed.header,
    missingColumns: landed.missingColumns,
    control: landed.control,
    reconciliation: reconcile(landed.control, landed.dataRecords),
  }
}

const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

/** Reasons of all chunks, by code, then column. */
export function countReasons(
  outcomes: readonly Pick<ChunkOutcome, 'reasons'>[],
): readonly ReasonCount[] {
  const counts = new ReasonCounts()
  for (const { reasons } of outcomes) counts.merge(reasons)
  return counts.sorted
}

function countMonths(outcomes: readonly ChunkOutcome[]): { month: string; rows: number }[] {
  const counts = new Map<string, number>()
  for (const { month, rows } of outcomes.flatMap((outcome) => outcome.parts)) {
    counts.set(month, rows + (counts.get(month) ?? 0))
  }
  return [...counts].toSorted(([a], [b]) => order(a, b)).map(([month, rows]) => ({ month, rows }))
}
