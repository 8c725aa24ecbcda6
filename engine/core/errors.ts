/**
 * The one error class and the one table of error codes.
 *
 * A row: who has to act (`fault`), whether trying again can help (`retry`), what happened (`text`)
 * and what to do (`hint`). docs/errors.md is generated from it. Contexts hold ids, counts, names and
 * positions; never a cell's value, a bound parameter or a header: this is health data.
 */
import type { Fault, Position, Retry, Spec } from './error-rows.ts'
import { EXIT_CODES, at, spec } from './error-rows.ts'
import { nearestName } from './nearest-name.ts'

// Sorted by code. One row a code; tests/errors.test.ts holds the rules.
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
    text: ({ name, nearest }) =>
      `no error has the code ${name}${nearest === undefined ? '' : `; did you mean ${nearest}?`}`,
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
    hint: 'raise the memory limit of a worker, or use fewer workers',
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
  MANIFEST_INVALID: spec<{ readonly issues: readonly (Position & { readonly text: string })[] }>({
    fault: 'input',
    retry: 'when-input-changes',
    text: ({ issues }) =>
      [
        `the discovery manifest has ${issues.length} error${issues.length === 1 ? '' : 's'}`,
        ...issues.map((issue) => `  ${at(issue)} ${issue.text}`),
      ].join('\n'),
    hint: 'nothing of it was landed; write a new manifest with the places named above corrected',
  }),
  MAPPING_CAST_FAILED: spec<{ readonly node: string; readonly layout: string }>({
    fault: 'config',
    retry: 'when-input-changes',
    text: ({ node, layout }) =>
      `${node}: a value of layout ${layout} does not become its canonical column's type`,
    hint: 'correct the mapping or the canonical type; the month keeps its last version',
  }),
  NODE_UNKNOWN: spec<{ readonly node: string }>({
    fault: 'usage',
    retry: 'never',
    text: ({ node }) => `there is no partition ${node}`,
    hint: 'see what there is with `tributary status ASSET --keys`',
  }),
  PARSE_FAILED: spec<{ readonly file: string; readonly reason: string; readonly detail: string }>({
    fault: 'input',
    retry: 'when-input-changes',
    text: ({ file, reason, detail }) => `${file} cannot be parsed (${reason}): ${detail}`,
    hint: 'ask the submitter for a corrected file, or correct the layout',
  }),
  PART_CHANGED: spec<{ readonly path: string; readonly want: string; readonly got: string }>({
    fault: 'upstream',
    retry: 'when-input-changes',
    text: ({ path, want, got }) => `${path} has sha256 ${got}, the catalog says ${want}`,
    hint: 'something outside changed a part: tributary fsck --repair sets it aside and rebuilds it',
  }),
  PART_INVALID: spec<{ readonly part: string; readonly what: string }>({
    fault: 'bug',
    retry: 'never',
    text: ({ part, what }) => `the written part ${part} is not what it should be: ${what}`,
    hint: 'this is a defect of the program: report it with the command and this line',
  }),
  PART_MISSING: spec<{ readonly path: string }>({
    fault: 'upstream',
    retry: 'when-input-changes',
    text: ({ path }) => `a part is not in the store: ${path}`,
    hint: 'run materialize --verify to rebuild what is missing',
  }),
  PATH_INVALID: spec<{ readonly dimension: string; readonly length: number }>({
    fault: 'bug',
    retry: 'never',
    text: ({ dimension, length }) =>
      `a storage path was asked for with an invalid ${dimension} of ${length} characters`,
    hint: 'paths are made of validated ids only: report the command and this line',
  }),
  PLAN_MOVED: spec<{ readonly wanted: string; readonly now: string }>({
    fault: 'conflict',
    retry: 'never',
    text: ({ wanted, now }) => `plan ${wanted} is out of date: the plan is now ${now}`,
    hint: 'look at the new plan with `tributary plan`, then apply that one',
  }),
  PORT_UNUSABLE: spec<{ readonly host: string; readonly port: number; readonly reason: string }>({
    fault: 'config',
    retry: 'never',
    text: ({ host, port, reason }) => `nothing can listen on ${host}:${port}: ${reason}`,
    hint: 'choose another with --port, or --port 0 for any that is free; something may run there already',
  }),
  PROJECT_EXISTS: spec<{ readonly folder: string; readonly path: string }>({
    fault: 'usage',
    retry: 'never',
    text: ({ folder, path }) => `${folder} already has ${path}`,
    hint: 'name a folder without it: a new project overwrites nothing',
  }),
  QUERY_REFUSED: spec<{ readonly reason: string; readonly tables: readonly string[] }>({
    fault: 'usage',
    retry: 'never',
    text: ({ reason, tables }) =>
      `the query was refused: ${reason}; tables: ${tables.join(', ') || 'none yet'}`,
    hint: 'write one SELECT over these tables; see also `tributary query --tables`',
  }),
  REGISTRY_INVALID: spec<{ readonly issues: readonly (Position & { readonly text: string })[] }>({
    fault: 'config',
    retry: 'never',
    text: ({ issues }) =>
      [
        `the registry has ${issues.length} error${issues.length === 1 ? '' : 's'}`,
        ...issues.map((issue) => `  ${at(issue)} ${issue.text}`),
      ].join('\n'),
    hint: 'correct the places named above; nothing was changed. Try: tributary registry check',
  }),
  REQUEST_ENDED: spec<{ readonly request: number; readonly status: string }>({
    fault: 'conflict',
    retry: 'never',
    text: ({ request, status }) => `request ${request} has ended already: ${status}`,
    hint: 'ask for the month again with `tributary queue add`',
  }),
  REQUEST_UNKNOWN: spec<{ readonly request: number }>({
    fault: 'usage',
    retry: 'never',
    text: ({ request }) => `no request has the number ${request}`,
    hint: 'look it up with `tributary queue list --done`',
  }),
  ROLLBACK_REFUSED: spec<{ readonly node: string; readonly reason: string }>({
    fault: 'usage',
    retry: 'never',
    text: ({ node, reason }) => `${node} cannot be rolled back: ${reason}`,
    hint: 'see its versions with `tributary rollback PARTITION`, without --to',
  }),
  ROWS_NOT_CONSERVED: spec<{
    readonly node: string
    readonly part: string
    readonly rowsIn: number
    readonly rowsOut: number
  }>({
    fault: 'bug',
    retry: 'never',
    text: ({ node, part, rowsIn, rowsOut }) =>
      `${node}: ${part} has ${rowsOut} rows, its submitter's month has ${rowsIn}`,
    hint: 'nothing was published; report this with the mapping and layout named in the plan',
  }),
  RUN_BUSY: spec<{ readonly holder: string }>({
    fault: 'conflict',
    retry: 'backoff',
    text: ({ holder }) => `another run holds this project: ${holder}`,
    hint: 'wait for it to end, or stop it; a run that died frees the project by itself',
  }),
  RUN_UNKNOWN: spec<{ readonly run: string }>({
    fault: 'usage',
    retry: 'never',
    text: ({ run }) => `there is no run ${run}`,
    hint: 'list them with `tributary runs`',
  }),
  SCHEDULE_INVALID: spec<{
    readonly schedule: string
    readonly zone: string
    readonly reason: string
  }>({
    fault: 'config',
    retry: 'never',
    text: ({ schedule, zone, reason }) =>
      `the schedule ${schedule} (${zone}) is refused: ${reason}`,
    hint: 'write minute, hour, day of month, month and day of week, as in `0 3 * * *`, and a zone as America/New_York',
  }),
  SELECTION_SYNTAX: spec<{
    readonly selection: string
    readonly column: number
    readonly reason: string
  }>({
    fault: 'usage',
    retry: 'never',
    text: ({ selection, column, reason }) => `selection ${selection}, column ${column}: ${reason}`,
    hint: 'examples: gold_canonical  +silver  gold_canonical[state=CO,atomic_month>=2024-01]+',
  }),
  SENSOR_UNKNOWN: spec<{ readonly sensor: string; readonly known: readonly string[] }>({
    fault: 'usage',
    retry: 'never',
    text: ({ sensor, known }) => `no sensor is named ${sensor}; there are: ${known.join(', ')}`,
    hint: 'look them up with `tributary sensors list`',
  }),
  STORED_INVALID: spec<{ readonly path: string; readonly number: number }>({
    fault: 'upstream',
    retry: 'never',
    text: ({ path, number }) => `object ${number} of ${path} in the store is not what was written`,
    hint: 'put it back from a copy of the store, or restore the catalog from a backup',
  }),
  STORE_UNUSABLE: spec<{ readonly store: string; readonly reason: string }>({
    fault: 'upstream',
    retry: 'backoff',
    text: ({ store, reason }) => `the store ${store} cannot be used: ${reason}`,
    hint: 'check free space and permissions; what was committed is safe; see tributary doctor',
  }),
  SUBMISSION_STATE: spec<{ readonly state: string; readonly event: string }>({
    fault: 'conflict',
    retry: 'never',
    text: ({ state, event }) => `the event ${event} is not possible for a submission in ${state}`,
    hint: 'see where it stands with: tributary submissions show ID',
  }),
  SUBMISSION_UNKNOWN: spec<{ readonly submission: string }>({
    fault: 'usage',
    retry: 'never',
    text: ({ submission }) => `there is no submission ${submission}`,
    hint: 'list them with `tributary submissions list`',
  }),
  TRANSPORT_PLAIN: spec<{ readonly place: string }>({
    fault: 'config',
    retry: 'never',
    text: ({ place }) => `${place} is on another machine and would be reached without TLS`,
    hint: 'use https:// for a store and sslmode=verify-full for a database; TRIBUTARY_INSECURE=1 allows it where the network between is trusted',
  }),
  USAGE: spec<{ readonly command: string; readonly reason: string }>({
    fault: 'usage',
    retry: 'never',
    text: ({ reason }) => reason,
    hint: 'see `tributary COMMAND --help` for its arguments, options and examples',
  }),
  VALUE_TOO_LARGE: spec<{ readonly node: string; readonly sizeBytes: number }>({
    fault: 'bug',
    retry: 'never',
    text: ({ node, sizeBytes }) => `the value of ${node} has ${sizeBytes} bytes, the limit is 4096`,
    hint: 'keep large results in a part; a value is for what plans and people need',
  }),
  VERSION_GONE: spec<{
    readonly node: string
    readonly wanted: string
    readonly kept: readonly number[]
  }>({
    fault: 'usage',
    retry: 'never',
    text: ({ node, wanted, kept }) =>
      `${node} has no ${wanted} that is kept; kept: ${kept.map((one) => `commit ${one}`).join(', ') || 'none'}`,
    hint: 'name a kept one; retain_versions in tributary.json says how many versions are kept',
  }),
} as const

export type ErrorCode = keyof typeof ERRORS
export type ErrorContext<Code extends ErrorCode> = Parameters<(typeof ERRORS)[Code]['text']>[0]

/** The only error the product throws on purpose. `code` names a row of ERRORS. */
export class EngineError<Code extends ErrorCode = ErrorCode> extends Error {
  readonly code: Code
  readonly context: ErrorContext<Code>

  constructor(code: Code, context: ErrorContext<Code>, options?: ErrorOptions) {
    const row = ERRORS[code] as unknown as Spec<ErrorContext<Code>>
    super(row.text(context), options)
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
