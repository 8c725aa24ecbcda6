/**
 * A drafted layout from a sample file: what its columns hold decides their types, their names what
 * they mean. Pure.
 *
 * Text where there is a doubt: a code with a leading zero, digits under a name like `id` or `zip`,
 * a number with more digits than a number holds. No value of the sample enters the draft, but for
 * names of the header and prefixes of control records.
 */
import type { ColumnProfile, ControlField, FileProfile } from '../engine/index.ts'
import { hasTime } from '../engine/index.ts'
import type { FieldDraft, LayoutDraft } from './draft.ts'
import { doubtLines } from './draft.ts'
import { monthDoubt, PERSONAL } from './field-list.ts'
import { guessMonth } from './month-guess.ts'
import { guessPhi } from './phi-guess.ts'
import { monthOf } from './routing.ts'
import type { SampleDialect } from './sample-dialect.ts'

export interface Sample {
  readonly name: string
  readonly dialect: SampleDialect
  /** undefined: the first record holds no names */
  readonly header: readonly string[] | undefined
  readonly profile: FileProfile
}

const PRECISION = 18
const PRECISION_MAX = 38
/** Digits under such a name are a code. */
const CODE =
  /id\b|code|\b(cd|number|num|no|key|npi|zip|postal|ssn|phone|fips|ndc|account|taxonomy|tin|ein)\b/
const AMOUNT = /amount|\bamt\b|paid|charge|cost|price|payment|copay|deductible|coinsurance|allowed/
/** A year, or a month of one: a number, although all are of one length. */
const DATED = /year|month/
const IS_MONTH = /month|period|yyyymm|ccyymm/

const wordsOf = (label: string): string =>
  label
    .replaceAll(/([a-z])([A-Z])/g, '$1 $2')
    .replaceAll(/[^A-Za-z0-9]+/g, ' ')
    .toLowerCase()

interface InferredField {
  readonly draft: FieldDraft
  readonly column: ColumnProfile
  readonly doubt?: string
}

/** A draft of what the sample shows, with what it cannot show. */
export function inferLayout(sample: Sample, title: string): LayoutDraft {
  const { dialect, header, profile } = sample
  const { dialect: syntax, encoding } = dialect.syntax
  const listed = profile.columns.map((column, at) => inferField(header?.[at] ?? '', column, at))
  const fields = listed.map(({ draft }) => draft)
  const control = controlOf(profile)
  const month = guessMonth(fields) ?? monthInPeriod(listed, profile)
  const rows = `${profile.rows} ${profile.rows === 1 ? 'row' : 'rows'}${profile.isPart ? ', the first of more' : ''}`
  return {
    title,
    fields,
    format: 'csv',
    ...(encoding !== undefined && { encoding }),
    dialect: { ...syntax, header: header !== undefined },
    control,
    ...(month !== undefined && { month }),
    path: sample.name,
    verify: [
      `Everything, against your guide: types and lengths are those of ${rows} of ${sample.name}.`,
      ...dialect.doubts,
      ...(header === undefined ? ['Names of columns: the sample has none.'] : []),
      ...(control.length > 0 ? ['Fields of control records: guessed by what one file had.'] : []),
      ...(profile.odd > 0
        ? [`${profile.odd} further records have another number of fields, or cannot be read.`]
        : []),
      'Which columns are required: none is.',
      ...monthDoubt(month),
      ...PERSONAL,
      ...doubtLines(listed.map(({ draft, doubt }) => ({ label: draft.label, doubt }))),
    ],
  }
}

function inferField(name: string, column: ColumnProfile, at: number): InferredField {
  const label = name.trim() === '' ? `column_${at + 1}` : name
  const { doubt, ...type } = typeOf(wordsOf(label), column)
  const phi = guessPhi(label)
  const draft = { label, ...type, ...(phi !== undefined && { phi }) }
  return { draft, column, ...(doubt !== undefined && { doubt }) }
}

/** Where names say nothing: the first date that is always within the period of the HD record. */
function monthInPeriod(
  listed: readonly InferredField[],
  { outer: { first = [] } }: FileProfile,
): string | undefined {
  const period = first.flatMap((text) => monthOf(text) ?? [])
  const [begin, end] = [period[0], period.at(-1)]
  if (begin === undefined || end === undefined) return undefined
  return listed.find(({ draft, column }) => {
    const [least = '', most = ''] = column.months[draft.format ?? ''] ?? []
    return column.filled > 0 && least >= begin && most <= end
  })?.draft.label
}

type Inferred = Pick<FieldDraft, 'type' | 'format' | 'decimal' | 'maxLength'> & {
  readonly doubt?: string
}

function typeOf(words: string, column: ColumnProfile): Inferred {
  if (column.filled === 0) return { type: 'string', doubt: 'empty in the sample, taken as text' }
  if (column.isBoolean) return { type: 'boolean' }
  const dated = dateOf(words, column)
  if (dated !== undefined) return dated
  if (column.isDecimal) return numberOf(words, column)
  return { type: 'string', maxLength: column.maxLength }
}

/** Eight digits are a day only where all of them are; six only under a name that says so. */
function dateOf(words: string, { formats }: ColumnProfile): Inferred | undefined {
  const fitting = formats.filter((format) => format !== '%Y%m' || IS_MONTH.test(words))
  const [format, other] = fitting
  if (format === undefined) return undefined
  const doubt = other === undefined ? {} : { doubt: `days read as ${format}, or as ${other}` }
  return { type: hasTime(format) ? 'datetime' : 'date', format, ...doubt }
}

function numberOf(words: string, column: ColumnProfile): Inferred {
  const { wholeDigits, scale, hasLeadingZero, maxLength, isInteger } = column
  const text = (doubt: string): Inferred => ({ type: 'string', maxLength, doubt })
  if (wholeDigits + scale > PRECISION) return text('more digits than a number here, kept as text')
  if (hasLeadingZero) return text('digits with leading zeros, kept as text')
  if (isInteger && isOneLength(column) && !DATED.test(words)) {
    return text('digits of one length, kept as text')
  }
  if (isInteger && CODE.test(words)) return text('digits under the name of a code, kept as text')
  if (isInteger && !AMOUNT.test(words)) return { type: 'integer' }
  const places = Math.max(scale, AMOUNT.test(words) ? 2 : 0)
  const precision = Math.min(PRECISION_MAX, Math.max(PRECISION, wholeDigits + places))
  return { type: 'number', decimal: { precision, scale: places } }
}

/** Several texts of the same number of digits, two or more: `11`, `22`, `81`. */
const isOneLength = ({ filled, minLength, maxLength }: ColumnProfile): boolean =>
  filled > 1 && minLength === maxLength && maxLength > 1

/** A tag, and nothing a person could be called. */
const PREFIX = /^[A-Z][A-Z0-9_]{1,7}$/

function controlOf({
  outer: { first, last, rows },
}: FileProfile): NonNullable<LayoutDraft['control']> {
  const record = (role: 'header' | 'trailer', fields: readonly string[] | undefined) => {
    const [prefix = ''] = fields ?? []
    return fields === undefined || !PREFIX.test(prefix)
      ? []
      : [{ role, prefix, fields: controlFields(fields, rows) }]
  }
  return [...record('header', first), ...record('trailer', last)]
}

/** Roles of a control record's fields by what they hold: two months, a count, a type, a flag, a day. */
function controlFields(
  fields: readonly string[],
  rows: number,
): Readonly<Record<string, ControlField>> {
  const found: Record<string, ControlField> = {}
  const free = (role: ControlField): boolean => !Object.values(found).includes(role)
  for (const [at, text] of fields.entries()) {
    if (at === 0) continue
    const role = ROLES.find(([name, holds]) => free(name) && holds(text, rows))?.[0]
    if (role !== undefined) found[String(at)] = role
  }
  return found
}

const ROLES: readonly (readonly [ControlField, (text: string, rows: number) => boolean])[] = [
  ['recordCount', (text, rows) => /^\d{1,10}$/.test(text) && Number(text) === rows],
  ['periodBegin', (text) => /^\d{6}$/.test(text) && monthOf(text) !== undefined],
  ['periodEnd', (text) => /^\d{6}$/.test(text) && monthOf(text) !== undefined],
  ['created', (text) => /^(19|20)\d{6}$/.test(text)],
  ['fileType', (text) => /^[A-Z]{2}$/.test(text)],
  ['testFlag', (text) => /^[TP]$/.test(text)],
]
