/**
 * How much a delivered file may hold, and how much of it has come out so far.
 *
 * One absolute cap on what comes out is what stops every bomb, however it is nested: a ratio alone
 * would not (gzip reaches 1,029:1, brotli 657,930:1). Source of the defaults: OWASP ASVS 5.2.
 */
import { fail } from './parse-failure.ts'

export interface PackageLimits {
  /** of a file as it was delivered */
  readonly fileBytes: number
  /** unpacked, of all files of a submission together */
  readonly contentBytes: number
  /** of one package, folders included */
  readonly members: number
  readonly nameBytes: number
  /** unpacked bytes for each packed one, once `ratioFromBytes` are unpacked */
  readonly ratio: number
  readonly ratioFromBytes: number
}

export const PACKAGE_LIMITS: PackageLimits = {
  fileBytes: 20 * 1024 ** 3,
  contentBytes: 50 * 1024 ** 3,
  members: 1000,
  nameBytes: 255,
  ratio: 200,
  ratioFromBytes: 1024 ** 2,
}

/** What may still be unpacked of a submission. */
export class ContentBudget {
  readonly limits: PackageLimits
  #bytes = 0

  constructor(limits: PackageLimits) {
    this.limits = limits
  }

  get leftBytes(): number {
    return this.limits.contentBytes - this.#bytes
  }

  /** Counts bytes that came out of a file. Throws PARSE_FAILED beyond the cap. */
  take(bytes: number, file: string): void {
    this.#bytes += bytes
    if (this.leftBytes >= 0) return
    const { contentBytes } = this.limits
    fail(file, 'TOO_LARGE', `more than ${contentBytes} bytes of content; deliver it in parts`)
  }

  /** Throws PARSE_FAILED for a stream that has grown as no data does. */
  checkRatio(packedBytes: number, unpackedBytes: number, file: string): void {
    const { ratio, ratioFromBytes } = this.limits
    if (unpackedBytes < ratioFromBytes || unpackedBytes <= ratio * packedBytes) return
    fail(file, 'RATIO', `it unpacks to more than ${ratio} times its size, as no data does`)
  }
}
