/** The first bytes of what a package holds: what intake and routing look at before a parse. */
import { DeliveredFile, type DeliveredFileOptions } from './delivered-file.ts'
import { ContentBudget, PACKAGE_LIMITS } from './package-limits.ts'

export interface LogicalHead {
  readonly member: string
  /** decompressed; shorter than the member, most often */
  readonly head: Buffer
}

/** Every member is looked at, whatever a layout makes of it. */
const ANY = '.*'
/** So many members have a long head; the others have enough to be told by. 16 MiB in all. */
const LONG_HEADS = 32
const LONG_HEAD_BYTES = 256 * 1024
const SHORT_HEAD_BYTES = 8 * 1024

/**
 * Of each member of a ZIP or tar archive, in its order. Inflates no more of a ZIP than that; a tar is
 * read to its end. Throws PARSE_FAILED for a package that no sound program makes.
 */
export async function logicalHeads(
  options: Pick<DeliveredFileOptions, 'name' | 'path' | 'secrets' | 'signal'>,
): Promise<readonly LogicalHead[]> {
  const budget = new ContentBudget(PACKAGE_LIMITS)
  const delivered = new DeliveredFile({ ...options, members: ANY, budget })
  const heads: LogicalHead[] = []
  for await (const file of delivered.logicalFiles()) {
    const bytes = heads.length < LONG_HEADS ? LONG_HEAD_BYTES : SHORT_HEAD_BYTES
    heads.push({ member: file.member ?? '', head: await file.head(bytes) })
  }
  return heads
}
