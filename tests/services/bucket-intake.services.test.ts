/** Deliveries that come into a bucket: the same rules as in a folder, and nothing lies there after. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Observation } from '../../engine/index.ts'
import { countFault } from '../faults/support/count.ts'
import {
  encounters,
  fileName,
  medicalFile,
  medications,
  pharmacyFile,
} from '../support/deliveries.ts'
import { ServiceRoad } from '../support/service-road.ts'

const JANUARY = 'MA/medical/2024-01'
const MINUTE_MS = 60_000
const january = (count: number, tag: string) =>
  medicalFile('2024-01', encounters('2024-01', count, tag))
const NAME = january(1, 'a').name

let at: ServiceRoad
let road: ServiceRoad['road']
beforeEach(async () => {
  at = await ServiceRoad.create({ quiescenceMinutes: 10 })
  road = at.road
})
afterEach(async () => at[Symbol.asyncDispose]())

const openFindings = async () =>
  road.tables
    .selectFrom('finding')
    .select(['code', 'subject'])
    .where('closed_ms', 'is', null)
    .where('severity', '=', 'error')
    .orderBy('subject')
    .execute()

test('without a marker a drop is taken once it has been still, counted from when it was seen', async () => {
  await at.deliver('alpha/drop', [january(2, 'a')], { marker: false })
  expect((await road.run()).log).toEqual([])
  road.advance(9 * MINUTE_MS)
  await at.deliver('alpha/drop', [pharmacyFile('2024-01', medications('2024-01', 2))], {
    marker: false,
  })
  expect((await road.run()).log).toEqual([])
  road.advance(9 * MINUTE_MS)
  expect((await road.run()).log).toEqual([])
  road.advance(MINUTE_MS)
  const { canonical, brokenPromises } = await road.run()
  expect([canonical, brokenPromises]).toEqual([
    [`${JANUARY} built`, 'MA/pharmacy/2024-01 built'],
    [],
  ])
  expect(await at.lying()).toEqual([])
  expect((await road.run()).report.run).toBeUndefined()
})

test('a marker closes its drop at once and goes with it; the same name again is a new delivery', async () => {
  for (const count of [3, 4]) {
    await at.deliver('alpha/monthly', [january(count, 'a')])
    expect((await road.run()).canonical).toEqual([`${JANUARY} built`])
    expect(await road.canonicalRows(JANUARY)).toHaveLength(count)
    expect(await at.lying()).toEqual([])
  }
  // Its name and its bytes are those of the last one; and again under another name.
  for (const drop of ['alpha/monthly', 'alpha/other']) {
    await at.deliver(drop, [january(4, 'a')])
    expect((await road.run()).log).toEqual([])
  }
  expect(await at.lying()).toEqual([])
  const statuses = (await road.submissions()).map(({ status }) => status)
  expect(statuses).toEqual(['VALIDATED', 'VALIDATED', 'DUPLICATE', 'DUPLICATE'])
  // A half upload behind the marker that went waits for its own.
  await at.deliver('alpha/monthly', [january(5, 'half')], { marker: false })
  expect((await road.run()).log).toEqual([])
  await at.deliver('alpha/monthly', [])
  expect((await road.run()).canonical).toEqual([`${JANUARY} built`])
})

test('an object that changes before it is landed is a delivery of its own, and nothing fails twice', async () => {
  await at.deliver('alpha/moving', [
    january(3, 'old'),
    pharmacyFile('2024-01', medications('2024-01', 2)),
  ])
  // Planned, and not copied yet.
  const meddling: Observation = {
    digest: 'a second writer',
    apply: async () => undefined,
    mend: async () => at.deliver('alpha/moving', [january(4, 'new')]),
  }
  const first = await road.run(undefined, { also: [meddling] })
  countFault('F25')
  expect(first.report.failures.map(({ node, code }) => [node.asset, code])).toEqual([
    ['raw', 'INPUT_CHANGED'],
  ])
  expect(first.canonical).toEqual(['MA/pharmacy/2024-01 built'])
  const second = await road.run()
  expect([second.report.failures, second.brokenPromises]).toEqual([[], []])
  expect(second.canonical).toEqual([`${JANUARY} built`])
  expect(await road.canonicalRows(JANUARY)).toHaveLength(4)
  const found = (await road.submissions()).map((row) => [
    row.file_type,
    row.status,
    row.status_code,
  ])
  expect(found).toEqual([
    ['medical', 'WITHDRAWN', 'INPUT_CHANGED'],
    ['pharmacy', 'VALIDATED', null],
    ['medical', 'VALIDATED', null],
  ])
  expect(await at.lying()).toEqual([])
  expect(await road.steps()).toEqual([])
})

test('what is put aside or waits for review stays until it is landed', async () => {
  const html = fileName('medical', '2024-02')
  const page = '<!DOCTYPE html><html><body>Your session has ended</body></html>'
  await at.deliver('alpha/mixed', [january(3, 'a'), { name: html, content: page }])
  await at.deliver('delta/drop', [january(2, 'd')])
  expect((await road.run()).canonical).toEqual([`${JANUARY} built`])
  const aside = ['alpha/mixed/_SUCCESS', `alpha/mixed/${html}`]
  expect(await at.lying()).toEqual([...aside, 'delta/drop/_SUCCESS', `delta/drop/${NAME}`])
  road.edit('registry/submitters.json', (document) => ({
    submitters: [...(document['submitters'] as object[]), { id: 'delta', state: 'MA' }],
  }))
  expect((await road.run()).canonical).toEqual([`${JANUARY} built`])
  expect(await at.lying()).toEqual(aside)
})

test('hostile names are findings until they are gone, and hold up nothing else', async () => {
  const hostile = [
    'alpha/d/',
    'alpha/a\\b.csv',
    'alpha/bell\u0007.csv',
    `alpha/${'n/'.repeat(20)}x`,
  ]
  for (const path of hostile) await at.put(path, '')
  await at.deliver('alpha/good', [january(3, 'a')])
  expect((await road.run()).canonical).toEqual([`${JANUARY} built`])
  const found = await openFindings()
  expect(found.map(({ code }) => code)).toEqual(hostile.map(() => 'INPUT_UNREADABLE'))
  for (const { subject } of found) expect(subject).toMatch(/^[\x20-\x7e]+$/)
  expect((await road.run()).report.run).toBeUndefined()
  for (const path of hostile) await at.take(path)
  await road.run()
  expect(await openFindings()).toEqual([])
})
