/**
 * When a sensor is due: every so often, or by the clock of a place.
 *
 * Cron expressions have five fields, as POSIX has them: day of month and day of week, both given,
 * are joined by OR. At the change to summer time a fixed time inside the gap falls at the gap's end
 * (as Vixie cron does); at the change back it falls once, the first time. `?` and steps without a
 * range (`5/15`) are refused: programs read them differently.
 */
import type { Cron } from 'croner'
import { EngineError } from '../core/errors.ts'

export type Timing =
  | { readonly everyMs: number }
  | {
      readonly cron: string
      /** an IANA time zone, as America/New_York */
      readonly zone: string
    }

/** Throws SCHEDULE_INVALID unless the timing can be kept. */
export async function requireTiming(timing: Timing): Promise<void> {
  if ('cron' in timing) await cronOf(timing)
}

/** The first instant after `afterMs`; undefined: there is none any more. */
export async function nextDueMs(timing: Timing, afterMs: number): Promise<number | undefined> {
  if ('everyMs' in timing) return afterMs + timing.everyMs
  return (await cronOf(timing)).nextRun(new Date(afterMs))?.getTime()
}

/**
 * The last instant after `afterMs` that is not later than `nowMs`; undefined: none. Of several that
 * were missed, as while nothing ran, only this one counts.
 */
export async function lastDueMs(
  timing: Timing,
  { afterMs, nowMs }: { readonly afterMs: number; readonly nowMs: number },
): Promise<number | undefined> {
  if ('everyMs' in timing) return nowMs - afterMs >= timing.everyMs ? nowMs : undefined
  const [last] = (await cronOf(timing)).previousRuns(1, new Date(nowMs + 1))
  return last !== undefined && last.getTime() > afterMs ? last.getTime() : undefined
}

/** A timing in words: `every 15 s`, `0 3 * * * America/New_York`. */
export const timingText = (timing: Timing): string =>
  'everyMs' in timing ? `every ${timing.everyMs / 1000} s` : `${timing.cron} ${timing.zone}`

/** Loaded when something is scheduled: most commands schedule nothing. */
async function cronOf({
  cron,
  zone,
}: {
  readonly cron: string
  readonly zone: string
}): Promise<Cron> {
  const library = await import('croner')
  const refuse = (reason: string, cause?: unknown): EngineError =>
    new EngineError('SCHEDULE_INVALID', { schedule: cron, zone, reason }, { cause })
  if (cron.includes('?')) throw refuse('`?` means different things to different programs: use *')
  let read: Cron
  try {
    // Asking once also checks the zone, which is read only then.
    read = new library.Cron(cron, { timezone: zone, paused: true, mode: '5-part' })
    read.nextRun(new Date(0))
  } catch (error) {
    const isZone = error instanceof Error && error.message.includes('timezone')
    throw refuse(
      isZone ? 'the time zone is not known' : 'it is no five-field cron expression',
      error,
    )
  }
  return read
}
