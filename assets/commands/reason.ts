/** The reason that a decision needs. */
import type { CommandCall } from '../../engine/index.ts'
import { EngineError, textOption } from '../../engine/index.ts'

/** `--reason` in words. Throws USAGE. */
export function requireReason(call: Pick<CommandCall<never>, 'options'>, command: string): string {
  const reason = textOption(call, 'reason')?.trim() ?? ''
  if (reason !== '') return reason
  throw new EngineError('USAGE', { command, reason: `${command} needs --reason in words` })
}
