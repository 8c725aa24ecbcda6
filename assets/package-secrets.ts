/**
 * The secrets that open a submitter's packages. The registry names them (`secret_refs`); their
 * values come from the environment of the process that opens a package, when it does, and are in no
 * fact, fingerprint, log or error.
 */
import { PackageSecret } from '../engine/index.ts'
import type { Registry } from '../registry/registry.ts'
import type { Environment } from './setting.ts'
import { fromEnvironment } from './setting.ts'

/** The secret of a reference as it is set now; undefined: it is not. */
export type SecretSource = (ref: string) => string | undefined

/** A submitter's secrets, in the order in which they are tried. */
export type SecretsOf = (submitter: string) => Promise<readonly PackageSecret[]>

/** The variable that holds the secret of a reference, or with `_FILE` behind it names its file. */
const variableOf = (ref: string): string => `TRIBUTARY_SECRET_${ref}`

/** From the environment. A file is read each time, so that a running daemon sees a new secret. */
export const secretsFrom =
  (environment: Environment): SecretSource =>
  (ref) => {
    try {
      return fromEnvironment(environment, variableOf(ref))
    } catch (error) {
      // A secret's file that is not there, or not ours to read, is a secret that is not set.
      if (error instanceof Error && 'code' in error) return undefined
      throw error
    }
  }

/** Those that a registry names, as they are set now. */
export function submitterSecrets(
  { submitters }: Pick<Registry, 'submitters'>,
  submitter: string,
  source: SecretSource,
): readonly PackageSecret[] {
  const { secretRefs = [] } = submitters.find(({ id }) => id === submitter) ?? {}
  return secretRefs.map((ref) => new PackageSecret(variableOf(ref), source(ref)))
}
