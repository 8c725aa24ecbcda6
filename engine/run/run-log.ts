/**
 * A run's log: one NDJSON file a run, for machines that collect logs and for a person afterwards.
 *
 * Holds node names, counts, codes and times; never a cell's value: what is logged is a fixed set of
 * fields, and pino's redaction is the second lock. The logger is loaded when a run starts work; a
 * run that finds nothing to do writes no file.
 */
import { mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { RUNS_WITH_EVENTS_MAX } from '../catalog/runs.ts'
import type { AuditLink } from '../catalog/audit-chain.ts'
import type { NodeName } from '../core/key.ts'
import { nodeText } from '../core/key.ts'
import type { RunReport, RunnerEvent } from './run-state.ts'

export interface RunLog {
  readonly event: (event: RunnerEvent) => void
  /** the audit's chain, as it was anchored in the store at this run's end */
  readonly anchored: (link: AuditLink) => void
  readonly end: (report: Pick<RunReport, 'status' | 'counts'>) => void
}

const FILE = /^run-(\d+)\.ndjson$/

/** Opens the log of a run in a folder; removes those of runs beyond the bound. */
export async function openRunLog(folder: string, run: number): Promise<RunLog> {
  const { pino, destination } = await import('pino')
  mkdirSync(folder, { recursive: true })
  for (const name of readdirSync(folder)) {
    const number = Number(FILE.exec(name)?.[1] ?? run)
    if (number <= run - RUNS_WITH_EVENTS_MAX) rmSync(join(folder, name), { force: true })
  }
  const log = pino(
    {
      base: { run },
      timestamp: () => `,"at":"${new Date().toISOString()}"`,
      messageKey: 'event',
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: ['*.value', '*.values', '*.row', '*.rows_text', '*.raw'], censor: '[phi]' },
    },
    destination({ dest: join(folder, `run-${run}.ndjson`), sync: true }),
  )
  const at = (node: NodeName): { readonly node: string } => ({ node: nodeText(node) })
  return {
    event: (event) => {
      switch (event.type) {
        case 'planned':
          log.info({ plan: event.plan.id, steps: event.plan.steps.length }, 'planned')
          break
        case 'finished':
          log.info({ ...at(event.node), outcome: event.outcome, ms: event.ms }, 'finished')
          break
        case 'failed':
          log.error({ ...at(event.node), code: event.code }, 'failed')
          break
        case 'started':
        case 'progress':
          break
      }
    },
    anchored: ({ seq, hash }) => log.info({ seq, hash }, 'audit anchored'),
    end: ({ status, counts }) => log.info({ status, counts }, 'ended'),
  }
}
