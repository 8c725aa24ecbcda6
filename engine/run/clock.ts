/** The machine's clock. Nothing below engine/run reads one. */
import type { Clock } from '../core/ports.ts'

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  elapsedMs: () => performance.now(),
}
