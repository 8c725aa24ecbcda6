/** Where the first records of each reason stand, from a rejects file; the texts in it are not looked at. */
import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import type { Place, Places } from './precheck.ts'
import { PLACES_MAX, reasonKey } from './precheck.ts'

/** Reasons whose places are kept: a layout of 2,000 columns has no more than this in one file. */
const REASONS_MAX = 10_000

/** One line of a rejects file, without its text. */
interface Refused {
  readonly file: string
  readonly line: number
  readonly reasons: readonly { readonly code: string; readonly column: string | null }[]
}

/** The first places of each reason. Reads no further than they are found. */
export async function firstPlaces(
  path: string | undefined,
  reasons: readonly { code: string; column: string | null; count: number }[],
): Promise<Places> {
  const found = new Map<string, Place[]>()
  const wanted = new Map(
    reasons
      .slice(0, REASONS_MAX)
      .map(({ code, column, count }) => [reasonKey(code, column), Math.min(count, PLACES_MAX)]),
  )
  if (path === undefined || wanted.size === 0) return found
  const input = createReadStream(path)
  try {
    for await (const text of createInterface({ input })) {
      note(JSON.parse(text) as Refused, { wanted, found })
      if (wanted.size === 0) break
    }
  } finally {
    input.destroy()
  }
  return found
}

/** Notes the place of a record for each of its reasons that wants one more. */
function note(
  { file, line, reasons }: Refused,
  { wanted, found }: { readonly wanted: Map<string, number>; readonly found: Map<string, Place[]> },
): void {
  for (const { code, column } of reasons) {
    const key = reasonKey(code, column)
    const left = wanted.get(key)
    if (left === undefined) continue
    found.set(key, [...(found.get(key) ?? []), { file, line }])
    if (left === 1) wanted.delete(key)
    else wanted.set(key, left - 1)
  }
}
