import fc from 'fast-check'
import { expect, test } from 'vitest'
import { fairShare } from '../../engine/core/fair-share.ts'

const task = (group: string, at: number, pool = '') => ({ group, pool, at })
const shared = fc.record({
  group: fc.constantFrom('CO', 'MA', 'TX'),
  pool: fc.constantFrom('', 'parse', 'scan'),
})
const limits = { outMax: 12, pools: { parse: 2, scan: 1 } }

test('a group of ten thousand does not starve a group of one', () => {
  const many = Array.from({ length: 10_000 }, (_, at) => task('CO', at))
  const chosen = fairShare([...many, task('MA', 0)], [], { outMax: 4, pools: {} })
  expect(chosen.map(({ group }) => group).toSorted()).toEqual(['CO', 'CO', 'CO', 'MA'])
  const out = chosen.filter(({ group }) => group === 'CO')
  expect(fairShare([task('MA', 1), ...many], out, { outMax: 4, pools: {} })).toEqual([
    task('MA', 1),
  ])
})

test('bounds hold, order within a group is kept, and no place stays empty that could be filled', () => {
  fc.assert(
    fc.property(
      fc.array(shared, { maxLength: 40 }),
      fc.array(shared, { maxLength: 14 }),
      (wanted, out) => {
        const ready = wanted.map(({ group, pool }, at) => task(group, at, pool))
        const chosen = fairShare(ready, out, limits)
        const all = [...out, ...chosen]
        const inPool = (some: readonly { readonly pool: string }[], pool: string): number =>
          some.filter((one) => one.pool === pool).length
        for (const pool of ['parse', 'scan'] as const) {
          const bound = Math.max(limits.pools[pool], inPool(out, pool))
          expect(inPool(all, pool)).toBeLessThanOrEqual(bound)
        }
        expect(all.length).toBeLessThanOrEqual(Math.max(limits.outMax, out.length))
        for (const group of ['CO', 'MA', 'TX']) {
          const places = chosen.filter((one) => one.group === group).map(({ at }) => at)
          expect(places).toEqual(places.toSorted((a, b) => a - b))
        }
        const left = ready.filter((one) => !chosen.includes(one))
        const couldGo = left.filter(
          ({ pool }) => pool === '' || inPool(all, pool) < limits.pools[pool as 'parse'],
        )
        expect(all.length >= limits.outMax || couldGo.length === 0).toBe(true)
      },
    ),
  )
})
