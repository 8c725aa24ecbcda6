/** `registry import`: a guide's field list, or a Frictionless descriptor, as a drafted layout. */
import { readFile, stat } from 'node:fs/promises'
import { basename, extname, resolve } from 'node:path'
import type { CommandCall } from '../../engine/index.ts'
import { EngineError, askTable, sampleRecords, textOption } from '../../engine/index.ts'
import { readDescriptor } from '../../registry/descriptor.ts'
import type { LayoutDraft } from '../../registry/draft.ts'
import type { ListFault } from '../../registry/field-list.ts'
import { readFieldList } from '../../registry/field-list.ts'
import { guessDialect } from '../../registry/sample-dialect.ts'
import { sniff } from '../../registry/sniff.ts'
import type { OpenedPlatform } from './opened.ts'
import { giveDraft, requireFile } from './registry-draft.ts'

const COMMAND = 'registry import'
const BYTES_MAX = 16 * 1024 ** 2
/** Lines of a list: fields, and what stands around them. */
const ROWS_MAX = 10_000
const CELLS_MAX = 200

/** Runs `registry import`. Throws DRAFT_IMPOSSIBLE, naming the place. */
export async function runImport(call: CommandCall<OpenedPlatform>): Promise<number> {
  const [word = ''] = call.words
  const file = basename(word)
  const bytes = await readSmall(requireFile(COMMAND, word), file)
  const { kind } = sniff(bytes, file)
  const title = basename(word, extname(word))
  const read =
    kind === 'json'
      ? readJson(bytes, { title, name: textOption(call, 'resource') })
      : kind === 'xlsx'
        ? await readSheet(call, { title, delimiter: delimiterOf(call) })
        : readTable(bytes, { title, delimiter: delimiterOf(call) })
  if ('reason' in read) throw new EngineError('DRAFT_IMPOSSIBLE', { file, ...read })
  return giveDraft(call, COMMAND, read)
}

async function readSmall(path: string, file: string): Promise<Buffer> {
  const { size } = await stat(path)
  if (size <= BYTES_MAX) return readFile(path)
  const reason = `a field list has at most ${BYTES_MAX} bytes`
  throw new EngineError('DRAFT_IMPOSSIBLE', { file, line: 1, column: 1, reason })
}

function delimiterOf(call: CommandCall<OpenedPlatform>): string {
  const delimiter = textOption(call, 'delimiter') ?? ','
  if (/^[\t\x1c-\x7e]$/.test(delimiter) && !/[A-Za-z0-9"]/.test(delimiter)) return delimiter
  const reason = '--delimiter is one ASCII character that is no letter, digit or quote'
  throw new EngineError('USAGE', { command: COMMAND, reason })
}

function readJson(
  bytes: Buffer,
  options: { readonly title: string; readonly name: string | undefined },
): LayoutDraft | ListFault {
  const start = { line: 1, column: 1 }
  let document: unknown
  try {
    document = JSON.parse(bytes.toString('utf8').replace(/^\ufeff/, ''))
  } catch (error) {
    if (error instanceof SyntaxError) return { ...start, reason: 'this is not sound JSON' }
    throw error
  }
  const read = readDescriptor(document, options)
  return 'reason' in read ? { ...start, ...read } : read
}

const SHEET_FAULTS = {
  TOO_LARGE: `this sheet has more than ${ROWS_MAX} rows, or more than ${CELLS_MAX} columns`,
  ENCRYPTED: 'this workbook is encrypted',
  UNREADABLE: 'this workbook cannot be read, or it has no such sheet, or nothing on it',
} as const

async function readSheet(
  call: CommandCall<OpenedPlatform>,
  options: { readonly title: string; readonly delimiter: string },
): Promise<LayoutDraft | ListFault> {
  const [word = ''] = call.words
  const read = await askTable({
    task: 'rows',
    path: resolve(word),
    sheet: textOption(call, 'sheet'),
    rowsMax: ROWS_MAX,
    cellsMax: CELLS_MAX,
  })
  if ('rows' in read && read.rows.length > 0) return readFieldList(read.rows, options)
  const known = 'fault' in read && (read.fault === 'TOO_LARGE' || read.fault === 'ENCRYPTED')
  const fault = known ? read.fault : 'UNREADABLE'
  return { line: 1, column: 1, reason: SHEET_FAULTS[fault] }
}

/** A table as CSV; a list that is no UTF-8 is read as Latin-1, which only its words depend on. */
function readTable(
  bytes: Buffer,
  options: { readonly title: string; readonly delimiter: string },
): LayoutDraft | ListFault {
  const text = bytes.toString('utf8')
  const table = text.includes('\ufffd') ? Buffer.from(bytes.toString('latin1')) : bytes
  const { delimiter } = guessDialect(table)?.syntax.dialect ?? { delimiter: ',' }
  const dialect = { delimiter, quoteChar: '"', header: false } as const
  const rows = sampleRecords(table, { dialect }, ROWS_MAX)
  return readFieldList(
    rows.map(({ line, fields }) => ({ line, cells: fields })),
    options,
  )
}
