/** How far long work is, on stderr: one line that is redrawn, or, in a pipe, a line now and then. */
import { systemClock } from '../run/clock.ts'
import type { Terminal } from './output.ts'
import type { Screen } from './progress.ts'
import { countText } from './text.ts'

/** Redraws of a terminal are this far apart; lines of a pipe ten seconds. */
const REDRAW_MS = 100
const LINE_MS = 10_000

export interface LongWork {
  /** `parts 12,000 of 80,000`; undefined `of`: nobody knows */
  readonly show: (what: string, done: number, of?: number) => void
  /** clears what was redrawn */
  readonly end: () => void
}

/** Nothing is shown before the first interval has gone by, so short work stays silent. */
export async function showLongWork(terminal: Terminal, json: boolean): Promise<LongWork> {
  if (json) return { show: () => undefined, end: () => undefined }
  const screen: Screen | undefined = terminal.isLive
    ? (await import('./live-screen.ts')).liveScreen()
    : undefined
  const everyMs = screen === undefined ? LINE_MS : REDRAW_MS
  let shownMs = systemClock.elapsedMs()
  return {
    show: (what, done, of) => {
      const nowMs = systemClock.elapsedMs()
      if (nowMs - shownMs < everyMs) return
      shownMs = nowMs
      const text = `${what} ${countText(done)}${of === undefined ? '' : ` of ${countText(of)}`}`
      if (screen === undefined) terminal.note(text)
      else screen.draw(text)
    },
    end: () => {
      screen?.draw('')
      screen?.done()
    },
  }
}
