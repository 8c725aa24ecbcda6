/** The staging folder: processed manifests, and what is made from them beside the road. */
import { isAbsolute, resolve } from 'node:path'
import { z } from 'zod'
import { EngineError } from '../engine/index.ts'
import type { Environment, Setting } from './setting.ts'
import { firstOf } from './setting.ts'

export const STAGING_DEFAULTS = { prefix: 'staging' } as const

/** As seed 002 names it, after our own. */
const PREFIX_VARIABLES = ['TRIBUTARY_STAGING', 'FP_PREFIX'] as const

export const stagingDocument = z.strictObject({
  prefix: z
    .string()
    .min(1)
    .exactOptional()
    .describe(
      'manifests of what was landed: {vendor}/{dataset}/{version}/manifests; a folder; staging by default',
    ),
})

export interface StagingConfig {
  /** absolute: a folder, because it is appended to */
  readonly prefix: Setting<string>
}

/** As the environment has it, where there is no project. */
export const stagingVariable = (environment: Environment): string | undefined =>
  firstOf(environment, PREFIX_VARIABLES)?.value

/** Reads and merges. Throws CONFIG_INVALID. */
export function readStagingConfig(
  { root, environment }: { readonly root: string; readonly environment: Environment },
  own: z.output<typeof stagingDocument> = {},
): StagingConfig {
  const prefix: Setting<string> =
    firstOf(environment, PREFIX_VARIABLES) ??
    (own.prefix === undefined
      ? { value: STAGING_DEFAULTS.prefix, origin: 'default' }
      : { value: own.prefix, origin: 'tributary.json' })
  return { prefix: { ...prefix, value: stagingFolder(root, prefix.value) } }
}

/** A prefix as an absolute folder. Throws CONFIG_INVALID for a URL. */
export function stagingFolder(root: string, prefix: string): string {
  if (!/^[a-z][a-z0-9+.-]*:\/\//i.test(prefix)) {
    return isAbsolute(prefix) ? prefix : resolve(root, prefix)
  }
  const reason = 'it has to be a folder: a bucket cannot be appended to'
  throw new EngineError('CONFIG_INVALID', { file: 'staging.prefix', reason })
}
