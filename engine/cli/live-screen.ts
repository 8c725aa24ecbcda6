/** The redrawn lines of a terminal's stderr: log-update behind the one interface it is used for. */
import { createLogUpdate } from 'log-update'
import type { Screen } from './progress.ts'

/** A screen on this process's stderr; only where that is a terminal. */
export function liveScreen(): Screen {
  const update = createLogUpdate(process.stderr, { showCursor: true })
  return { draw: (text) => update(text), done: () => update.done() }
}
