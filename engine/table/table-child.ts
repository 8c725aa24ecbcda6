/**
 * A child process that looks into one workbook or Parquet file, and ends.
 *
 * A stranger wrote it, a workbook as a ZIP of XML: it is unpacked here, with a bounded heap and no
 * environment, and what goes wrong stays here but for its kind.
 */
import { open } from 'node:fs/promises'
import { isEngineError } from '../core/errors.ts'
import { readFooter } from './footer.ts'
import { ParquetFault } from './parquet-footer.ts'
import { checkPages } from './parquet-pages.ts'
import { SheetText } from './sheet-text.ts'
import type {
  SheetHead,
  SheetRow,
  TableFault,
  TableReplies,
  TableRequest,
} from './table-protocol.ts'
import { SHEET_LIMITS } from './workbook-sheet.ts'
import { Workbook, WorkbookFault, workbookFault, WORKBOOK_LIMITS } from './workbook.ts'

type Asked<Task extends TableRequest['task']> = Extract<TableRequest, { task: Task }>

/** Of the whole process: what is unpacked lies outside the heap. */
const RSS_BYTES_MAX = 1024 ** 3
const WATCH_MS = 50
const LEFT_NAMED_MAX = 20
const ROWS_CHARACTERS_MAX = 8 * 1024 * 1024

const tooLarge = (what: string): WorkbookFault => new WorkbookFault('TOO_LARGE', what)

async function text(
  book: Workbook,
  { out, sheet, fieldsMin, bytesMax }: Asked<'text'>,
): Promise<TableReplies['text']> {
  const place = book.place(sheet)
  const lines = new SheetText(fieldsMin)
  await using file = await open(out, 'w')
  let bytes = 0
  const write = async (some: string): Promise<void> => {
    if (some === '') return
    bytes += Buffer.byteLength(some)
    if (bytes > bytesMax) throw tooLarge(`its sheet has more than ${bytesMax} bytes of text`)
    await file.write(some)
  }
  for await (const row of book.rows(place)) {
    if (row.line > SHEET_LIMITS.rows) throw tooLarge(`it has more than ${SHEET_LIMITS.rows} rows`)
    lines.add(row)
    await write(lines.drain())
  }
  await write(lines.end())
  const left = book.sheets.filter((one) => one !== place).map(({ name }) => name)
  return {
    marks: lines.marks,
    left: { count: left.length, names: left.slice(0, LEFT_NAMED_MAX) },
  }
}

async function heads(
  book: Workbook,
  { sheetsMax, rowsMax, bytesMax }: Asked<'heads'>,
): Promise<TableReplies['heads']> {
  const found: SheetHead[] = []
  for (const place of book.sheets.slice(0, sheetsMax)) {
    const lines = new SheetText(0)
    let head = ''
    for await (const row of book.rows(place)) {
      if (row.line > rowsMax || head.length > bytesMax) break
      lines.add(row)
      head += lines.drain()
    }
    head += lines.end()
    found.push({ name: place.name, text: head.slice(0, bytesMax) })
  }
  return { heads: found }
}

async function rows(
  book: Workbook,
  { sheet, rowsMax, cellsMax }: Asked<'rows'>,
): Promise<TableReplies['rows']> {
  const found: SheetRow[] = []
  let characters = 0
  const place = book.place(sheet === undefined ? undefined : { name: sheet })
  for await (const row of book.rows(place)) {
    const width = row.cells.findLastIndex((cell) => cell !== undefined && cell.text !== '') + 1
    if (width === 0) continue
    const cells = row.cells.slice(0, width).map((cell) => cell?.text ?? '')
    characters += cells.reduce((sum, cell) => sum + cell.length, 0)
    if (found.length >= rowsMax || width > cellsMax || characters > ROWS_CHARACTERS_MAX) {
      throw tooLarge(`more than ${rowsMax} rows or ${cellsMax} columns`)
    }
    found.push({ line: row.line, cells })
  }
  return { rows: found }
}

async function footer({ path, pages }: Asked<'footer'>): Promise<TableReplies['footer']> {
  // Memory of its own grows with the footer, which is bounded before it is read.
  if (pages) await checkPages(path)
  const { columns, rows: count } = await readFooter(path)
  return { columns: columns.map(({ name }) => name), rows: count }
}

async function answer(request: TableRequest): Promise<TableReplies[TableRequest['task']]> {
  if (request.task === 'footer') return footer(request)
  const ratio = request.task === 'text' ? request.ratio : WORKBOOK_LIMITS.ratio
  const book = await Workbook.open(request.path, { ...WORKBOOK_LIMITS, ratio })
  try {
    if (request.task === 'text') return await text(book, request)
    return request.task === 'heads' ? await heads(book, request) : await rows(book, request)
  } finally {
    book.close()
  }
}

function faultOf(error: unknown): TableFault {
  const code = error instanceof Error && 'code' in error ? error.code : ''
  if (code === 'ENOSPC' || code === 'EDQUOT') return { fault: 'DISK_FULL', what: '' }
  if (error instanceof ParquetFault) return { fault: error.kind, what: error.message }
  if (isEngineError(error, 'PART_INVALID'))
    return { fault: 'CORRUPT', what: 'it has no sound footer' }
  const found = workbookFault(error)
  return found === undefined
    ? { fault: 'LOST', what: 'it could not be read' }
    : { fault: found.kind, what: found.what }
}

setInterval(() => {
  if (process.memoryUsage.rss() > RSS_BYTES_MAX) process.exit(1)
}, WATCH_MS).unref()

process.once('message', (request: TableRequest) => {
  answer(request)
    .catch(faultOf)
    .then((reply) => process.send?.(reply, () => process.disconnect()))
    .catch(() => process.exit(1))
})
