/** What the readers of packages take and give. */
import type { MemberGate } from './member-gate.ts'
import type { ContentBudget } from './package-limits.ts'
import type { PackageSecrets } from './package-secret.ts'

/** One data member of a package; its bytes can be asked for once, before the next member. */
export interface Member {
  readonly name: string
  readonly open: () => AsyncIterable<Buffer>
  /** of the package as it lies there, when so many of the member's are read; an estimate */
  readonly packageBytes: (memberBytes: number) => number
}

export interface PackageRequest {
  /** the delivered file, as errors name it */
  readonly file: string
  readonly gate: MemberGate
  readonly budget: ContentBudget
  readonly secrets: PackageSecrets
  readonly signal: AbortSignal
}
