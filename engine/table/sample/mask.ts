/**
 * What replaces the values of one column of a sample: tokens, moved dates, or nothing but a length.
 *
 * The type of a column comes first: a number stays a number of the same form that its type holds, a
 * boolean a boolean. Empty and blank texts stay. Nothing is drawn: the same key, column and text, the
 * same mask. Source of the rules: issue of the sampler, PHI rules of the design (6.5).
 */
import type { MaskText, SampledColumn } from './contract.ts'
import { keyedBytes } from './keyed-bytes.ts'
import { dateMask, dateShift, formatsFound, ISO_FORMATS } from './mask-dates.ts'
import { numberOf } from './mask-number.ts'
import { tokenOf } from './mask-token.ts'

/** `drop`: nothing stays of a text but how long it is. */
export type MaskKind = 'token' | 'date' | 'drop'

export interface MaskRequest {
  readonly kind: MaskKind
  /** of the deployment; 16 bytes at least */
  readonly key: Buffer
  /** whose dates move alike */
  readonly submitter: string
  /** texts of columns of one scope have the same tokens, in every file */
  readonly scope: string
  readonly column: SampledColumn
  /** strptime formats of its dates, before those that are found; default none */
  readonly formats?: readonly string[]
  /** `zero` takes the time of day from dates; default kept */
  readonly time?: 'kept' | 'zero'
}

/** Distinct texts whose masks are remembered; a sample has no more records. */
const REMEMBERED_MAX = 10_000

/** The mask of a column. It is told of all texts of the sample, and may be asked of others. */
export function columnMask(request: MaskRequest): MaskText {
  const mask = maskOf(request)
  const known = new Map<string, string>()
  return (text) => {
    const own = known.get(text)
    if (own !== undefined) return own
    const masked = text.trim() === '' ? text : mask(text)
    if (known.size < REMEMBERED_MAX) known.set(text, masked)
    return masked
  }
}

function maskOf(request: MaskRequest): MaskText {
  const { kind, column } = request
  // It has two values: any other rule would tell which.
  if (column.type === 'boolean') return () => 'false'
  if (kind === 'drop' && column.type === 'text') return dropped
  const content = contentMask(request)
  const isDate = kind === 'date' || column.type === 'date' || column.type === 'timestamp'
  if (!isDate) return content
  const found = formatsFound(filled(column).map((text) => text.trim()))
  const date = dateMask({
    shift: dateShift(request.key, request.submitter),
    formats: [
      ...(request.formats ?? []),
      ...found.map(([format]) => format),
      // What has the type of a date is written so, open ends of all years included.
      ...(column.type === 'date' || column.type === 'timestamp' ? ISO_FORMATS : []),
    ],
    time: request.time ?? 'kept',
  })
  return (text) => date(text) ?? content(text)
}

const filled = ({ texts }: SampledColumn): readonly string[] =>
  texts.flatMap((text) => (text === null || text === '' ? [] : [text]))

const HEX = /^(?:[0-9a-f]+|[0-9A-F]+)$/

function contentMask({ key, scope, column }: MaskRequest): MaskText {
  const bytes = keyedBytes(key, `text ${scope}`)
  const texts = filled(column)
  const originals = new Set(texts)
  if (column.type !== 'text' && column.type !== 'bytes') {
    return numberOf({ bytes, originals, texts })
  }
  // Bytes that are no text are shown as hexadecimal digits.
  const isHex = (text: string): boolean => column.type === 'bytes' && HEX.test(text)
  return (text) => tokenOf(text, { bytes, originals, isHex: isHex(text) })
}

/** A text of x alone stays: it tells nothing. */
const dropped: MaskText = (text) => 'x'.repeat(Array.from(text).length)
