/** The rules of a mapping in force in one month. Pure: what a canonical part depends on. */
import { assert } from '../engine/index.ts'
import type { Mapping, MonthMapping } from './mapping.ts'

/**
 * The rules of `mapping` in force in `atomicMonth` (`YYYY-MM`): of each column's rules the last
 * whose `since` is not after it. A column none of whose rules has begun has no entry: it is empty.
 */
export function mappingForMonth(
  mapping: Pick<Mapping, 'schema' | 'columns'>,
  atomicMonth: string,
): MonthMapping {
  assert(/^\d{4}-\d{2}$/.test(atomicMonth), 'a mapping was asked for no month')
  const columns = Object.entries(mapping.columns).flatMap(([target, rules]) => {
    const inForce = rules.findLast(({ since }) => since === undefined || since <= atomicMonth)
    if (inForce === undefined) return []
    const { since: _, ...slice } = inForce
    return [[target, slice] as const]
  })
  return { schema: mapping.schema, columns: Object.fromEntries(columns) }
}
