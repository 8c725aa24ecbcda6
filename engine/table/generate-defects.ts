/**
 * Records with exactly one fault, of every kind the grammar knows that a layout makes possible.
 *
 * Written from the rules of the formats, not with the grammar's code: what is planted is the truth
 * that a parse is held against.
 */
import type { RecordForm } from './generate-form.ts'
import { recordOf } from './generate-form.ts'
import { compilePattern } from './pattern.ts'
import { momentText, formatOf, isDated } from './generate-values.ts'
import { RECORD_BYTES_MAX, type FieldReason, type RecordReason } from './grammar.ts'
import { SeededRandom } from './seeded-random.ts'
import type { ColumnSpec, ParseSpec } from './spec.ts'

/** One way to spoil a record. */
export interface Defect {
  readonly kind: RecordReason | FieldReason
  /** layout column; null: the record as a whole */
  readonly column: string | null
  /** how often at most; default: no limit */
  readonly countMax?: number
  /** the fields of a sound record, as they stand in the file, spoiled; line end left out */
  readonly spoil: (fields: readonly string[], chance: SeededRandom) => Uint8Array | string
}

export interface DefectSource {
  readonly spec: ParseSpec
  readonly form: RecordForm
  /** the header record, null without one */
  readonly header: string | null
}

/** Every defect that files of a layout can have, in a fixed order. */
export function layoutDefects(source: DefectSource): readonly Defect[] {
  const { spec, form } = source
  const ofFields = form.columns.flatMap((column, at) =>
    fieldDefects(spec, column).flatMap(({ kind, texts }): Defect[] => {
      // what is trimmed is not wrong for the blanks around it
      const usable = texts.filter(
        (text) => form.canStand(text, column) && (column.trim !== true || text.trim() === text),
      )
      const spoil: Defect['spoil'] = (fields, chance) =>
        recordOf(form, fields.with(at, form.field(chance.pick(usable), column)))
      return usable.length === 0 ? [] : [{ kind, column: column.name, spoil }]
    }),
  )
  return [...recordDefects(source), ...ofFields]
}

/** Records of 4 MiB are slow to write and tell nothing more the third time. */
const LONG_MAX = 2

type Whole = readonly [kind: RecordReason, spoil: Defect['spoil'], countMax?: number]

function recordDefects({ spec, form, header }: DefectSource): readonly Defect[] {
  const own = { fixed: fixedDefects, jsonl: jsonDefects, delimited: delimitedDefects }
  const { format } = spec
  const defects = own[format === 'fixed' || format === 'jsonl' ? format : 'delimited']
  const found = [...rawDefects(form), ...defects(spec, form)]
  if (header !== null) found.push(['REPEATED_HEADER', () => header])
  return found
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([kind, spoil, countMax]) => ({
      kind,
      column: null,
      spoil,
      ...(countMax !== undefined && { countMax }),
    }))
}

/** Stands for the byte that is no text; it is put in when the record is bytes. */
const NO_TEXT = '\u007f'
const RAW_BYTES = 3

/** Bytes that no record may have, wherever they stand. */
function rawDefects(form: RecordForm): readonly Whole[] {
  const at = form.columns.findIndex(({ at: place }) => (place?.length ?? RAW_BYTES) >= RAW_BYTES)
  const column = form.columns[at]
  if (column === undefined) return []
  const raw =
    (text: string): ((fields: readonly string[]) => string) =>
    (fields) => {
      const [before, behind] = form.around(column, text.length)
      return recordOf(form, fields.with(at, `${before}${text}${behind}`))
    }
  const notText = raw(`a${NO_TEXT}b`)
  const long = 'x'.repeat(RECORD_BYTES_MAX + 1)
  return [
    ['CONTROL_CHARACTER', raw('a\rb')],
    [
      'ENCODING',
      (fields) => {
        const bytes = Buffer.from(notText(fields))
        bytes[bytes.indexOf(NO_TEXT)] = 0xff
        return bytes
      },
    ],
    ['NUL_BYTE', raw('a\0b')],
    ['TOO_LONG', raw(long), LONG_MAX],
  ]
}

function delimitedDefects({ dialect }: ParseSpec, form: RecordForm): readonly Whole[] {
  const { delimiter, quoteChar } = dialect
  const counts: Defect['spoil'] = (fields, chance) => {
    const isShort = fields.length > 2 && chance.below(3) === 0
    if (isShort) return recordOf(form, fields.slice(0, -1))
    return `${recordOf(form, fields)}${delimiter}${chance.pick(['', 'x'])}`
  }
  const quote: Whole = ['QUOTE', (fields) => recordOf(form, fields.with(0, '"a"b'))]
  return [['FIELD_COUNT', counts], ...(quoteChar === null ? [] : [quote])]
}

function fixedDefects({ rows }: ParseSpec, form: RecordForm): readonly Whole[] {
  const long: Whole = ['LENGTH_LONG', (fields) => `${recordOf(form, fields)}x`]
  if (rows?.exactBytes === undefined) return [long]
  return [long, ['LENGTH_SHORT', (fields) => recordOf(form, fields).slice(0, -1)]]
}

function jsonDefects(_spec: ParseSpec, form: RecordForm): readonly Whole[] {
  const [column] = form.columns
  const key = column === undefined ? '' : JSON.stringify(column.header ?? column.name)
  const texts: readonly ((record: string) => string)[] = [
    (record) => `[${record}]`,
    (record) => record.slice(0, -1),
    (record) => `${record.slice(0, -1)},"no column of it":1}`,
    (record) => `${record.slice(0, -1)},${key}:{"a":1}}`,
    () => '17',
  ]
  return [['JSON', (fields, chance) => chance.pick(texts)(recordOf(form, fields))]]
}

interface FieldDefect {
  readonly kind: FieldReason
  /** texts that are wrong in this way alone */
  readonly texts: readonly string[]
}

function fieldDefects(spec: ParseSpec, column: ColumnSpec): readonly FieldDefect[] {
  // the only field of a record, left empty, makes it blank
  const isEmptied = column.required && (spec.columns.length > 1 || spec.format !== undefined)
  return [
    ...(isEmptied ? [{ kind: 'REQUIRED', texts: [''] } as const] : []),
    ...(column.type === 'string' ? stringDefects(column) : [typeDefect(column)]),
    ...monthDefects(spec, column),
  ]
}

function stringDefects({ maxLength, pattern, enum: values }: ColumnSpec): readonly FieldDefect[] {
  const fits = (text: string): boolean => maxLength === undefined || text.length <= maxLength
  const isFree = pattern === undefined && values === undefined
  const defects: FieldDefect[] = []
  if (maxLength !== undefined && isFree) {
    defects.push({ kind: 'MAX_LENGTH', texts: ['x'.repeat(maxLength + 1)] })
  }
  if (pattern !== undefined && values === undefined) {
    const matcher = compilePattern(pattern)
    const texts = ['?', '!!', 'no', '0', 'zz zz'].filter(
      (text) => fits(text) && !matcher.test(text),
    )
    defects.push({ kind: 'PATTERN', texts })
  }
  if (values !== undefined && pattern === undefined) {
    const texts = ['?', '!!', 'no', '0'].filter((text) => fits(text) && !values.includes(text))
    defects.push({ kind: 'ENUM', texts })
  }
  return defects
}

function typeDefect(column: ColumnSpec): FieldDefect {
  const { scale = 2, precision = 18 } = column
  switch (column.type) {
    case 'integer':
      return { kind: 'TYPE_INTEGER', texts: ['1O', '12.5', '9'.repeat(19), ' 7', '1_000', '+1'] }
    case 'decimal': {
      const texts = ['1O5.50', `1.${'1'.repeat(scale + 1)}`, '1e3', ' 1', '$5']
      const digits = column.implied === true ? precision + 1 : precision - scale + 1
      return { kind: 'TYPE_DECIMAL', texts: [...texts, '9'.repeat(digits)] }
    }
    case 'boolean':
      return { kind: 'TYPE_BOOLEAN', texts: ['maybe', '2', 'yes'] }
    default: {
      const kind = column.type === 'date' ? 'TYPE_DATE' : 'TYPE_DATETIME'
      return { kind, texts: ['soon', '00000000', ...impossibleDays(column)] }
    }
  }
}

const random = (seed: string): SeededRandom => new SeededRandom(seed)

/** 30 February in the column's own format, where no other format could read it. */
function impossibleDays(column: ColumnSpec): readonly string[] {
  const format = formatOf(column)
  const isAlone = (column.formats?.length ?? 1) === 1 && format.includes('%d')
  return isAlone ? [momentText(format, { month: '2024-02', day: 30 }, random(format))] : []
}

/** A month that no row may have. */
function monthDefects(spec: ParseSpec, column: ColumnSpec): readonly FieldDefect[] {
  if (!isDated(spec, column)) return []
  if ('year' in spec.month) {
    return [
      {
        kind: 'MONTH_RANGE',
        texts: spec.month.year === column.name ? ['1850', '2200'] : ['0', '13'],
      },
    ]
  }
  const format = formatOf(column)
  if (!format.includes('%Y')) return []
  return [
    {
      kind: 'MONTH_RANGE',
      texts: ['1850-03', '2200-01'].map((month) => momentText(format, { month }, random(format))),
    },
  ]
}
