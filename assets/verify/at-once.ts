/** Looks at many things a few at a time: a store may answer slowly, and several questions at once. */
const LOOKS_AT_ONCE = 16

/** Results in the order of the things; the first error ends it. Memory: the results. */
export async function lookAtOnce<Thing, Result>(
  things: readonly Thing[],
  look: (item: Thing) => Promise<Result>,
): Promise<readonly Result[]> {
  const results: Result[] = []
  for (let at = 0; at < things.length; at += LOOKS_AT_ONCE) {
    results.push(...(await Promise.all(things.slice(at, at + LOOKS_AT_ONCE).map(look))))
  }
  return results
}
