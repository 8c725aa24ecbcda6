/** What the road lands has its line in a processed manifest: one a file, whatever happens between. */
import {
  appendFileSync,
  existsSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { ProcessedEntry } from '../../assets/processed-entry.ts'
import { appendLanded } from '../../assets/processed-road.ts'
import { roadSensors } from '../../assets/sensors.ts'
import { encounters, medicalFile } from '../support/deliveries.ts'
import { RoadProject } from '../support/project.ts'

const january = (count: number, tag: string) =>
  medicalFile('2024-01', encounters('2024-01', count, tag))
const PLACE = 'staging/alpha/medical/synthea.v1/manifests'

const linesOf = (road: RoadProject, place = PLACE): readonly string[] => {
  const path = road.path(`${place}/processed.jsonl`)
  return existsSync(path) ? readFileSync(path, 'utf8').split('\n').slice(0, -1) : []
}
const entriesOf = (road: RoadProject, place = PLACE): readonly ProcessedEntry[] =>
  linesOf(road, place).map((line) => JSON.parse(line) as ProcessedEntry)
const waiting = async (road: RoadProject): Promise<number> =>
  (
    await road.tables
      .selectFrom('processed_file')
      .select('seq')
      .where('appended_ms', 'is', null)
      .execute()
  ).length
const append = async (road: RoadProject): Promise<number> =>
  appendLanded({ project: road.project, prefix: road.path('staging'), nowMs: Date.now() })

describe.each(['sqlite', 'postgres'] as const)('on %s', (database) => {
  test('each landed file has one line; nothing new, no line; a correction, one more', async () => {
    await using road = await RoadProject.create({ database })
    road.deliver('alpha/first', [january(3, 'a')])
    road.deliver('gamma/only', [january(2, 'g')])
    await road.run()
    const { submission_id: id } = await road.submission('alpha/first')
    const [file] = await road.tables
      .selectFrom('submission_file')
      .selectAll()
      .where('submission_id', '=', id)
      .execute()
    const [first, ...more] = entriesOf(road)
    expect(more).toEqual([])
    const { name } = january(3, 'a')
    expect(first).toMatchObject({
      raw: `inbox:alpha/first/${name}`,
      bronze: `store:raw/alpha/medical/${id}/data/${file?.name}`,
      size: january(3, 'a').content.length,
      sha256: file?.sha256,
    })
    expect(existsSync(road.path(first?.bronze.replace('store:', 'data/') ?? ''))).toBe(true)
    const modified = await road.tables.selectFrom('inbox_object').selectAll().execute()
    const token = modified.find(({ path }) => path.endsWith(`first/${name}`))?.token ?? ''
    expect(first?.mtime).toBe(Math.floor(Number(token.split(':')[0]) / 1e6) / 1000)
    const others = entriesOf(road, PLACE.replace('alpha', 'gamma'))
    expect((first?.seq ?? 0) + (others[0]?.seq ?? 0)).toBe(1 + 2)

    expect((await road.run()).report.run).toBeUndefined()
    expect(linesOf(road)).toHaveLength(1)
    road.deliver('alpha/second', [january(4, 'fix')])
    await road.run()
    const drops = entriesOf(road).map(({ raw, seq }) => [raw.split('/')[1], seq])
    expect(drops).toEqual([
      ['first', first?.seq],
      ['second', 3],
    ])
    expect(await waiting(road)).toBe(0)
  })
})

test('a file that leaves the inbox keeps the time it was changed', async () => {
  await using road = await RoadProject.create({ after: 'delete' })
  road.deliver('alpha/first', [january(3, 'a')])
  const path = road.path(`inbox/alpha/first/${january(3, 'a').name}`)
  utimesSync(path, 1_700_000_000, 1_700_000_000)
  await road.run()
  expect(existsSync(path)).toBe(false)
  expect(entriesOf(road).map(({ mtime }) => mtime)).toEqual([1_700_000_000])
})

test('who died between append and mark left a line that is found; another’s note is looked up', async () => {
  await using road = await RoadProject.create()
  road.deliver('alpha/first', [january(3, 'a')])
  road.deliver('alpha/second', [january(4, 'b')])
  await road.run()
  const all = linesOf(road)
  expect(all).toHaveLength(2)
  // As if nothing had been marked; then somebody else appends, and the second line was never written.
  await road.tables.updateTable('processed_file').set({ appended_ms: null }).execute()
  const path = road.path(`${PLACE}/processed.jsonl`)
  const foreign = '{"raw":"raw/x.csv","bronze":"bronze/x.csv","mtime":1}\n'
  writeFileSync(path, `${all[0]}\n${foreign.repeat(5_000)}`)
  expect(await append(road)).toBe(2)
  const found = linesOf(road).filter((line) => line.includes('"seq"'))
  expect(found).toEqual(all)
  expect([await append(road), await waiting(road)]).toEqual([0, 0])
})

test('two that append at once write each line once', async () => {
  await using road = await RoadProject.create()
  for (const drop of ['a', 'b', 'c']) road.deliver(`alpha/${drop}`, [january(2, drop)])
  await road.run()
  const before = linesOf(road).toSorted()
  await road.tables
    .updateTable('processed_file')
    .set({ appended_ms: null, noted_file: null, noted_bytes: null })
    .execute()
  rmSync(road.path('staging'), { recursive: true })
  await Promise.all([append(road), append(road), append(road)])
  expect(linesOf(road).toSorted()).toEqual(before)
})

test('a staging folder that cannot be written to is one finding, and its lines follow', async () => {
  await using road = await RoadProject.create()
  writeFileSync(road.path('staging'), '')
  road.deliver('alpha/first', [january(3, 'a')])
  expect((await road.run()).report.failures).toEqual([])
  const open = async () =>
    road.tables
      .selectFrom('finding')
      .select(['code', 'severity', 'subject'])
      .where('closed_ms', 'is', null)
      .execute()
  const finding = { code: 'PROCESSED_MANIFEST', severity: 'warning', subject: road.path('staging') }
  expect([await open(), await append(road)]).toEqual([[finding], 0])
  rmSync(road.path('staging'))
  await road.run()
  expect([await open(), linesOf(road).length]).toEqual([[], 1])
})

test('a daemon’s sensor appends what workers landed, and looks at nothing else', async () => {
  await using road = await RoadProject.create()
  const sensors = await roadSensors(road.platform)
  const sensor = sensors.find(({ name }) => name === 'processed')
  const look = async () =>
    sensor?.look({
      project: road.project,
      db: road.project.catalog.db,
      nowMs: Date.now(),
      sinceMs: 0,
      isAsked: false,
      cursor: undefined,
      signal: new AbortController().signal,
    })
  expect(await look()).toMatchObject({ kind: 'skip', why: 'every landed file has its line' })
  road.deliver('alpha/first', [january(3, 'a')])
  await road.run()
  await road.tables
    .updateTable('processed_file')
    .set({ appended_ms: null, noted_file: null, noted_bytes: null })
    .execute()
  appendFileSync(road.path(`${PLACE}/processed.jsonl`), '{"raw":"torn')
  expect(await look()).toMatchObject({ kind: 'act', why: 'appended 1 line' })
  expect(linesOf(road)).toHaveLength(3)
})
