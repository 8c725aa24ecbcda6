/** The first rows of a workbook's sheet, read by a child process that may fail alone. */
import { fork } from 'node:child_process'
import { dirname, extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { SheetReply, SheetRequest } from './sheet-protocol.ts'

const TIMEOUT_MS = 15_000
const HEAP_MB = 192

/** sheet-child beside this file: `.ts` in a clone, `.js` beside the bundle. */
const childPath = (): string => {
  const here = fileURLToPath(import.meta.url)
  return fileURLToPath(new URL(`./sheet-child${extname(here)}`, import.meta.url))
}

/** Rows, or why there are none; takes at most 15 s and 256 MB. The caller bounds the size of the file. */
export async function sheetRows(request: SheetRequest): Promise<SheetReply> {
  const child = fork(childPath(), [], {
    cwd: dirname(request.path),
    env: { TZ: 'UTC' },
    execArgv: [`--max-old-space-size=${HEAP_MB}`],
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  })
  const timer = setTimeout(() => child.kill('SIGKILL'), TIMEOUT_MS)
  try {
    return await new Promise<SheetReply>((resolve) => {
      child.once('message', (reply: SheetReply) => resolve(reply))
      child.once('exit', () => resolve({ fault: 'UNREADABLE' }))
      child.once('error', () => resolve({ fault: 'UNREADABLE' }))
      child.send(request, (error) => {
        if (error !== null) resolve({ fault: 'UNREADABLE' })
      })
    })
  } finally {
    clearTimeout(timer)
    child.kill('SIGKILL')
  }
}
