import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { afterEach, describe, expect, test } from 'vitest'
import { firstWanted } from '../../engine/catalog/builds.ts'
import { dropLease, renewLease, requireLease, takeLease } from '../../engine/catalog/leases.ts'
import type { Lease } from '../../engine/catalog/leases.ts'
import { defineAsset, sameKey } from '../../engine/index.ts'
import { ownHolder } from '../../engine/run/holder.ts'
import { rejectedCode } from '../support/error-code.ts'
import type { EngineProject } from '../support/engine-project.ts'
import { DATABASES, engineProject } from '../support/engine-project.ts'

const word = defineAsset({ kind: 'fact', name: 'word', dimensions: ['i'] })
let whileBuilding: () => Promise<void> = async () => undefined
const copy = defineAsset({
  kind: 'stored',
  name: 'copy',
  dimensions: ['i'],
  recipe: '1',
  from: { word: sameKey },
  publish: ([i]) => ({ path: `copy/${i}`, mode: 'folder' }),
  build: async ({ inputs }) => {
    await whileBuilding()
    return { parts: [{ name: 'word.txt', from: { bytes: String(inputs.one('word').value) } }] }
  },
})

describe.each(DATABASES)('on %s', (database) => {
  let at: EngineProject
  afterEach(async () => {
    whileBuilding = async () => undefined
    await at.close()
  })
  const open = async (): Promise<void> => {
    at = await engineProject({ assets: [word, copy], database })
  }
  const take = async (holder: string, nowMs: number, isDead = false): Promise<Lease> =>
    at.project.catalog.write(async (trx) =>
      takeLease(trx, { name: 'run', holder }, { nowMs, forMs: 100, isDead: () => isDead }),
    )

  test('a lease is one holder’s until it ends, is given back, or its holder is dead', async () => {
    await open()
    const first = await take('a', 0)
    expect(await rejectedCode(take('b', 99))).toBe('RUN_BUSY')
    const second = await take('b', 100)
    expect(second.fence).toBe(first.fence + 1)
    const { catalog } = at.project
    const renewed = async (lease: Lease): Promise<boolean> =>
      catalog.write(async (trx) => renewLease(trx, lease, 500))
    expect([await renewed(first), await renewed(second)]).toEqual([false, true])
    expect(await rejectedCode(take('c', 400))).toBe('RUN_BUSY')
    const third = await take('c', 400, true)
    await catalog.write(async (trx) => dropLease(trx, second))
    expect(await rejectedCode(take('d', 401))).toBe('RUN_BUSY')
    await catalog.write(async (trx) => dropLease(trx, third))
    expect((await take('d', 402)).fence).toBe(4)
  })

  test('who lost a lease is told so', async () => {
    await open()
    const first = await take('a', 0)
    await take('b', 200)
    const required = at.project.catalog.write(async (trx) => requireLease(trx, first))
    expect(await rejectedCode(required)).toBe('RUN_BUSY')
  })

  test('two runs at once: the second is refused while the first goes on', async () => {
    await open()
    let second: string | undefined
    whileBuilding = async () => {
      second = await rejectedCode(at.run('*', { facts: { 'word/2': 'two' } }))
    }
    const report = await at.run('*', { facts: { 'word/1': 'one' } })
    expect([second, report.counts.built]).toEqual(['RUN_BUSY', 1])
    await at.run('*', { facts: { 'word/2': 'two' } })
    expect(at.takeLog()).toEqual(['copy[1]', 'copy[2]'])
  })

  test('the lease of a process that died is taken at once', async () => {
    await open()
    const { stdout } = await promisify(execFile)(process.execPath, ['-p', 'process.pid'])
    const [machine] = ownHolder().split(':')
    await take(`${machine}:${stdout.trim()}:0`, Date.now() + 60_000)
    const report = await at.run('*', { facts: { 'word/1': 'one' } })
    expect(report.status).toBe('succeeded')
  })

  test('the lease of another host is respected until it ends', async () => {
    await open()
    await take('elsewhere:1:0', Date.now() + 60_000)
    expect(await rejectedCode(at.run('*', { facts: { 'word/1': 'one' } }))).toBe('RUN_BUSY')
  })

  test('a run whose lease was taken while it was frozen commits nothing', async () => {
    await open()
    const { db } = at.project.catalog
    whileBuilding = async () => void (await take('elsewhere:1:0', Date.now() + 60_000))
    expect(await rejectedCode(at.run('*', { facts: { 'word/1': 'one' } }))).toBe('RUN_BUSY')
    expect(await db.selectFrom('build').selectAll().execute()).toEqual([])
    await db.updateTable('lease').set({ expires_ms: 0 }).execute()
    whileBuilding = async () => undefined
    await at.run()
    expect(
      (await db.selectFrom('build').select('outcome').execute()).map((row) => row.outcome),
    ).toEqual(['built'])
  })

  test('a claim of a later epoch fences an earlier attempt off', async () => {
    await open()
    const { db } = at.project.catalog
    whileBuilding = async () =>
      void (await db
        .updateTable('node')
        .set((eb) => ({ epoch: eb('epoch', '+', 1) }))
        .execute())
    const report = await at.run('*', { facts: { 'word/1': 'one' } })
    expect([report.counts.built, await db.selectFrom('build').selectAll().execute()]).toEqual([
      0,
      [],
    ])
    whileBuilding = async () => undefined
    await at.run()
    expect(at.takeLog()).toEqual(['copy[1]', 'copy[1]'])
  })

  test('an instant that was first wanted is kept for ever', async () => {
    await open()
    const want = async (prints: readonly string[], nowMs: number) =>
      [
        ...(await at.project.catalog.write(async (trx) => firstWanted(trx, prints, nowMs))),
      ].toSorted(([a], [b]) => (a < b ? -1 : 1))
    expect(await want(['x', 'y', 'x'], 5)).toEqual([
      ['x', 5],
      ['y', 5],
    ])
    expect(await want(['y', 'z'], 9)).toEqual([
      ['y', 5],
      ['z', 9],
    ])
    expect(await want(['x'], 1)).toEqual([['x', 5]])
  })
})
