/** Which staging folder a command works on: --prefix, the project's, or the environment's. */
import { resolve } from 'node:path'
import type { CommandCall } from '../../engine/index.ts'
import { EngineError, textOption } from '../../engine/index.ts'
import { stagingFolder } from '../staging-config.ts'
import type { Host } from './host.ts'

/** Absolute. Throws CONFIG_INVALID, USAGE. */
export async function stagingPrefixOf(
  host: Host,
  call: Pick<CommandCall<never>, 'options' | 'folder'>,
): Promise<string> {
  const flag = textOption(call, 'prefix')
  if (flag !== undefined) return stagingFolder(resolve('.'), flag)
  const prefix = await host.stagingPrefix(call.folder)
  if (prefix !== undefined) return prefix
  const reason = 'it needs --prefix, FP_PREFIX, or a project'
  throw new EngineError('USAGE', { command: 'staging', reason })
}
