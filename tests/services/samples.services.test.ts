/** Samples of what lies in a bucket: read by ranges, no object fetched whole. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DeleteObjectCommand } from '@aws-sdk/client-s3'
import { expect, test } from 'vitest'
import { makeAgain } from '../../assets/samples/again.ts'
import { ledgerTables } from '../../assets/samples/ledger-tables.ts'
import { openSampler } from '../../assets/samples/open-sampler.ts'
import { pass } from '../../assets/samples/pass.ts'
import type { ObjectStore } from '../../engine/index.ts'
import { encounters, medicalFile } from '../support/deliveries.ts'
import { freshDatabase } from '../support/postgres.ts'
import { openLedgerAt } from '../support/sampled-folder.ts'
import { S3_KINDS } from '../support/s3.ts'
import { ServiceRoad } from '../support/service-road.ts'

const ROWS = 20_000
const READ_MAX_BYTES = 1_000_000

test.each(S3_KINDS)(
  'a landed object in %s is sampled for less than a megabyte, from another machine’s ledger',
  async (kind) => {
    await using at = await ServiceRoad.create({ kind })
    const database = await freshDatabase()
    const ledger = await openLedgerAt(database.url)
    const { name, content } = medicalFile('2024-01', encounters('2024-01', ROWS, 'a'))
    await at.deliver('alpha/first', [{ name, content }])
    expect((await at.road.run()).report.failures).toEqual([])

    const { platform } = at.road
    const { store } = platform.project
    const ranges: number[] = []
    const paths = new Set<string>()
    const counted: ObjectStore = {
      ...store,
      readRange: async (path, from, to) => {
        ranges.push(to - from)
        paths.add(path)
        return store.readRange(path, from, to)
      },
      fetch: () => Promise.reject(new Error('nothing is fetched whole')),
    }
    const project = { ...platform.project, store: counted }
    await using sampler = await openSampler({ ...platform, project }, { ledger, workers: 1 })
    let nowMs = Date.now()
    const go = async () =>
      pass(
        { ...sampler.options, nowMs: () => nowMs },
        { signal: new AbortController().signal, lookMs: 60_000, onEvent: () => undefined },
      )
    expect(await go()).toMatchObject({ made: 1, failed: 0, missing: 0 })
    const row = async () =>
      ledgerTables(ledger.db).selectFrom('sample').selectAll().executeTakeFirstOrThrow()
    const { id, place, path: samplePath, size, records } = await row()
    expect([place, size, records]).toEqual(['alpha/medical/synthea.v1', content.length, 100])
    expect(content.length).toBeGreaterThan(2 * READ_MAX_BYTES)
    const readBytes = ranges.reduce((sum, one) => sum + one, 0)
    expect(readBytes).toBeGreaterThan(0)
    expect(readBytes).toBeLessThanOrEqual(READ_MAX_BYTES)
    const prefix = platform.config.staging.prefix.value
    const sample = readFileSync(join(prefix, place, 'samples', samplePath ?? ''), 'utf8').split(
      '\n',
    )
    const given = content.toString().split('\n')
    expect([sample.length, sample[0]]).toEqual([1 + 100 + 1, given[0]])
    expect(sample[1]?.split(',')[3]).not.toBe(given[1]?.split(',')[3])

    // The object is gone: a fault of nobody, looked for again.
    const [path] = paths
    expect([paths.size, Object.keys(await at.stored())]).toEqual([
      1,
      expect.arrayContaining([path]),
    ])
    const { client, bucket } = at.bucket
    await client.send(new DeleteObjectCommand({ Bucket: bucket, Key: `store/${path}` }))
    await makeAgain(ledger, { ids: [id], rawUntilMs: undefined })
    expect(await go()).toMatchObject({ made: 0, missing: 1, failed: 0 })
    nowMs += 60_000
    expect(await go()).toMatchObject({ missing: 1 })
    await ledger.close()
    await database.close()
  },
)
