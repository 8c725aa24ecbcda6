/**
 * A child process that reads the first rows of one sheet of a workbook, and ends.
 *
 * A workbook is a zip of XML that a stranger wrote: it is unpacked here, with a small heap and no
 * environment, and its reader's own messages stay here, because they quote what they read.
 */
import { readFile } from 'node:fs/promises'
import { streamXlsxRows } from 'hucre/xlsx'
import type { SheetReply, SheetRequest, SheetRow } from './sheet-protocol.ts'

type Cell = string | number | boolean | Date | null

/** Of the whole process: what is unpacked lies outside the heap. */
const RSS_BYTES_MAX = 256 * 1024 * 1024
const WATCH_MS = 50
const CHARACTERS_MAX = 8 * 1024 * 1024
const DAY_CHARACTERS = 10

function textOf(cell: Cell): string {
  if (cell === null) return ''
  return cell instanceof Date ? cell.toISOString().slice(0, DAY_CHARACTERS) : String(cell)
}

async function read({ path, sheet, rowsMax, cellsMax }: SheetRequest): Promise<SheetReply> {
  const rows: SheetRow[] = []
  let characters = 0
  const found = streamXlsxRows(await readFile(path), {
    maxRows: rowsMax + 1,
    ...(sheet !== undefined && { sheet }),
  })
  for await (const { index, values } of found) {
    const cells = values.slice(0, cellsMax + 1).map(textOf)
    characters += cells.reduce((sum, cell) => sum + cell.length, 0)
    const isTooLarge =
      rows.length >= rowsMax || cells.length > cellsMax || characters > CHARACTERS_MAX
    if (isTooLarge) return { fault: 'TOO_LARGE' }
    rows.push({ line: index + 1, cells })
  }
  return { rows }
}

setInterval(() => {
  if (process.memoryUsage.rss() > RSS_BYTES_MAX) process.exit(1)
}, WATCH_MS).unref()

process.once('message', (request: SheetRequest) => {
  read(request)
    .catch((): SheetReply => ({ fault: 'UNREADABLE' }))
    .then((reply) => process.send?.(reply, () => process.disconnect()))
    .catch(() => process.exit(1))
})
