/** `queue list|add|requeue|cancel|pause|resume`: requests to rebuild canonical months. */
import type { Actor, CommandCall } from '../../engine/index.ts'
import {
  EXIT,
  EngineError,
  alignColumns,
  changePause,
  counted,
  isoText,
  parseKey,
  sensorState,
  textOption,
  timeText,
  wholeNumber,
} from '../../engine/index.ts'
import { platformTables } from '../../registry/tables.ts'
import { QUEUE_SENSOR } from '../queue-observer.ts'
import type { Month } from '../queue-requests.ts'
import { addRequests, cancelRequest, requeue } from '../queue-requests.ts'
import type { OpenedPlatform } from './opened.ts'
import { requireReason } from './reason.ts'

type Call = CommandCall<OpenedPlatform>

const LIMIT = '50'

/** Runs `queue list`. */
export async function runQueueList(call: Call): Promise<number> {
  const { terminal } = call
  const { project } = await call.open({ sync: false })
  const { db } = project.catalog
  const limit = wholeNumber('--limit', textOption(call, 'limit') ?? LIMIT, 1_000_000)
  let query = platformTables(db)
    .selectFrom('canonical_rebuild_queue')
    .selectAll()
    .orderBy('queue_id', 'desc')
    .limit(limit)
  if (call.options['done'] !== true) query = query.where('processed_ms', 'is', null)
  const found = await query.execute()
  const { pause } = await sensorState(db, QUEUE_SENSOR)
  if (call.json) {
    const requests = found.map(({ forced: _, claim_epoch: _epoch, ...row }) => {
      const { enqueued_ms: enqueued, processed_ms: processed, claimed_ms: claimed, ...rest } = row
      const at = (ms: number | null): string | null => (ms === null ? null : isoText(ms))
      const times = {
        enqueued_at: at(enqueued),
        claimed_at: at(claimed),
        processed_at: at(processed),
      }
      return { ...rest, ...times }
    })
    const paused = pause === undefined ? null : { by: pause.by, reason: pause.reason }
    terminal.printJson({ format_version: '1.0', paused, requests })
    return EXIT.done
  }
  if (pause !== undefined) {
    terminal.note(`paused by ${pause.by} since ${timeText(pause.atMs)}: ${pause.reason}`)
  }
  if (found.length === 0) terminal.print('No request waits')
  else {
    const rows = found.map((row) => [
      String(row.queue_id),
      `${row.state}/${row.file_type}/${row.atomic_month}`,
      row.reason,
      row.requested_by,
      timeText(row.enqueued_ms),
      row.status,
      row.outcome ?? '',
      row.attempts === 0 ? '' : String(row.attempts),
    ])
    const columns = ['id', 'month', 'reason', 'by', 'since', 'status', 'outcome', 'attempts']
    terminal.print(alignColumns(columns, rows, terminal.out.dim).join('\n'))
  }
  return EXIT.done
}

/** Runs `queue add`. */
export async function runQueueAdd(call: Call): Promise<number> {
  const actor = actorOf(call, 'queue add')
  const months = call.words.map(monthOf)
  const { project } = await call.open({ sync: false })
  const ids = await addRequests(project, months, actor)
  if (call.json) call.terminal.printJson({ format_version: '1.0', requests: ids })
  else {
    const names = months.map(({ state, fileType, month }) => `${state}/${fileType}/${month}`)
    call.terminal.print(
      `Asked for ${names.join(', ')}: ${counted(ids.length, 'request')}, ${ids.join(', ')}`,
    )
    call.terminal.print('A daemon builds it now; without one:  tributary materialize')
  }
  return EXIT.done
}

/** Runs `queue requeue`. */
export async function runQueueRequeue(call: Call): Promise<number> {
  const actor = actorOf(call, 'queue requeue')
  const { project } = await call.open({ sync: false })
  const id = idOf(call)
  const open = await requeue(project, id, actor)
  if (call.json) call.terminal.printJson({ format_version: '1.0', request: open })
  else if (open === id) call.terminal.print(`Request ${id} waits again, with no attempts behind it`)
  else call.terminal.print(`Request ${id} had ended; request ${open} asks for its month again`)
  return EXIT.done
}

/** Runs `queue cancel`. */
export async function runQueueCancel(call: Call): Promise<number> {
  const actor = actorOf(call, 'queue cancel')
  const { project } = await call.open({ sync: false })
  const id = idOf(call)
  await cancelRequest(project, id, actor)
  if (call.json)
    call.terminal.printJson({ format_version: '1.0', request: id, status: 'CANCELLED' })
  else call.terminal.print(`Request ${id} is cancelled`)
  return EXIT.done
}

/** Runs `queue pause`. */
export const runQueuePause = async (call: Call): Promise<number> => pauseQueue(call, true)

/** Runs `queue resume`. */
export const runQueueResume = async (call: Call): Promise<number> => pauseQueue(call, false)

async function pauseQueue(call: Call, isPause: boolean): Promise<number> {
  const actor = isPause
    ? actorOf(call, 'queue pause')
    : { name: call.actor, reason: textOption(call, 'reason') ?? '' }
  const { project } = await call.open({ sync: false })
  await changePause(project, { sensor: QUEUE_SENSOR, isPause, actor })
  if (call.json) call.terminal.printJson({ format_version: '1.0', paused: isPause })
  else {
    const paused = 'The queue is paused: requests are kept, and no daemon builds a canonical month'
    call.terminal.print(isPause ? paused : 'The queue goes on')
  }
  return EXIT.done
}

const actorOf = (call: Call, command: string): Actor => ({
  name: call.actor,
  reason: requireReason(call, command),
})

const idOf = (call: Call): number => wholeNumber('the request', call.words[0] ?? '', 1e15)

/** `MA/medical/2024-01`, or with the asset's name as other commands print it. */
function monthOf(text: string): Month {
  const key = text.replace(/^gold_canonical[/[]/, '').replace(/\]$/, '')
  const values = parseKey(key)
  const [state = '', fileType = '', month = ''] = values
  if (values.length === 3 && /^\d{4}-(0[1-9]|1[0-2])$/.test(month))
    return { state, fileType, month }
  const reason = `a month is STATE/FILE_TYPE/YYYY-MM, as MA/medical/2024-01: ${text} is none`
  throw new EngineError('USAGE', { command: 'queue add', reason })
}
