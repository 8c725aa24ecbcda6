/** Numbers on the command line. */
import { EngineError } from '../core/errors.ts'

/** A whole number from 1 to `most`. Throws USAGE. */
export function wholeNumber(option: string, text: string, most: number): number {
  const value = Number(text)
  if (/^\d{1,15}$/.test(text) && value >= 1 && value <= most) return value
  const reason = `${option} needs a whole number from 1 to ${most.toLocaleString('en-US')}`
  throw new EngineError('USAGE', { command: option, reason })
}
