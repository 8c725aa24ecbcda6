/** The known name that a person most likely meant. */
import { printableJson } from './printable.ts'

const SHOWN_MAX = 60

/** A name from a file, quoted and cut to 60 characters. */
export const shown = (name: string): string => printableJson(name.slice(0, SHOWN_MAX))

/** The known name within two edits (case ignored), if there is one. */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  const text = name.slice(0, SHOWN_MAX).toLowerCase()
  return known
    .map((candidate) => ({ candidate, edits: editDistance(text, candidate.toLowerCase()) }))
    .filter(({ candidate, edits }) => edits <= Math.min(2, Math.floor(candidate.length / 2)))
    .toSorted((a, b) => a.edits - b.edits)[0]?.candidate
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, at) => at)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const swap = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(swap, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 0
}

/** `; did you mean PATIENT?`, or nothing where no name is near. */
export const didYouMean = (nearest: string | undefined): string =>
  nearest === undefined ? '' : `; did you mean ${nearest}?`
