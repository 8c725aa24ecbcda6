/** What the format of a spec does with a record that is data. */
import { fixedSplitter, type Splitter } from './fixed.ts'
import { jsonSplitter } from './json-lines.ts'
import type { ParseSpec } from './spec.ts'
import { isDelimited } from './table-format.ts'

/** How its records are read field by field; null for delimited text, which DuckDB splits. */
export function splitterOf(spec: ParseSpec): Splitter | null {
  if (isDelimited(spec)) return null
  return spec.format === 'fixed' ? fixedSplitter(spec) : jsonSplitter(spec.columns)
}
