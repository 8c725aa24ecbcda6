/**
 * Canonical schemas: the columns of the one table that is published per state, file type, month.
 *
 * `schemas/{file_type}/v{n}.json`; one version of a file type is ACTIVE.
 */
import { z } from 'zod'
import { assert } from '../engine/index.ts'
import type { ColumnSpec } from '../engine/index.ts'
import { leaf } from './fields.ts'
import { VERSION } from './names.ts'
import { closed, wholeDocument } from './shape.ts'

const TYPE = /^(?:VARCHAR|INTEGER|BIGINT|DATE|TIMESTAMP|BOOLEAN|DECIMAL\((\d{1,2}),\s?(\d{1,2})\))$/

export const canonicalType = z
  .string()
  .regex(TYPE, 'a type is VARCHAR, INTEGER, BIGINT, DECIMAL(p,s), DATE, TIMESTAMP or BOOLEAN')
  .refine((text) => decimalHolds(text), 'DECIMAL(p,s) needs 1 <= p <= 38 and s <= p')

export const canonicalSchemaDocument = wholeDocument({
  file_type: leaf.fileType.exactOptional().describe('the folder says it already'),
  version: z.string().regex(VERSION).exactOptional().describe('the file name says it already'),
  status: leaf.status,
  columns: z
    .array(
      closed({ name: leaf.column, type: canonicalType, required: z.boolean().exactOptional() }),
    )
    .min(1),
  key: z
    .array(leaf.column)
    .min(1)
    .exactOptional()
    .describe('the columns that tell the rows of one submitter apart; `diff` pairs rows by them'),
})
export type CanonicalSchemaDocument = z.output<typeof canonicalSchemaDocument>

export interface CanonicalColumn {
  readonly name: string
  /** a DuckDB type of the fixed list, e.g. `DECIMAL(18,2)` */
  readonly type: string
  readonly required: boolean
}

export interface CanonicalSchema {
  readonly fileType: string
  /** `v1` */
  readonly version: string
  /** `medical/v1` */
  readonly id: string
  readonly status: 'ACTIVE' | 'INACTIVE'
  readonly columns: readonly CanonicalColumn[]
  /** tells one submitter's rows apart; no part of the slice, as nothing is built from it */
  readonly key: readonly string[] | undefined
}

/** Lineage columns that follow the canonical ones in every canonical file, in this order. */
export const LINEAGE_COLUMNS = [
  'state',
  'file_type',
  'atomic_month',
  'submitter_id',
  'source_submission_id',
  'source_layout_id',
  'canonical_schema_version',
  'canonical_built_at',
] as const

export const canonicalColumns = (document: CanonicalSchemaDocument): readonly CanonicalColumn[] =>
  document.columns.map(({ name, type, required = false }) => ({
    name,
    type: type.replace(' ', ''),
    required,
  }))

/** A schema as a fact: its version's name and its columns. */
export const schemaSlice = ({
  version,
  columns,
}: CanonicalSchema): Pick<CanonicalSchema, 'version' | 'columns'> => ({ version, columns })

/** A type as it enters SQL: only ever one of the fixed list. */
export function typeSql(type: string): string {
  assert(TYPE.test(type) && decimalHolds(type), 'a type outside the canonical list reached SQL')
  return type
}

function decimalHolds(text: string): boolean {
  const [precision, scale] = decimalSize(text) ?? [1, 0]
  return precision >= 1 && precision <= 38 && scale <= precision
}

function decimalSize(type: string): readonly [precision: number, scale: number] | undefined {
  const [, precision, scale] = TYPE.exec(type) ?? []
  return precision === undefined ? undefined : [Number(precision), Number(scale)]
}

/** The canonical type that holds every value of a layout's column. */
export function silverType(spec: ColumnSpec): string {
  switch (spec.type) {
    case 'string':
      return 'VARCHAR'
    case 'integer':
      return 'BIGINT'
    case 'decimal':
      return `DECIMAL(${spec.precision ?? 38},${spec.scale ?? 0})`
    case 'date':
      return 'DATE'
    case 'datetime':
      return 'TIMESTAMP'
    case 'boolean':
      return 'BOOLEAN'
  }
}

const NUMBERS = ['INTEGER', 'BIGINT', 'DECIMAL']
const family = (type: string): string => type.replace(/\(.*/, '')

/**
 * Why values of one type do not become another as they are; undefined: they do.
 *
 * `written`: a person wrote this cast, so text may be read and numbers may be rounded.
 */
export function castFault(from: string, to: string, written: boolean): string | undefined {
  const [source, target] = [family(from), family(to)]
  if (target === 'VARCHAR') return undefined
  const dates = ['DATE', 'TIMESTAMP']
  if (dates.includes(source) && dates.includes(target)) return undefined
  if (source === 'VARCHAR') {
    return written || source === target
      ? undefined
      : `text becomes ${to} only with a cast; better, give the layout's column that type`
  }
  if (NUMBERS.includes(source) && NUMBERS.includes(target)) {
    return written ? undefined : numberFault(from, to)
  }
  return source === target ? undefined : `${from} does not become ${to}`
}

function numberFault(from: string, to: string): string | undefined {
  const source = decimalSize(from)
  if (source === undefined) return undefined // whole numbers fail loudly when they do not fit
  const target = decimalSize(to) ?? [19, 0]
  const [digits, wholeDigits] = [
    source[1] <= target[1],
    source[0] - source[1] <= target[0] - target[1],
  ]
  return digits && wholeDigits ? undefined : `${from} does not fit ${to} without a cast`
}
