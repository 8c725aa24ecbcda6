/** How numbers, times and tables are written for people. */
import { printable } from '../core/printable.ts'

/** What has a visible width: escape codes have none. */
const ESCAPES = /\u001B\[[0-9;]*m/g
const widthOf = (text: string): number => text.replaceAll(ESCAPES, '').length

export interface Column {
  readonly title: string
  readonly align?: 'right'
}

/**
 * Columns without borders, two blanks apart, the last one ragged. Nothing is ever cut: identifiers
 * are for copying, so a long line stays long.
 */
export function alignColumns(
  columns: readonly (Column | string)[],
  texts: readonly (readonly string[])[],
  paint: (title: string) => string = (title) => title,
): readonly string[] {
  // A cell has one line: an end of one in a name from outside would forge a row.
  const rows = texts.map((row) => row.map((cell) => cell.replaceAll(/[\n\t]/g, printable)))
  const heads = columns.map((column) => (typeof column === 'string' ? { title: column } : column))
  const widths = heads.map(({ title }, at) =>
    rows.reduce((most, row) => Math.max(most, widthOf(row[at] ?? '')), title.length),
  )
  const line = (cells: readonly string[]): string =>
    heads
      .map((column, at) => {
        const cell = cells[at] ?? ''
        const blanks = ' '.repeat(Math.max(0, (widths[at] ?? 0) - widthOf(cell)))
        return 'align' in column ? blanks + cell : cell + blanks
      })
      .join('  ')
      .trimEnd()
  const titles = heads.every(({ title }) => title === '')
    ? []
    : [line(heads.map(({ title }) => (title === '' ? '' : paint(title))))]
  return [...titles, ...rows.map(line)]
}

/** `12,345`. */
export const countText = (count: number): string => count.toLocaleString('en-US')

/** `3 rows`, `1 row`. */
export const counted = (count: number, noun: string): string =>
  `${countText(count)} ${noun}${count === 1 ? '' : 's'}`

/** `850 ms`, `3.2 s`, `2 min 05 s`, `1 h 02 min`. */
export function durationText(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)} s`
  const seconds = Math.round(ms / 1000)
  const two = (part: number): string => String(part).padStart(2, '0')
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${two(seconds % 60)} s`
  return `${Math.floor(seconds / 3600)} h ${two(Math.floor((seconds % 3600) / 60))} min`
}

/** An instant in this machine's time zone: `2026-03-01 14:05:09`. */
export function timeText(ms: number): string {
  const at = new Date(ms)
  const two = (part: number): string => String(part).padStart(2, '0')
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`
  return `${day} ${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`
}

/** An instant for programs: ISO 8601 in UTC. */
export const isoText = (ms: number): string => new Date(ms).toISOString()

/** A word for a POSIX shell, quoted only where it has to be. */
export const shellWord = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`
