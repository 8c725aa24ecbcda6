/**
 * Where every stage keeps its objects: the storage paths of the delivery road, and their inverse.
 *
 * A path is made of validated ids, months and fixed words only; a submitter's own file names are
 * data and enter a path only through inbox.ts's `rawFileNames`. Source of the paths: seed 003, "Storage
 * conventions" (rejects are ours). Two promises hold for every path, and tests/registry/paths
 * keeps them: formatting a parsed path gives the path, and no object is a folder of another.
 */
import { EngineError } from '../engine/index.ts'

/** A folder of one stage. `object` is what lies in it; without it, the folder itself. */
export type StoragePath =
  | ({ readonly stage: 'raw' | 'samples' | 'silver' | 'rejects' } & SubmissionPath)
  | ({ readonly stage: 'silver_month'; readonly month: string } & SubmissionPath)
  | ({ readonly stage: 'gold_submitter'; readonly submitter: string } & MonthPath)
  | ({ readonly stage: 'gold_canonical' } & MonthPath)
  | ({ readonly stage: 'validation' } & ValidationPath)
  | ({ readonly stage: 'outbox' } & OutboxPath)

interface InFolder {
  readonly object?: string
}
interface SubmissionPath extends InFolder {
  readonly submitter: string
  readonly fileType: string
  readonly submissionId: string
}
interface MonthPath extends InFolder {
  readonly state: string
  readonly fileType: string
  /** `YYYY-MM` */
  readonly month: string
}
interface OutboxPath extends InFolder {
  readonly submitter: string
  readonly submissionId: string
}
interface ValidationPath extends InFolder {
  readonly submissionId: string
  readonly runId: string
}

const ID = /^(?!.*\.\.)[a-z0-9_][a-z0-9_.-]{0,63}$/
const PATTERNS = {
  submitter: ID,
  fileType: ID,
  runId: ID,
  submissionId: /^\d{8}T\d{9}Z-[0-9a-f]{12}$/,
  state: /^[A-Z]{2}$/,
  month: /^\d{4}-(?:0[1-9]|1[0-2])$/,
  // Rows whose month is not known stay in silver and never feed gold.
  silverMonth: /^(?:\d{4}-(?:0[1-9]|1[0-2])|__unknown__)$/,
} as const

const PART = 'part-[a-z0-9_][a-z0-9_.-]{0,127}\\.parquet'
const REJECTS = 'part-\\d{5}\\.jsonl'
const MANIFEST = '_manifest/\\d{10}\\.json'
const FILE_NAME = '(?!.*\\.\\.)[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}'
const objectPattern = (...forms: readonly string[]): RegExp =>
  new RegExp(`^(?:${forms.join('|')})$`)

/** What may lie in a folder of each stage; anything else is no path of ours. */
const OBJECTS: Readonly<Record<StoragePath['stage'], RegExp>> = {
  raw: objectPattern(`data/${FILE_NAME}`, 'manifest\\.generated\\.json', MANIFEST),
  samples: objectPattern(`data/${FILE_NAME}`, MANIFEST),
  silver: objectPattern('parse_report\\.json', MANIFEST),
  silver_month: objectPattern(PART, MANIFEST),
  rejects: objectPattern(REJECTS, MANIFEST),
  gold_submitter: objectPattern(PART, MANIFEST),
  gold_canonical: objectPattern(PART, MANIFEST),
  validation: objectPattern('validation_report\\.json', 'rule_samples\\.json', MANIFEST),
  outbox: objectPattern('report\\.html', 'report\\.json', MANIFEST),
}

function checked(name: keyof typeof PATTERNS, value: string): string {
  if (PATTERNS[name].test(value)) return value
  throw new EngineError('PATH_INVALID', { dimension: name, length: value.length })
}

const month = (value: string): string => `atomic_month=${checked('month', value)}`

const submissionFolder = (at: SubmissionPath): string =>
  [
    checked('submitter', at.submitter),
    checked('fileType', at.fileType),
    checked('submissionId', at.submissionId),
  ].join('/')

function folderOf(path: StoragePath): string {
  switch (path.stage) {
    case 'raw':
    case 'samples':
    case 'silver':
    case 'rejects':
      return `${path.stage}/${submissionFolder(path)}`
    case 'silver_month':
      return `silver/${submissionFolder(path)}/atomic_month=${checked('silverMonth', path.month)}`
    case 'gold_submitter':
      return [
        'gold_submitter',
        checked('state', path.state),
        checked('fileType', path.fileType),
        checked('submitter', path.submitter),
        month(path.month),
      ].join('/')
    case 'gold_canonical':
      return [
        'gold_canonical',
        checked('state', path.state),
        checked('fileType', path.fileType),
        month(path.month),
      ].join('/')
    case 'outbox':
      return [
        'outbox',
        checked('submitter', path.submitter),
        checked('submissionId', path.submissionId),
      ].join('/')
    case 'validation':
      return [
        'validation',
        checked('submissionId', path.submissionId),
        checked('runId', path.runId),
      ].join('/')
  }
}

/** A path's text, without a leading or closing slash. Throws PATH_INVALID on an id out of form. */
function formatPath(path: StoragePath): string {
  const folder = folderOf(path)
  if (path.object === undefined) return folder
  if (!OBJECTS[path.stage].test(path.object)) {
    throw new EngineError('PATH_INVALID', { dimension: 'object', length: path.object.length })
  }
  return `${folder}/${path.object}`
}

/**
 * `{stage}/{submitter}/{file_type}/{submission_id}`. raw: `data/{file}`, `manifest.generated.json`;
 * rejects: `part-*.jsonl`, with raw lines; samples: `data/{stem}_sample{ext}` and its profile.
 */
export const submissionPath = (stage: 'raw' | 'rejects' | 'samples', at: SubmissionPath): string =>
  formatPath({ ...at, stage })

/**
 * `silver/{submitter}/{file_type}/{submission_id}`: `parse_report.json` and the months; with a month
 * `…/atomic_month={YYYY-MM|__unknown__}`: `part-*.parquet`.
 */
export const silverPath = ({
  month: of,
  ...at
}: SubmissionPath & { readonly month?: string }): string =>
  formatPath(
    of === undefined ? { ...at, stage: 'silver' } : { ...at, stage: 'silver_month', month: of },
  )

/** `gold_submitter/{state}/{file_type}/{submitter}/atomic_month=YYYY-MM`: `part-*.parquet`. */
export const submitterGoldPath = (at: MonthPath & { readonly submitter: string }): string =>
  formatPath({ ...at, stage: 'gold_submitter' })

/** `gold_canonical/{state}/{file_type}/atomic_month=YYYY-MM`: `part-*.parquet`. */
export const canonicalGoldPath = (at: MonthPath): string =>
  formatPath({ ...at, stage: 'gold_canonical' })

/** `validation/{submission_id}/{run_id}`: the report, or the line numbers of rules. */
export const validationPath = (at: ValidationPath): string =>
  formatPath({ ...at, stage: 'validation' })

/** `outbox/{submitter}/{submission_id}`: `report.html`, `report.json`, for the submitter to read. */
export const outboxPath = (at: OutboxPath): string => formatPath({ ...at, stage: 'outbox' })

/** The parts of a path, or undefined when it is not exactly a path that formatPath writes. */
export function parsePath(text: string): StoragePath | undefined {
  const [stage, ...parts] = text.split('/')
  const found = byStage(stage ?? '', parts)
  if (found === undefined) return undefined
  try {
    return formatPath(found) === text ? found : undefined
  } catch (error) {
    if (error instanceof EngineError && error.code === 'PATH_INVALID') return undefined
    throw error
  }
}

const MONTH_FOLDER = 'atomic_month='

function byStage(stage: string, parts: readonly string[]): StoragePath | undefined {
  const [a = '', b = '', c = '', d = ''] = parts
  const tail = (from: number): InFolder =>
    parts.length > from ? { object: parts.slice(from).join('/') } : {}
  switch (stage) {
    case 'silver':
      if (d.startsWith(MONTH_FOLDER)) {
        const at = { submitter: a, fileType: b, submissionId: c }
        return { stage: 'silver_month', ...at, month: d.slice(MONTH_FOLDER.length), ...tail(4) }
      }
      return { stage, submitter: a, fileType: b, submissionId: c, ...tail(3) }
    case 'raw':
    case 'samples':
    case 'rejects':
      return { stage, submitter: a, fileType: b, submissionId: c, ...tail(3) }
    case 'gold_submitter':
      return {
        stage,
        state: a,
        fileType: b,
        submitter: c,
        month: d.slice(MONTH_FOLDER.length),
        ...tail(4),
      }
    case 'gold_canonical':
      return { stage, state: a, fileType: b, month: c.slice(MONTH_FOLDER.length), ...tail(3) }
    case 'outbox':
      return { stage, submitter: a, submissionId: b, ...tail(2) }
    case 'validation':
      return { stage, submissionId: a, runId: b, ...tail(2) }
    default:
      return undefined
  }
}
