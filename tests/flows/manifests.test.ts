/** Discovery manifests whose entries point at local files travel the same road. */
import { createHash } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { TextFile } from '../support/deliveries.ts'
import { encounters, medicalFile } from '../support/deliveries.ts'
import { RoadProject } from '../support/project.ts'

const MONTHS = ['2024-01', '2024-02', '2024-03']

interface Discovered {
  /** (month, file) */
  readonly files: readonly (readonly [string, TextFile])[]
  /** further members of every entry */
  readonly [member: string]: unknown
}

/** Lays the files of a release down and names them in a manifest of the given time. */
function discover(road: RoadProject, time: string, { files, ...facts }: Discovered): void {
  const lines = files.map(([month, { name, content }]) => {
    const url = `scraped/plans/files/${name}`
    road.write(url, content)
    const sha256 = createHash('sha256').update(content).digest('hex')
    const entry = {
      dataset: 'alpha',
      source_url: 'https://example.test/plans',
      filename: name,
      file_url: url,
      content_type: 'text/csv',
      sha256,
      size_bytes: Buffer.byteLength(content),
      discovered_at: `2026-01-05T${time}Z`,
      file_type: 'medical',
      vintage: month,
      ...facts,
    }
    return JSON.stringify(entry)
  })
  const name = `cms_plans_manifest_20260105_${time.replaceAll(':', '')}.jsonl`
  road.write(`scraped/plans/manifests/${name}`, `${lines.join('\n')}\n`)
}

const files = (counts: readonly number[]): readonly (readonly [string, TextFile])[] =>
  MONTHS.map((month, at) => [
    month,
    medicalFile(month, encounters(month, counts[at] ?? 0, `n${counts[at]}`)),
  ])

let standing: RoadProject
beforeAll(async () => {
  standing = await RoadProject.create()
  discover(standing, '10:00:00', { files: files([3, 3, 3]) })
  await standing.run()
})
afterAll(async () => standing[Symbol.asyncDispose]())

test('a landed file of a manifest is named as it lies in the project', async () => {
  const rows = await standing.tables
    .selectFrom('processed_file')
    .select(['raw', 'vendor', 'appended_ms'])
    .orderBy('seq')
    .execute()
  expect(rows.map(({ raw, vendor }) => [raw, vendor])).toEqual(
    files([3, 3, 3]).map(([, { name }]) => [`project:scraped/plans/files/${name}`, 'alpha']),
  )
  expect(rows.filter((row) => row.appended_ms === null)).toEqual([])
})

test('the entries of a manifest become submissions of their declared months', async () => {
  const found = (await standing.submissions()).map((row) => [
    row.submitter_id,
    row.grouping_method,
    row.first_month,
    row.last_month,
    row.status,
  ])
  expect(found).toEqual(MONTHS.map((month) => ['alpha', 'MANIFEST', month, month, 'VALIDATED']))
  expect(await standing.canonicalRows(MONTHS.map((month) => `MA/medical/${month}`))).toHaveLength(9)
})

test('one entry with other bytes rebuilds its submission and exactly the months it wins', async () => {
  await using road = await standing.clone()
  discover(road, '11:00:00', { files: files([3, 5, 3]) })
  const { log, canonical, brokenPromises } = await road.run()
  expect(brokenPromises).toEqual([])
  expect(canonical).toEqual(['MA/medical/2024-02 built'])
  expect(log.filter((line) => line.startsWith('raw '))).toHaveLength(1)
  expect(await road.canonicalRows('MA/medical/2024-02')).toHaveLength(5)
})

test('a manifest that differs only in timestamps builds nothing', async () => {
  await using road = await standing.clone()
  discover(road, '12:00:00', {
    files: files([3, 3, 3]),
    discovered_at: '2026-03-01T00:00:00Z',
    last_modified: '2026-02-28T00:00:00Z',
  })
  const { log } = await road.run()
  expect(log).toEqual([])
  expect(await road.submissions()).toHaveLength(3)
})

test('an entry that a newer manifest leaves out withdraws nothing', async () => {
  await using road = await standing.clone()
  discover(road, '13:00:00', { files: files([3, 3, 3]).slice(0, 1) })
  expect((await road.run()).log).toEqual([])
  expect(await road.canonicalRows('MA/medical/2024-03')).toHaveLength(3)
})

test('an invalid manifest lands nothing and says why; the next one is taken', async () => {
  await using road = await standing.clone()
  discover(road, '14:00:00', { files: files([4, 4, 4]), sha256: 'not a digest' })
  expect((await road.run()).log).toEqual([])
  const [finding] = (await road.findings()).slice(-1)
  expect(finding?.words).toMatch(/cms_plans_manifest_20260105_140000\.jsonl:1:\d+/)
  discover(road, '15:00:00', { files: files([4, 4, 4]) })
  expect((await road.run()).canonical).toEqual(MONTHS.map((month) => `MA/medical/${month} built`))
})

test('an entry whose file has other bytes than it says is a finding, and the rest goes on', async () => {
  await using road = await standing.clone()
  discover(road, '16:00:00', { files: files([4, 4, 3]) })
  const [, [, { name }] = ['', { name: '' }]] = files([4, 4, 3])
  road.write(`scraped/plans/files/${name}`, 'other bytes')
  expect((await road.run()).canonical).toEqual(['MA/medical/2024-01 built'])
  expect((await road.findings()).at(-1)?.words).toContain(name)
})

test('a file that changes before it is landed fails once; the next manifest takes its place', async () => {
  await using road = await standing.clone()
  discover(road, '17:00:00', { files: files([4, 3, 3]) })
  const first = await road.run(undefined, {
    onEvent: (event) => {
      if (event.type === 'planned') discover(road, '18:00:00', { files: files([6, 3, 3]) })
    },
  })
  expect(first.report.failures.map(({ code }) => code)).toEqual(['INPUT_CHANGED'])
  const { report, canonical } = await road.run()
  expect(report.failures).toEqual([])
  expect(canonical).toEqual(['MA/medical/2024-01 built'])
  expect((await road.submissions()).map((row) => row.status).slice(3)).toEqual([
    'WITHDRAWN',
    'VALIDATED',
  ])
})
