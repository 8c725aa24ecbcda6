/**
 * A secret that opens encrypted packages. Its value is in no property that can be printed, compared
 * or sent: only a reader of packages asks for it.
 */
export class PackageSecret {
  /** what a person sets to give it, as `TRIBUTARY_SECRET_NORTH`; no secret itself */
  readonly name: string
  readonly #value: string | undefined

  constructor(name: string, value: string | undefined) {
    this.name = name
    this.#value = value
  }

  /** Its bytes in UTF-8; undefined: it is not set here. */
  get bytes(): Buffer | undefined {
    return this.#value === undefined ? undefined : Buffer.from(this.#value)
  }
}

/** The secrets to try, in order. Asked for only when something is encrypted. */
export type PackageSecrets = () => Promise<readonly PackageSecret[]>

/** Nothing encrypted is opened. */
export const NO_SECRETS: PackageSecrets = async () => []
