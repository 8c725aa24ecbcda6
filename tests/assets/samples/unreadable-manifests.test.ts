/** Manifests that a sampler may not read: told, and in nobody's way. */
import { chmodSync, mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest'
import type { TakenIn } from '../../../assets/samples/take-in.ts'
import { takeIn } from '../../../assets/samples/take-in.ts'
import { PLACE, SampledFolder, TABLE, onePool } from '../../support/sampled-folder.ts'

const NOBODY = 65_534
const OTHERS = ['aa/pipe/1.0', 'sp/pipe/2.0', 'zz/pipe/1.0']

const pool = onePool()
let staging: SampledFolder
beforeEach(async () => {
  staging = await SampledFolder.create({ pool })
})
afterEach(async () => staging[Symbol.asyncDispose]())
afterAll(async () => pool[Symbol.asyncDispose]())

function tellIn(place: string): void {
  staging.put('bronze/a.csv', TABLE, place)
  staging.tell([{ raw: 'raw/a.csv', bronze: 'bronze/a.csv', mtime: 1 }], { place })
}

/** As somebody whom modes bind: root reads everything. */
async function takenByNobody(): Promise<TakenIn> {
  const { ledger, options } = staging
  const { prefix, nowMs } = options
  const signal = new AbortController().signal
  const isRoot = process.getuid?.() === 0
  chmodSync(staging.root, 0o755)
  if (isRoot) process.seteuid?.(NOBODY)
  try {
    return await takeIn(ledger, { prefix, nowMs, signal, onLines: () => undefined })
  } finally {
    if (isRoot) process.seteuid?.(0)
  }
}

test.each([
  ['a manifest', 'manifests/processed_2026-01-18.jsonl'],
  ['a folder of manifests', 'manifests'],
  ['a submitter’s folder', '../..'],
])('%s that may not be read is told by its path, and the others go on', async (_what, name) => {
  for (const place of [PLACE, ...OTHERS]) tellIn(place)
  const path = resolve(staging.path(name))
  chmodSync(path, 0)
  const { unreadable, lines } = await takenByNobody()
  chmodSync(path, 0o755)
  const read = name === '../..' ? OTHERS.filter((place) => !place.startsWith('sp/')) : OTHERS
  expect([unreadable, lines]).toEqual([[path], read.length])
  // Once it may be read, it is, and nothing of the others is read again.
  const { made, lines: more } = await staging.pass()
  expect([made, more]).toEqual([1 + OTHERS.length, 1 + OTHERS.length - read.length])
})

test('a folder with ten thousand entries too many stops nobody else', async () => {
  tellIn(PLACE)
  const folder = staging.path('', 'evil')
  for (let at = 0; at <= 10_000; at += 1) mkdirSync(join(folder, `d${at}`), { recursive: true })
  expect(await staging.pass()).toMatchObject({ made: 1, unreadable: [folder.replace(/\/$/, '')] })
})
