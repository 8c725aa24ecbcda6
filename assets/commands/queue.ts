/** `queue list`: requests to rebuild canonical months. */
import type { CommandCall } from '../../engine/index.ts'
import {
  EXIT,
  alignColumns,
  isoText,
  textOption,
  timeText,
  wholeNumber,
} from '../../engine/index.ts'
import { platformTables } from '../../registry/tables.ts'
import type { OpenedPlatform } from './opened.ts'

const LIMIT = '50'

/** Runs `queue list`. */
export async function runQueueList(call: CommandCall<OpenedPlatform>): Promise<number> {
  const { terminal } = call
  const { project } = await call.open({ sync: false })
  const limit = wholeNumber('--limit', textOption(call, 'limit') ?? LIMIT, 1_000_000)
  let query = platformTables(project.catalog.db)
    .selectFrom('canonical_rebuild_queue')
    .selectAll()
    .orderBy('queue_id', 'desc')
    .limit(limit)
  if (call.options['done'] !== true) query = query.where('processed_ms', 'is', null)
  const found = await query.execute()
  if (call.json) {
    const requests = found.map(({ enqueued_ms: enqueued, processed_ms: processed, ...row }) => ({
      ...row,
      enqueued_at: isoText(enqueued),
      processed_at: processed === null ? null : isoText(processed),
    }))
    terminal.printJson({ format_version: '1.0', requests })
    return EXIT.done
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
