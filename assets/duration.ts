/** Durations as people write them: `90s`, `15m`, `2h`. Pure. */
import { assert } from '../engine/index.ts'

/** A whole number and s, m or h. */
export const DURATION = /^(\d{1,5})([smh])$/
const UNIT_MS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000 }
/** Whoever looks more often looks all the time. */
const EVERY_MIN_MS = 1000

/** Of a text that DURATION takes, in ms. */
export function durationMs(text: string): number {
  const [, count, unit = ''] = DURATION.exec(text) ?? []
  const unitMs = UNIT_MS[unit]
  assert(unitMs !== undefined, 'a duration was not parsed')
  return Number(count) * unitMs
}

/** How often something is looked at, in ms: a second at least. */
export const intervalMs = (text: string): number => Math.max(EVERY_MIN_MS, durationMs(text))
