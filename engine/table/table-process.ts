/** A workbook or a Parquet file looked into by a child process, which may fail alone. */
import { fork } from 'node:child_process'
import { dirname, extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { TableFault, TableReplies, TableRequest } from './table-protocol.ts'

const HEAP_MB = 512
const TIMEOUT_MS: Readonly<Record<TableRequest['task'], number>> = {
  text: 10 * 60 * 1000,
  footer: 10 * 60 * 1000,
  heads: 15_000,
  rows: 15_000,
}

/** table-child beside this file: `.ts` in a clone, `.js` beside the bundle. */
const childPath = (): string => {
  const here = fileURLToPath(import.meta.url)
  return fileURLToPath(new URL(`./table-child${extname(here)}`, import.meta.url))
}

/**
 * What was asked, or why it is not there. Takes at most 10 minutes for a text or a footer, 15 s for first rows,
 * and 1 GiB. The caller bounds the size of the file. Throws the signal's reason.
 */
export async function askTable<Task extends TableRequest['task']>(
  request: Extract<TableRequest, { readonly task: Task }>,
  signal?: AbortSignal,
): Promise<TableReplies[Task] | TableFault> {
  signal?.throwIfAborted()
  const child = fork(childPath(), [], {
    cwd: dirname(request.path),
    env: { TZ: 'UTC' },
    execArgv: [`--max-old-space-size=${HEAP_MB}`],
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  })
  const timeoutMs = TIMEOUT_MS[request.task]
  const lost = { fault: 'LOST', what: 'its reader ran out of memory or ended early' } as const
  const late = { fault: 'LOST', what: `it takes more than ${timeoutMs / 1000} s to read` } as const
  let timer: NodeJS.Timeout | undefined
  let abort = (): void => undefined
  try {
    return await new Promise<TableReplies[Task] | TableFault>((resolve, reject) => {
      timer = setTimeout(() => resolve(late), timeoutMs)
      abort = () => reject(signal?.reason)
      signal?.addEventListener('abort', abort, { once: true })
      child.once('message', (reply: TableReplies[Task] | TableFault) => resolve(reply))
      child.once('exit', () => resolve(lost))
      child.once('error', () => resolve(lost))
      child.send(request, (error) => {
        if (error !== null) resolve(lost)
      })
    })
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', abort)
    child.kill('SIGKILL')
  }
}

/** As `askTable`; a child that was lost is lost once. */
export async function askTwice<Task extends TableRequest['task']>(
  request: Extract<TableRequest, { readonly task: Task }>,
  signal: AbortSignal,
): Promise<TableReplies[Task] | TableFault> {
  const reply = await askTable(request, signal)
  const isLost = 'fault' in reply && reply.fault === 'LOST'
  return isLost ? askTable(request, signal) : reply
}
