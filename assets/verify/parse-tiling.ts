/**
 * I6, the part about one parse: the records of each file tile it, by the report's own numbers.
 *
 * Pure. `deep` checks elsewhere hold the same ranges against the raw bytes.
 */
import type { ParseReport } from '../../engine/index.ts'

type FileReport = ParseReport['files'][number]
type Range = NonNullable<ParseReport['ranges']>[number]

const KINDS = ['header', 'control', 'blank', 'rejected', 'preamble', 'comment'] as const

/** What does not add up in a report: positions and counts only. */
export function tilingFaults(report: ParseReport): readonly string[] {
  const faults: string[] = []
  for (const file of report.files) {
    faults.push(...fileFaults(file, report).map((fault) => `${file.name}: ${fault}`))
  }
  const sum = (kind: 'accepted' | 'rejected'): number =>
    report.files.reduce((total, file) => total + file.totals[kind].records, 0)
  if (sum('accepted') !== report.accepted || sum('rejected') !== report.rejected) {
    faults.push('the counts of its files are not those of the submission')
  }
  const months = report.months.reduce((total, month) => total + month.rows, 0)
  if (months !== report.accepted) {
    faults.push(`${months} rows in months, ${report.accepted} accepted records`)
  }
  return faults
}

function fileFaults(file: FileReport, report: ParseReport): readonly string[] {
  const faults: string[] = []
  const totals = Object.values(file.totals)
  const bytes = totals.reduce((sum, total) => sum + total.bytes, 0)
  const records = totals.reduce((sum, total) => sum + total.records, 0)
  if (bytes !== file.contentBytes) {
    faults.push(`its records have ${bytes} bytes, the file has ${file.contentBytes}`)
  }
  if (records !== file.records) {
    faults.push(`its kinds have ${records} records, the file has ${file.records}`)
  }
  const chunks = chunkFault(file, report)
  if (chunks !== undefined) faults.push(chunks)
  if (report.ranges === null) return faults
  return [...faults, ...rangeFaults(file, rangesOf(report, file.name))]
}

/** What is not a row in one file, by position. */
export const rangesOf = ({ ranges }: ParseReport, file: string): readonly Range[] =>
  (ranges ?? [])
    .filter((range) => range.file === file)
    .toSorted((a, b) => a.byteStart - b.byteStart)

/** Chunks follow each other without gap from the first byte to the last. */
function chunkFault(file: FileReport, { chunks }: ParseReport): string | undefined {
  let at = 0
  for (const chunk of chunks.filter((one) => one.file === file.name)) {
    if (chunk.byteStart !== at)
      return `chunk ${chunk.chunk} starts at byte ${chunk.byteStart}, not ${at}`
    at = chunk.byteEnd
  }
  return at === file.contentBytes
    ? undefined
    : `its chunks end at byte ${at} of ${file.contentBytes}`
}

function rangeFaults(file: FileReport, ranges: readonly Range[]): readonly string[] {
  const faults: string[] = []
  let end = 0
  for (const range of ranges) {
    if (range.byteStart < end) faults.push(`two ranges overlap at byte ${range.byteStart}`)
    if (range.byteEnd <= range.byteStart) faults.push(`a range is empty at byte ${range.byteStart}`)
    end = Math.max(end, range.byteEnd)
  }
  if (end > file.contentBytes) faults.push(`a range ends at byte ${end} of ${file.contentBytes}`)
  for (const kind of KINDS) {
    const own = ranges.filter((range) => range.kind === kind)
    const bytes = own.reduce((sum, range) => sum + range.byteEnd - range.byteStart, 0)
    const records = own.reduce((sum, range) => sum + range.records, 0)
    const total = file.totals[kind] ?? { records: 0, bytes: 0 }
    if (bytes !== total.bytes || records !== total.records) {
      faults.push(`${kind} ranges hold ${records} records, ${total.records} are counted`)
    }
  }
  return faults
}
