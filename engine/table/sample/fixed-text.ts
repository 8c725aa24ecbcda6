/**
 * Fields of fixed-width records that are shown, and the records with other texts in their places.
 * Positions count bytes of the file, which in an encoding other than UTF-8 are the characters of
 * the decoded record (as in fixed.ts). Pure.
 */
import { isAscii, isUtf8 } from 'node:buffer'
import type { TextForm } from './contract.ts'
import { scrambledText } from './hidden-text.ts'
import { type ReplaceField, type TextRecord } from './text-record.ts'

/** Where a column lies in the record: 0-based. */
type Places = NonNullable<TextForm['places']>

interface Cut {
  /** one character a position */
  readonly units: string
  readonly isBytes: boolean
}

function cutOf(record: TextRecord, { syntax }: TextForm): Cut {
  const isBytes = syntax.encoding === undefined
  return { units: record.bytes.toString(isBytes ? 'latin1' : 'utf8'), isBytes }
}

const unitText = (units: string, { isBytes }: Cut): string =>
  isBytes ? Buffer.from(units, 'latin1').toString() : units

/** Blanks alone: other white space may be half a character here. */
function withoutBlanks(units: string): string {
  let [start, end] = [0, units.length]
  while (start < end && units[start] === ' ') start += 1
  while (end > start && units[end - 1] === ' ') end -= 1
  return units.slice(start, end)
}

/** The texts of the columns without blanks around; none: the record ends before the last column. */
export function fixedFields(record: TextRecord, form: TextForm, places: Places): string[] {
  const cut = cutOf(record, form)
  if (cut.units.length <= (places.at(-1)?.start ?? 0)) return []
  return places.map(({ start, length }) =>
    unitText(withoutBlanks(cut.units.slice(start, start + length)), cut),
  )
}

/** The record with other texts; what lies outside of its columns is scrambled. Null: it cannot be. */
export function rewrittenFixed(
  record: TextRecord,
  { form, places }: { readonly form: TextForm; readonly places: Places },
  replace: ReplaceField,
): string | null {
  const cut = cutOf(record, form)
  const columns = places.map((place, column) => ({ ...place, column }))
  const pieces: string[] = []
  let end = 0
  for (const { start, length, column } of columns.toSorted((a, b) => a.start - b.start)) {
    const from = Math.max(start, end)
    pieces.push(scrambledText(cut.units.slice(end, from)))
    end = Math.max(end, start + length)
    const units = cut.units.slice(from, end)
    // of a column that overlaps the one before nothing can be put in its place
    pieces.push(
      from === start ? replaced(units, cut, (text) => replace(text, column)) : scrambledText(units),
    )
  }
  const units = pieces.join('') + scrambledText(cut.units.slice(end))
  if (!cut.isBytes) return units
  const bytes = Buffer.from(units, 'latin1')
  return isUtf8(bytes) ? bytes.toString() : null
}

/** The text of a place is replaced within its blanks, by as many positions. */
function replaced(units: string, cut: Cut, replace: (text: string) => string): string {
  const text = withoutBlanks(units)
  if (text === '') return units
  const at = units.indexOf(text)
  const before = unitText(text, cut)
  const other = replace(before)
  if (other === before) return units
  const isFitting = other.length === text.length && (!cut.isBytes || isAscii(Buffer.from(other)))
  const fitted = isFitting ? other : scrambledText(text)
  return units.slice(0, at) + fitted + units.slice(at + text.length)
}
