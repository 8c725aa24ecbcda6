/** Text from outside as it may stand on a terminal, in a log, a finding or a page. The one rule. */

// C0, DEL, C1 (which holds one-character escape codes), line ends of Unicode, marks of direction.
const INVISIBLE = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/u
const EVERY = new RegExp(INVISIBLE, 'gu')

/** Whether a text holds a control character or a mark that reorders the text around it. */
export const hasInvisible = (text: string): boolean => INVISIBLE.test(text)

/** The text with every control character and every mark of direction written as `\u001b`. */
export const printable = (text: string): string =>
  text.replaceAll(EVERY, (mark) => `\\u${mark.charCodeAt(0).toString(16).padStart(4, '0')}`)

/** Lines of a result: each is printable. Tabs stay. */
export const printableLines = (text: string): string =>
  text.replaceAll(EVERY, (mark) => (mark === '\n' || mark === '\t' ? mark : printable(mark)))

/** A value as JSON. JSON.stringify escapes only C0; this is the same document, all of it visible. */
export const printableJson = (value: unknown, indent?: number): string =>
  printableLines(JSON.stringify(value, null, indent))

/** A copy in which every text, at any depth, is printable; names of properties stay. */
export function printableCopy<Value>(value: Value): Value
export function printableCopy(value: unknown): unknown {
  if (typeof value === 'string') return printable(value)
  if (Array.isArray(value)) return value.map((one: unknown) => printableCopy(one))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, printableCopy(one)]))
}
