/** Row conservation, judged from the outside: every byte and every record is accounted for. */
import { expect } from 'vitest'
import type { ParseReport } from '../../engine/table/parse-report.ts'
import type { RejectedRecord } from '../../engine/table/rejects.ts'
import type { Parsed } from './parsing.ts'

/**
 * Every byte of a single file is in one record, every record is a row, a reject or set aside, and
 * each reject keeps its own bytes. Holds for a parse that read the file to its end. `content`:
 * the decompressed bytes, null where the test cannot know them.
 */
export function expectConservation(content: string | Uint8Array | null, parsed: Parsed): void {
  const { outcome, rows, rejects } = parsed
  const report = outcome.report as ParseReport
  const file = report.files[0]
  const size = content === null ? file?.contentBytes : Buffer.byteLength(content)
  expect(file?.contentBytes).toBe(size)
  expect(report.accepted).toBe(outcome.kind === 'parsed' ? rows.length : 0)
  expect(report.rejected).toBe(rejects.length)
  const aside = Object.entries(file?.totals ?? {})
  expect(aside.reduce((sum, [, total]) => sum + total.records, 0)).toBe(file?.records)
  expect(aside.reduce((sum, [, total]) => sum + total.bytes, 0)).toBe(size)
  let until = 0
  for (const { byteStart, byteEnd } of report.ranges ?? []) {
    expect(byteStart).toBeGreaterThanOrEqual(until)
    expect(byteEnd).toBeGreaterThan(byteStart)
    until = byteEnd
  }
  expect(until).toBeLessThanOrEqual(size ?? 0)
  if (content === null) return
  const bytes = Buffer.from(content)
  for (const reject of rejects) expectOwnBytes(bytes, reject)
}

function expectOwnBytes(content: Buffer, reject: RejectedRecord): void {
  const { byteStart, byteEnd, raw, raw_base64: base64, rawTruncated } = reject
  const own = content.subarray(byteStart, byteEnd)
  const kept = raw === undefined ? Buffer.from(base64 ?? '', 'base64') : Buffer.from(raw)
  const start = own.indexOf(kept)
  expect(start).toBeGreaterThanOrEqual(0)
  if (rawTruncated === true) return
  // a byte order mark before, a line end behind
  const around = Buffer.concat([own.subarray(0, start), own.subarray(start + kept.length)])
  expect(around.toString('latin1')).toMatch(/^(ï»¿)?(\r\n|\n|\r)?$/)
}
