/** The faults in small, with every change: drawn deaths, errors and lost answers on the bare engine. */
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runNode } from '../support/child.ts'
import { countFault } from '../support/count.ts'
import { expectSurvived } from '../support/engine-errors.ts'
import { EngineWhole } from '../support/engine-whole.ts'
import { seedOf, seeded } from '../support/seed.ts'

const CHILD = fileURLToPath(new URL('../engine-child.ts', import.meta.url))
const HITS = 80

let whole: EngineWhole
beforeAll(async () => {
  whole = await EngineWhole.create()
})
afterAll(() => whole[Symbol.dispose]())

const seed = seedOf()
const draw = seeded(seed)
const drawn = (count: number): readonly number[] =>
  Array.from({ length: count }, () => 1 + draw(HITS))

test.each(drawn(3))(`killed at hit %i of seed ${seed}, it is made whole`, async (hit) => {
  const root = whole.copy()
  const { signal } = await runNode([CHILD, root, `*=crash@${hit}`])
  expect(signal).toBe('SIGKILL')
  countFault('F1')
  await whole.expectAfterNextRun(root)
})

test.each(drawn(6))(`an error at hit %i of seed ${seed} leaves nothing undone`, async (hit) => {
  const more = hit % 2 === 0 ? '+' : ''
  const times = await expectSurvived(whole, `*=error:EIO@${hit}${more}`)
  expect(times).toBeGreaterThan(0)
  countFault('F1', times)
})
