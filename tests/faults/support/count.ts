/**
 * Counts injected faults. With TEST_FAULT_COUNTS set to a file, each call appends `F1 3` to it;
 * `node tests/faults/table.ts FILE` adds them up.
 */
import { appendFileSync } from 'node:fs'

/** A row of docs/faults.md. */
export type FaultId = `F${number}`

/** Says that a fault was injected so often, and that what followed held. */
export function countFault(id: FaultId, times = 1): void {
  const file = process.env['TEST_FAULT_COUNTS']
  if (file !== undefined) appendFileSync(file, `${id} ${times}\n`)
}
