/** A daemon's events as lines for a person: time, what, which, how it went. */
import { nodeText } from '../core/key.ts'
import type { DaemonEvent } from '../run/daemon-event.ts'
import type { Terminal } from './output.ts'
import { countText, counted, durationText, timeText } from './text.ts'

/** The line of an event; undefined: a person need not see it. */
export function eventLine(
  event: DaemonEvent,
  { paint, atMs }: { readonly paint: Terminal['err']; readonly atMs: number },
): string | undefined {
  const line = (mark: string, what: string): string =>
    `${paint.dim(timeText(atMs).slice(11))} ${mark} ${what}`
  switch (event.type) {
    case 'ready':
      return line(paint.green('●'), `${counted(event.sensors, 'sensor')}, ${slots(event.workers)}`)
    case 'ticked':
      if (event.result.kind === 'skipped') return undefined
      return event.result.kind === 'failed'
        ? line(paint.red('✗'), `sensor ${event.sensor}: ${event.result.words}`)
        : line(paint.cyan('◆'), `sensor ${event.sensor}: ${event.result.words}`)
    case 'started':
      return undefined
    case 'finished': {
      const rows = event.rows === undefined ? '' : `  ${countText(event.rows)} rows`
      const how = `${event.outcome}${rows}  ${durationText(event.ms)}`
      return line(paint.green('✓'), `${nodeText(event.node)} ${how}`)
    }
    case 'failed':
      return line(paint.red('✗'), `${nodeText(event.node)} ${event.code}: ${event.text}`)
    case 'trouble': {
      const again = `again in ${durationText(event.retryMs)}`
      return line(paint.yellow('!'), `${event.loop}: ${event.code}, ${again}`)
    }
    case 'stopping':
      return undefined
    case 'stopped':
      return line(paint.dim('○'), 'stopped')
  }
}

const slots = (workers: number): string =>
  workers === 0 ? 'no builds here' : `${counted(workers, 'build')} at once`
