/** What a submitter can do about each reason for which a record is refused. No reason quotes a value. */
import type { FieldReason, RecordReason } from '../engine/index.ts'

const WORDS: Readonly<Record<RecordReason | FieldReason, string>> = {
  CONTROL_CHARACTER: 'a line end within a record: end every record alike',
  ENCODING: 'bytes that are no text in the encoding of the layout: save the file in that encoding',
  ENUM: 'not one of the allowed values: send one of those that the layout lists',
  FIELD_COUNT: 'more or fewer fields than the header: quote a text that holds the delimiter',
  JSON: 'no JSON object with the columns of the layout: write one object a line',
  LENGTH_LONG: 'longer than every record has to be: check positions and padding',
  LENGTH_SHORT: 'shorter than every record has to be: pad the record to its length',
  MAX_LENGTH: 'longer than the column may be: shorten it',
  MONTH_RANGE: 'no month from 1900 to 2199: correct the date',
  NUL_BYTE: 'a NUL byte: write the file again as plain text',
  PATTERN: 'not in the form that the layout asks for: correct the value',
  QUOTE: 'a quote that is not closed, or text after it: double each quote within a quoted field',
  REPEATED_HEADER: 'the header once more among the records: remove it',
  REQUIRED: 'empty, and has to be there: fill it in',
  TOO_LONG: 'longer than a record may be (4 MiB): look for a missing line end',
  TYPE_BOOLEAN: 'no yes or no in the words of the layout: write one of them',
  TYPE_DATE: 'no date in the format of the layout, or no day of the calendar: correct it',
  TYPE_DATETIME: 'no date and time in the format of the layout: correct it',
  TYPE_DECIMAL: 'no number that fits the column: write digits and a decimal point',
  TYPE_INTEGER: 'no whole number that fits the column: write digits alone',
  TYPE_STRING: 'no text that the column can hold: write it again as plain text',
}

/** In words: what is wrong, and what to do. */
export const rejectWords = (code: string): string =>
  (WORDS as Readonly<Record<string, string>>)[code] ?? ''
