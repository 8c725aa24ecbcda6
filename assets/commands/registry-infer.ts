/** `registry infer`: sample files as a drafted layout. Reads the files, stores nothing of them. */
import { createReadStream } from 'node:fs'
import { basename } from 'node:path'
import type { CommandCall, SampleRecord } from '../../engine/index.ts'
import { EngineError, profileFiles, sampleRecords } from '../../engine/index.ts'
import { inferLayout } from '../../registry/infer.ts'
import type { SampleDialect } from '../../registry/sample-dialect.ts'
import { CONTROL_TAGS, guessDialect, holdsNames } from '../../registry/sample-dialect.ts'
import { sniff } from '../../registry/sniff.ts'
import { inspect } from '../inspect.ts'
import type { OpenedPlatform } from './opened.ts'
import { giveDraft, requireFile } from './registry-draft.ts'

const COMMAND = 'registry infer'
/** Records that decide whether the first of them holds names. */
const RECORDS = 500

interface SampleFile {
  readonly path: string
  readonly name: string
  readonly head: Buffer
}

/** Runs `registry infer`. Throws DRAFT_IMPOSSIBLE where a file shows no records. */
export async function runInfer(call: CommandCall<OpenedPlatform>): Promise<number> {
  const files: SampleFile[] = []
  for (const word of call.words) files.push(await headOf(requireFile(COMMAND, word)))
  const [first] = files
  if (first === undefined) {
    throw new EngineError('USAGE', { command: COMMAND, reason: 'no file is named' })
  }
  const dialect = guessDialect(first.head)
  if (dialect === undefined) throw impossible(first.name, NO_DELIMITER)
  const header = namesOf(first.head, dialect)
  for (const file of files.slice(1)) requireAlike(file, { first, dialect, header })
  const { syntax, fieldCount } = dialect
  const profile = await profileFiles({
    files,
    syntax,
    fieldCount,
    header,
    controlTags: CONTROL_TAGS,
    signal: new AbortController().signal,
  })
  if (profile.rows === 0) throw impossible(first.name, 'there is no row to infer from')
  const title = `Inferred from ${first.name}`
  const draft = inferLayout({ name: first.name, dialect, header, profile }, title)
  return giveDraft(call, COMMAND, draft)
}

const NO_DELIMITER =
  'no delimiter cuts its records alike; if the file is fixed width, import the field list of its guide: tributary registry import'

const NO_TABLE = 'it holds JSON: its members name themselves; write the layout with format jsonl'

const impossible = (file: string, reason: string): EngineError =>
  new EngineError('DRAFT_IMPOSSIBLE', { file, line: 1, column: 1, reason })

async function headOf(path: string): Promise<SampleFile> {
  const name = basename(path)
  const bytes = createReadStream(path)
  const { head, refusal } = await inspect({ source: path, name, bytes, scratch: undefined })
  if (refusal !== undefined) throw impossible(name, refusal.words)
  if (sniff(head, name).kind === 'json') throw impossible(name, NO_TABLE)
  return { path, name, head }
}

/** The names of columns, where the first record of that many fields holds them. */
function namesOf(
  head: Buffer,
  { syntax, fieldCount }: SampleDialect,
): SampleRecord['fields'] | undefined {
  const [first, ...rest] = sampleRecords(head, syntax, RECORDS).filter(
    ({ fields }) => fields.length === fieldCount && !CONTROL_TAGS.includes(fields[0] ?? ''),
  )
  return first !== undefined && holdsNames(first, rest) ? first.fields : undefined
}

function requireAlike(
  file: SampleFile,
  wanted: {
    readonly first: SampleFile
    readonly dialect: SampleDialect
    readonly header: SampleRecord['fields'] | undefined
  },
): void {
  const own = guessDialect(file.head)
  const isAlike =
    own?.syntax.dialect.delimiter === wanted.dialect.syntax.dialect.delimiter &&
    own.fieldCount === wanted.dialect.fieldCount &&
    namesOf(file.head, own)?.join('\n') === wanted.header?.join('\n')
  if (!isAlike) throw impossible(file.name, `it is not written like ${wanted.first.name}`)
}
