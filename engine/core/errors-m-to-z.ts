/** The rows of ERRORS from M on: see errors.ts. */
import type { Position } from './error-rows.ts'
import { at, spec } from './error-rows.ts'
import { didYouMean } from './nearest-name.ts'

export const MORE_ERRORS = {
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
  PACKAGE_SECRET: spec<{ readonly file: string; readonly detail: string }>({
    fault: 'config',
    retry: 'backoff',
    text: ({ file, detail }) => `${file} cannot be opened: ${detail}`,
    hint: 'set the variable it names where builds run, or the same with _FILE; see tributary doctor',
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
  RULE_SQL_FAILED: spec<{ readonly rule: string; readonly kind: string }>({
    fault: 'config',
    retry: 'when-input-changes',
    text: ({ rule, kind }) =>
      `the test of rule ${rule} cannot be computed on these rows, kind of error: ${kind}`,
    hint: 'compare like with like in its expression: a text becomes a number or a date only by a CAST that fits every row',
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
  SAMPLER_LOST: spec<{ readonly why: string }>({
    fault: 'input',
    retry: 'when-input-changes',
    text: ({ why }) => `the reader of a sample ended twice (${why})`,
    hint: 'the file is hostile or far too large for what it is: look at it apart, with limits',
  }),
  SAMPLE_PLACE_UNKNOWN: spec<{ readonly place: string; readonly nearest: string | undefined }>({
    fault: 'usage',
    retry: 'never',
    text: ({ place, nearest }) => `no manifest has named a file of ${place}${didYouMean(nearest)}`,
    hint: 'a place is vendor/dataset/version, or its first parts, as `tributary samples list` shows it',
  }),
  SAMPLE_UNKNOWN: spec<{ readonly name: string; readonly nearest: string | undefined }>({
    fault: 'usage',
    retry: 'never',
    text: ({ name, nearest }) => `no sample and no file is named ${name}${didYouMean(nearest)}`,
    hint: 'list them with `tributary samples list`',
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
  STAGING_UNUSABLE: spec<{ readonly path: string; readonly reason: string }>({
    fault: 'upstream',
    retry: 'backoff',
    text: ({ path, reason }) => `the staging folder cannot be used at ${path}: ${reason}`,
    hint: 'check free space and permissions; what was landed is safe, and its lines follow',
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
    text: ({ node, sizeBytes }) => `the value of ${node} has ${sizeBytes} bytes, more than it may`,
    hint: 'keep large results in a part; a value is for what plans and people need, 4096 bytes by default',
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
