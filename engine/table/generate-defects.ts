/**
 * Records with exactly one fault, of every kind the grammar knows that a layout makes possible.
 *
 * Written from the rules of the formats, not with the grammar's code: what is planted is the truth
 * that a parse is held against.
 */
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
  /** whether a text can stand in the file at all */
  readonly isUsable: (text: string) => boolean
  /** a text as it stands in a field of the file */
  readonly field: (text: string) => string
  /** the header record, null without one */
  readonly header: string | null
}

/** Every defect that files of a layout can have, in a fixed order. */
export function layoutDefects(source: DefectSource): readonly Defect[] {
  const { spec } = source
  const ofFields = spec.columns.flatMap((column, at) =>
    fieldDefects(spec, column).flatMap(({ kind, texts }): Defect[] => {
      const usable = texts.filter(source.isUsable)
      const spoil: Defect['spoil'] = (fields, chance) =>
        fields.with(at, source.field(chance.pick(usable))).join(spec.dialect.delimiter)
      return usable.length === 0 ? [] : [{ kind, column: column.name, spoil }]
    }),
  )
  return [...recordDefects(source), ...ofFields]
}

/** Records of 4 MiB are slow to write and tell nothing more the third time. */
const LONG_MAX = 2

function recordDefects({ spec, header }: DefectSource): readonly Defect[] {
  const { delimiter, quoteChar } = spec.dialect
  const whole = (kind: RecordReason, spoil: Defect['spoil']): Defect => ({
    kind,
    column: null,
    spoil,
  })
  const first =
    (text: string): Defect['spoil'] =>
    (fields) =>
      fields.with(0, text).join(delimiter)
  const counts: Defect['spoil'] = (fields, chance) => {
    const record = fields.join(delimiter)
    const isShort = fields.length > 2 && chance.below(3) === 0
    if (isShort) return fields.slice(0, -1).join(delimiter)
    return `${record}${delimiter}${chance.pick(['', 'x'])}`
  }
  const notUtf8: Defect['spoil'] = (fields) =>
    Buffer.concat([
      Buffer.from([0x61, 0xff, 0x62]),
      Buffer.from(`${delimiter}${fields.slice(1).join(delimiter)}`),
    ])
  const long = `${'x'.repeat(RECORD_BYTES_MAX)}x`
  return [
    whole('CONTROL_CHARACTER', first('a\rb')),
    whole('ENCODING', notUtf8),
    whole('FIELD_COUNT', counts),
    whole('NUL_BYTE', first('a\0b')),
    ...(quoteChar === null ? [] : [whole('QUOTE', first('"a"b'))]),
    ...(header === null ? [] : [whole('REPEATED_HEADER', () => header)]),
    { ...whole('TOO_LONG', first(long)), countMax: LONG_MAX },
  ]
}

interface FieldDefect {
  readonly kind: FieldReason
  /** texts that are wrong in this way alone */
  readonly texts: readonly string[]
}

function fieldDefects(spec: ParseSpec, column: ColumnSpec): readonly FieldDefect[] {
  // the only field of a record, left empty, makes it blank
  const isEmptied = column.required && spec.columns.length > 1
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
      return { kind: 'TYPE_DECIMAL', texts: [...texts, '9'.repeat(precision - scale + 1)] }
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
