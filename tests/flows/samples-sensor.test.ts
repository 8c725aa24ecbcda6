/** The sampler as a sensor of the daemon: its looks make samples, and are still where nothing moves. */
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { samplesSensor } from '../../assets/samples/samples-sensor.ts'
import { ledgerTables } from '../../assets/samples/ledger-tables.ts'
import { openCatalog } from '../../engine/index.ts'
import { LEDGER_MIGRATIONS } from '../../migrations/sample-ledger.ts'
import { CliProject } from '../cli/cli-project.ts'
import { openRoad } from '../support/open-road.ts'

test('a look samples what manifests have gained, the next one finds nothing to do', async () => {
  using project = await CliProject.create()
  await project.run(['plan'])
  await using platform = await openRoad(project.root, {}, { sync: false })
  const folder = join(platform.config.staging.prefix.value, 'alpha/medical/v9')
  mkdirSync(join(folder, 'manifests'), { recursive: true })
  writeFileSync(join(folder, 'a.csv'), 'visit_id,paid_amount\n0017,1.50\n')
  const line = { raw: 'raw/a.csv', bronze: 'a.csv', mtime: 1_737_200_000 }
  writeFileSync(join(folder, 'manifests/processed.jsonl'), `${JSON.stringify(line)}\n`)
  const ledgerAt = async (url: string) => openCatalog({ url, migrations: LEDGER_MIGRATIONS })
  const sensor = samplesSensor(platform, ledgerAt)
  const look = async () =>
    sensor.look({
      project: platform.project,
      db: platform.project.catalog.db,
      cursor: undefined,
      nowMs: platform.project.clock.nowMs(),
      sinceMs: 0,
      isAsked: false,
      signal: new AbortController().signal,
    })
  expect(await look()).toMatchObject({ kind: 'act', why: '1 sample, 0 files waiting' })
  const sample = readFileSync(join(folder, 'samples/a_sample.csv'), 'utf8')
  expect(sample).toMatch(/^visit_id,paid_amount\n00[1-9]\d,1\.50\n$/)
  const still = { kind: 'skip', why: 'nothing new to sample' }
  expect(await look()).toEqual(still)

  // What is due by itself is done although no manifest has grown.
  appendFileSync(
    join(folder, 'manifests/processed.jsonl'),
    `${JSON.stringify({ raw: 'raw/late.csv', bronze: 'late.csv', mtime: 1 })}\n`,
  )
  expect(await look()).toEqual(still)
  writeFileSync(join(folder, 'late.csv'), 'visit_id\n1\n')
  expect(await look()).toEqual(still)
  const ledger = await ledgerAt(platform.config.samples.ledger.value)
  await ledgerTables(ledger.db)
    .updateTable('sample')
    .set({ retry_ms: 1 })
    .where('status', '=', 'MISSING')
    .execute()
  expect(await look()).toMatchObject({ kind: 'act', why: '1 sample, 0 files waiting' })
  await ledgerTables(ledger.db)
    .updateTable('sample')
    .set({ is_raw: 1, raw_until_ms: 1 })
    .where('raw', '=', 'raw/a.csv')
    .execute()
  expect(await look()).toMatchObject({ kind: 'act', why: '1 sample, 0 files waiting' })
  expect(await look()).toEqual(still)
  await ledger.close()

  // Layouts that have moved may say of another column that it is personal.
  const landed = async () => {
    expect((await project.run(['materialize', 'raw'])).code).toBe(0)
    expect(await look()).toMatchObject({ kind: 'act', why: '2 samples, 0 files waiting' })
    expect(await look()).toEqual(still)
  }
  await landed()
  project.edit('registry/layouts/medical/synthea.json', '"x-phi": "direct"', '"x-phi": "quasi"')
  await landed()
})
