/** A delivered package read member by member, as landing reads it. */
import { isEngineError } from '../../engine/index.ts'
import { DeliveredFile } from '../../engine/table/delivered-file.ts'
import type { DeliveredFileOptions } from '../../engine/table/delivered-file.ts'
import type { PackageLimits } from '../../engine/table/package-limits.ts'
import { ContentBudget, PACKAGE_LIMITS } from '../../engine/table/package-limits.ts'

export interface Reading extends Partial<Pick<DeliveredFileOptions, 'secrets'>> {
  readonly members?: string
  readonly limits?: Partial<PackageLimits>
}

export interface Refusal {
  readonly reason: string
  readonly detail: string
}
export type Texts = Readonly<Record<string, string>>

export const isRefusal = (found: Texts | Refusal): found is Refusal => 'reason' in found

/** Text of each logical file, by name; or why it is refused. */
export async function readPackage(
  path: string,
  { members, limits, ...secrets }: Reading = {},
): Promise<Texts | Refusal> {
  const delivered = new DeliveredFile({
    name: 'p',
    path,
    members,
    format: undefined,
    budget: new ContentBudget({ ...PACKAGE_LIMITS, ...limits }),
    signal: new AbortController().signal,
    ...secrets,
  })
  const found: Record<string, string> = {}
  try {
    for await (const file of delivered.logicalFiles()) {
      const windows: Buffer[] = []
      await file.read(async (window) => {
        windows.push(Buffer.from(window))
      })
      found[file.name] = Buffer.concat(windows).toString()
    }
    return found
  } catch (error) {
    if (!isEngineError(error, 'PARSE_FAILED')) throw error
    const { reason, detail } = error.context
    return { reason, detail }
  }
}
