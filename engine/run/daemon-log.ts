/**
 * A daemon's log: one JSON line an event, through pino. A fixed set of fields: names of nodes,
 * sensors and loops, codes, counts and times. Looks that found nothing are left out, and so are
 * starts: what ends says how long it took.
 */
import { nodeText } from '../core/key.ts'
import type { DaemonEvent } from './daemon-event.ts'

export type DaemonLog = (event: DaemonEvent) => void

/** @param write  takes each line, its end included */
export async function openDaemonLog(write: (line: string) => void): Promise<DaemonLog> {
  const { pino } = await import('pino')
  const log = pino(
    {
      base: { pid: process.pid },
      timestamp: () => `,"at":"${new Date().toISOString()}"`,
      messageKey: 'event',
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: ['*.value', '*.values', '*.row', '*.rows_text', '*.raw'], censor: '[phi]' },
    },
    { write },
  )
  return (event) => {
    switch (event.type) {
      case 'ready':
        log.info({ sensors: event.sensors, workers: event.workers }, 'ready')
        break
      case 'ticked':
        if (event.result.kind === 'skipped') break
        if (event.result.kind === 'failed') {
          log.error({ sensor: event.sensor, code: event.result.code }, 'tick failed')
        } else {
          const { words, run } = event.result
          log.info({ sensor: event.sensor, run, words, ms: Math.round(event.ms) }, 'ticked')
        }
        break
      case 'started':
        log.debug({ node: nodeText(event.node) }, 'started')
        break
      case 'finished': {
        const { outcome, ms, rows } = event
        log.info({ node: nodeText(event.node), outcome, ms: Math.round(ms), rows }, 'finished')
        break
      }
      case 'failed':
        log.error({ node: nodeText(event.node), code: event.code }, 'failed')
        break
      case 'trouble':
        log.warn({ loop: event.loop, code: event.code, retry_ms: event.retryMs }, 'trouble')
        break
      case 'stopping':
      case 'stopped':
        log.info({}, event.type)
        break
    }
  }
}
