/** The one way a parse says that something is for the submitter to correct. */
import { EngineError } from '../core/errors.ts'

/** What a parse can fail for; the submitter, or whoever wrote the layout, has to act. */
export type ParseFailureCode =
  | 'ENCODING_UNSUPPORTED'
  | 'FORMAT_DIFFERS'
  | 'GZIP_CORRUPT'
  | 'GZIP_TRUNCATED'
  | 'HEADER_COLUMN_MISSING'
  | 'HEADER_COLUMN_TWICE'
  | 'HEADER_COLUMN_UNKNOWN'
  | 'HEADER_MISSING'
  | 'HEADER_UNREADABLE'
  | 'NOTHING_ACCEPTED'
  | 'PACKAGE_CORRUPT'
  | 'PACKAGE_ENCRYPTED'
  | 'PACKAGE_MEMBERS'
  | 'PACKAGE_NAME'
  | 'PACKAGE_NESTED'
  | 'PACKAGE_SECRET' // it is sound, as far as is known, and nothing at hand opens it
  | 'PACKAGE_UNSUPPORTED'
  | 'PREAMBLE_ENDLESS'
  | 'RATIO'
  | 'SHEET_MISSING'
  | 'TABLE_CORRUPT'
  | 'TABLE_ENCRYPTED'
  | 'TABLE_UNREADABLE' // by its reader, within its memory and time
  | 'TOO_LARGE'
  | 'TOO_MANY_REJECTS' // past the layout's stop rule; what follows was not read

/** Throws PARSE_FAILED; `detail` says what is wrong and what to do, and holds no value. */
export function fail(file: string, reason: ParseFailureCode, detail: string): never {
  throw new EngineError('PARSE_FAILED', { file, reason, detail })
}
