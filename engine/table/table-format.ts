/** Which formats are tables: files that have to be made text before their records can be read. */
import type { ParseSpec, TableFormat } from './spec.ts'

type Formatted = Pick<ParseSpec, 'format'>

/** Whether a format has to be made text before its records can be read. */
export const isTable = (spec: Formatted): boolean => tableFormat(spec) !== undefined

/** The format, where its files are no text. */
export const tableFormat = ({ format }: Formatted): TableFormat | undefined =>
  format === 'xlsx' || format === 'parquet' ? format : undefined

/** Whether records are cut at delimiters. */
export const isDelimited = (spec: Formatted): boolean => spec.format === undefined || isTable(spec)
