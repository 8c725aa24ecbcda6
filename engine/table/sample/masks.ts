/** Masks as they are applied: what is empty stays empty, and no mask is asked about nothing. Pure. */
import type { MaskColumns, MaskText, SampledColumn } from './contract.ts'

export type Masks = readonly (MaskText | null)[]

/** The masks of a sample's columns; undefined: it is not masked at all. */
export function masksOf(
  mask: MaskColumns | undefined,
  columns: readonly SampledColumn[],
): Masks | undefined {
  if (mask === undefined) return undefined
  return columns.length === 0 ? [] : mask(columns)
}

/** A value as it is shown. */
export const maskedText = (masks: Masks, column: number, text: string): string => {
  const mask = masks[column] ?? null
  return mask === null || text === '' ? text : mask(text)
}
