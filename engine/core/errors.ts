/**
 * The one error class and the one table of error codes.
 *
 * A row: who has to act (`fault`), whether trying again can help (`retry`), what happened (`text`)
 * and what to do (`hint`). docs/errors.md is generated from it. Contexts hold ids, counts, names and
 * positions; never a cell's value, a bound parameter or a header: this is health data.
 */
import type { Fault, Position, Retry, Spec } from './error-rows.ts'
import { EXIT_CODES, at, spec } from './error-rows.ts'
import { MORE_ERRORS } from './errors-m-to-z.ts'
import { didYouMean, nearestName } from './nearest-name.ts'
import { printableCopy } from './printable.ts'

// Sorted by code, M to Z in errors-m-to-z.ts. One row a code; tests/errors.test.ts holds the rules.
export const ERRORS = {
  ASSERTION: spec<{ readonly what: string }>({
    fault: 'bug',
    retry: 'never',
    text: ({ what }) => `an invariant does not hold: ${what}`,
    hint: 'this is a defect of the program: report it with the command and this line',
  }),
  ASSET_FAILED: spec<{ readonly node: string; readonly reason: string }>({
    fault: 'bug',
    retry: 'backoff',
    text: ({ node, reason }) => `the build of ${node} failed: ${reason}`,
    hint: 'the partition keeps its last version and stays in the plan; fix the cause and run retry',
  }),
  ASSET_UNKNOWN: spec<{ readonly asset: string; readonly known: readonly string[] }>({
    fault: 'usage',
    retry: 'never',
    text: ({ asset, known }) => {
      const nearest = nearestName(asset, known)
      const meant = nearest === undefined ? '' : ` did you mean ${nearest}?`
      return `no asset is named ${asset};${meant} there are: ${known.join(', ')}`
    },
    hint: 'check the name against `tributary status`',
  }),
  AS_OF_GONE: spec<{
    readonly asOf: string
    readonly partitions: readonly string[]
    readonly count: number
  }>({
    fault: 'usage',
    retry: 'never',
    text: ({ asOf, partitions, count }) => {
      const more = count > partitions.length ? ` and ${count - partitions.length} more` : ''
      return `what these partitions were ${asOf} is not kept any more: ${partitions.join(', ')}${more}`
    },
    hint: 'name a later run or instant, or other tables; retain_versions in tributary.json keeps more',
  }),
  BACKUP_EXISTS: spec<{ readonly place: string }>({
    fault: 'usage',
    retry: 'never',
    text: ({ place }) => `there is a backup already in ${place}`,
    hint: 'name another place: a backup is never overwritten',
  }),
  BACKUP_INVALID: spec<{ readonly file: string; readonly reason: string }>({
    fault: 'input',
    retry: 'never',
    text: ({ file, reason }) => `the backup cannot be restored: ${file}: ${reason}`,
    hint: 'take another backup, or make the catalog from the store: tributary rebuild-catalog',
  }),
  CATALOG_NEWER: spec<{ readonly found: string; readonly known: string }>({
    fault: 'config',
    retry: 'never',
    text: ({ found, known }) =>
      `the catalog was written by a newer version: schema ${found}, this one knows ${known}`,
    hint: 'update tributary on this machine; nothing was changed',
  }),
  CATALOG_NOT_EMPTY: spec<{ readonly catalog: string }>({
    fault: 'conflict',
    retry: 'never',
    text: ({ catalog }) => `the catalog ${catalog} is not empty`,
    hint: 'name an empty one with --into URL, or move the old one away: nothing is overwritten',
  }),
  CATALOG_UNUSABLE: spec<{ readonly catalog: string; readonly reason: string }>({
    fault: 'upstream',
    retry: 'backoff',
    text: ({ catalog, reason }) => `the catalog ${catalog} cannot be used: ${reason}`,
    hint: 'check that the file or server is there, readable and not damaged; see tributary doctor',
  }),
  CHECK_FAILED: spec<{ readonly node: string; readonly check: string; readonly reason: string }>({
    fault: 'input',
    retry: 'when-input-changes',
    text: ({ node, check, reason }) => `${node} failed its check ${check}: ${reason}`,
    hint: 'nothing was published; correct the input named and run again',
  }),
  CLAIM_LOST: spec<{ readonly holder: string; readonly claims: number }>({
    fault: 'conflict',
    retry: 'backoff',
    text: ({ holder, claims }) => `${holder} lost ${claims} of its claims to another worker`,
    hint: 'nothing of it is visible; it was frozen or cut off for longer than a claim stands, and another worker goes on',
  }),
  CODE_UNKNOWN: spec<{ readonly name: string; readonly nearest: string | undefined }>({
    fault: 'usage',
    retry: 'never',
    text: ({ name, nearest }) => `no error has the code ${name}${didYouMean(nearest)}`,
    hint: 'list every code with `tributary help --codes`',
  }),
  CONFIG_INVALID: spec<{ readonly file: string; readonly reason: string }>({
    fault: 'config',
    retry: 'never',
    text: ({ file, reason }) => `${file} is not a valid configuration: ${reason}`,
    hint: 'correct the file; `tributary init` writes one with every default named',
  }),
  CONFIG_MISSING: spec<{ readonly folder: string }>({
    fault: 'usage',
    retry: 'never',
    text: ({ folder }) => `no tributary.json in ${folder} or above`,
    hint: 'run `tributary init` here, or name a project with --project FOLDER',
  }),
  DECISION_INVALID: spec<{ readonly subject: string; readonly reason: string }>({
    fault: 'usage',
    retry: 'never',
    text: ({ subject, reason }) => `the decision about ${subject} cannot be taken: ${reason}`,
    hint: 'look at it with `tributary submissions show`',
  }),
  DISK_FULL: spec<{ readonly what: string }>({
    fault: 'upstream',
    retry: 'backoff',
    text: ({ what }) => `${what} found no space left on the disk`,
    hint: 'free some space and run again; what is committed is whole',
  }),
  DRAFT_IMPOSSIBLE: spec<Position & { readonly reason: string }>({
    fault: 'input',
    retry: 'when-input-changes',
    text: ({ reason, ...place }) => `${at(place)} ${reason}`,
    hint: 'correct the file there; `tributary registry import --help` and `registry infer --help` say what is read',
  }),
  DUCK_CHILD_LOST: spec<{ readonly why: string }>({
    fault: 'upstream',
    retry: 'backoff',
    text: ({ why }) => `a DuckDB child process ended before its task was done: ${why}`,
    hint: 'run again; if it happens often, the machine is short of memory: use fewer workers',
  }),
  DUCK_MEMORY: spec<{ readonly limitMb: number }>({
    fault: 'upstream',
    retry: 'backoff',
    text: ({ limitMb }) => `a DuckDB task needed more memory than its limit of ${limitMb} MB`,
    hint: 'use fewer workers (memory_mb or concurrency in tributary.json); a layout or a mapping of very many columns has to be split',
  }),
  // DuckDB's own message quotes data and never leaves the child.
  DUCK_TASK_FAILED: spec<{ readonly kind: string; readonly statement: number }>({
    fault: 'bug',
    retry: 'never',
    text: ({ kind, statement }) =>
      `DuckDB refused a task at its statement ${statement + 1}, kind of error: ${kind}`,
    hint: 'this is a defect of the program: report it with the command and this line',
  }),
  ENGINE_DISAGREEMENT: spec<{
    readonly file: string
    readonly record: number
    readonly what: string
  }>({
    fault: 'bug',
    retry: 'never',
    text: ({ file, record, what }) => `${file}: record ${record} ${what}`,
    hint: 'SQL and grammar must accept the same records: report the layout; nothing was committed',
  }),
  GRAPH_INVALID: spec<{ readonly what: string }>({
    fault: 'config',
    retry: 'never',
    text: ({ what }) => `the asset graph is not valid: ${what}`,
    hint: 'correct the declaration named',
  }),
  INPUT_CHANGED: spec<{ readonly path: string }>({
    fault: 'input',
    retry: 'when-input-changes',
    text: ({ path }) => `a file changed after it was discovered: ${path}`,
    hint: 'run again: the new content is picked up as a delivery of its own',
  }),
  INPUT_UNREADABLE: spec<{ readonly path: string; readonly reason: string }>({
    fault: 'input',
    retry: 'when-input-changes',
    text: ({ path, reason }) => `a file cannot be read: ${path} (${reason})`,
    hint: 'check its permissions, then run again; everything else was built',
  }),
  INTERRUPTED: spec<{ readonly run: string }>({
    fault: 'conflict',
    retry: 'backoff',
    text: ({ run }) => `run ${run} was interrupted`,
    hint: 'what was committed stays; the same command goes on from there',
  }),
  KEY_INVALID: spec<{ readonly length: number; readonly dimensions: number }>({
    fault: 'bug',
    retry: 'never',
    text: ({ length, dimensions }) =>
      `a key of ${dimensions} dimensions has an empty value or is too long: ${length} bytes`,
    hint: 'a key is made of validated ids: report the asset whose keysFrom gave this key',
  }),
  LAYOUT_MISSING: spec<{ readonly layout: string }>({
    fault: 'config',
    retry: 'when-input-changes',
    text: ({ layout }) => `the registry has no layout ${layout}, which a submission was routed to`,
    hint: 'put the layout back, or route the submission: tributary submissions route',
  }),
  LAYOUT_TOO_WIDE: spec<{
    readonly file: string
    readonly columns: number
    readonly limitMb: number
  }>({
    fault: 'input',
    retry: 'never',
    text: ({ file, columns, limitMb }) =>
      `${file}: its layout has ${columns} columns, and their records do not fit in the ${limitMb} MB of a task`,
    hint: 'ask for files of at most 1,000 columns, which any number of months may have, or describe only the first part of each record as columns',
  }),
  ...MORE_ERRORS,
} as const

export type ErrorCode = keyof typeof ERRORS
export type ErrorContext<Code extends ErrorCode> = Parameters<(typeof ERRORS)[Code]['text']>[0]

/** The only error the product throws on purpose. `code` names a row of ERRORS. */
export class EngineError<Code extends ErrorCode = ErrorCode> extends Error {
  readonly code: Code
  readonly context: ErrorContext<Code>

  constructor(code: Code, context: ErrorContext<Code>, options?: ErrorOptions) {
    const row = ERRORS[code] as unknown as Spec<ErrorContext<Code>>
    // Names in a context are somebody else's: a line end or an escape code in one stays visible.
    super(row.text(printableCopy(context)), options)
    this.name = 'EngineError'
    this.code = code
    this.context = context
  }

  get fault(): Fault {
    return ERRORS[this.code].fault
  }
  get retry(): Retry {
    return ERRORS[this.code].retry
  }
  get hint(): string {
    return ERRORS[this.code].hint
  }
  get exitCode(): number {
    return EXIT_CODES[this.fault]
  }
}

/** Narrows an unknown error to EngineError, and to one code when given. */
export function isEngineError<Code extends ErrorCode = ErrorCode>(
  error: unknown,
  code?: Code,
): error is EngineError<Code> {
  return error instanceof EngineError && (code === undefined || error.code === code)
}

/** Throws ASSERTION unless `holds`. Assertions stay on in production. */
export function assert(holds: unknown, what: string): asserts holds {
  if (!holds) throw new EngineError('ASSERTION', { what })
}
