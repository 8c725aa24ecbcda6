/** What faults of the readers of tables mean for a parse. */
import { EngineError } from '../core/errors.ts'
import { fail, type ParseFailureCode } from './parse-failure.ts'
import type { TableFault } from './table-protocol.ts'

const REASONS: Readonly<Record<Exclude<TableFault['fault'], 'DISK_FULL'>, ParseFailureCode>> = {
  CORRUPT: 'TABLE_CORRUPT',
  ENCRYPTED: 'TABLE_ENCRYPTED',
  NO_SHEET: 'SHEET_MISSING',
  TOO_LARGE: 'TOO_LARGE',
  LOST: 'TABLE_UNREADABLE',
}

/** Throws PARSE_FAILED, or DISK_FULL. */
export function failTable(file: string, { fault, what }: TableFault): never {
  if (fault === 'DISK_FULL') throw new EngineError('DISK_FULL', { what: 'a table as text' })
  fail(file, REASONS[fault], `${what}; save it anew, or send it as text`)
}
