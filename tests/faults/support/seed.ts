/** Drawn numbers that a seed repeats: TEST_SEED, else the time. A failure names its seed. */
export const seedOf = (): number => Number(process.env['TEST_SEED'] ?? Date.now() % 2 ** 31)

/** `draw(n)` is a whole number below n (mulberry32). */
export function seeded(seed: number): (below: number) => number {
  let state = Math.trunc(seed)
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}
