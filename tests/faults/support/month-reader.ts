/**
 * A reader that never stops looking at published months (I4): once published, a month is never
 * missing or empty, all its parts are of one edition, and no edition comes back.
 */
import { readFileSync, readdirSync, realpathSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { MONTHS, PART_NAMES, pathOf } from '../months-job.ts'

/** One look: the text of each part by name; undefined: there is nothing. */
export type Look = (path: string) => Promise<ReadonlyMap<string, string> | undefined>

export interface MonthReader {
  readonly offences: readonly string[]
  readonly looks: () => number
  /** the editions that were seen, over all months */
  readonly seen: () => number
  readonly stop: () => Promise<void>
}

/** Starts to look and goes on until it is stopped. */
export function readMonths(look: Look): MonthReader {
  const offences: string[] = []
  const last = new Map<string, number>()
  const seen = new Set<string>()
  let looks = 0
  const stopping = new AbortController()
  const judge = (month: string, parts: ReadonlyMap<string, string> | undefined): void => {
    const before = last.get(month)
    if (parts === undefined || parts.size === 0) {
      if (before !== undefined) offences.push(`${month} is gone after edition ${before}`)
      return
    }
    const editions = [...new Set(parts.values())]
    const edition = Number(editions[0])
    const names = [...parts.keys()].toSorted().join()
    if (names !== PART_NAMES.join()) offences.push(`${month} has the parts ${names}`)
    if (editions.length > 1) offences.push(`${month} is mixed of ${editions.join(' and ')}`)
    if (edition < (before ?? 0)) offences.push(`${month} went from ${before} back to ${edition}`)
    last.set(month, edition)
    seen.add(`${month} ${edition}`)
  }
  const looking = (async () => {
    while (!stopping.signal.aborted) {
      for (const month of MONTHS) judge(month, await look(pathOf(month)))
      looks += 1
      await setTimeout(1)
    }
  })()
  return {
    offences,
    looks: () => looks,
    seen: () => seen.size,
    stop: async () => {
      stopping.abort()
      await looking
    },
  }
}

/** Looks at a job's folder as a program that opens a month once and reads what it found there. */
export const lookInFolder =
  (root: string): Look =>
  async (path) => {
    try {
      const folder = realpathSync(join(root, 'store', path))
      const names = readdirSync(folder)
      return new Map(names.map((name) => [name, readFileSync(join(folder, name), 'utf8')]))
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
      throw error
    }
  }
