/** Care on PostgreSQL and MinIO: fsck, the restore drill and a lost catalog, as in a folder. */
import {
  CopyObjectCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3'
import { sql } from 'kysely'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { backUp, fsck, makePlan, openCatalog, repairStore, restore } from '../../engine/index.ts'
import { openBackupPlace } from '../../minio/backup-place.ts'
import { MIGRATIONS } from '../../migrations/index.ts'
import { encounters, medicalFile } from '../support/deliveries.ts'
import { known } from '../support/known-state.ts'
import { rebuiltFromStore } from '../support/lost-catalog.ts'
import { freshDatabase } from '../support/postgres.ts'
import { ServiceRoad } from '../support/service-road.ts'
import { verdictOn } from '../verify/verified-road.ts'

const ACTOR = { name: 'test', reason: 'a test' }

let at: ServiceRoad
beforeEach(async () => {
  at = await ServiceRoad.create()
  const rows = (tag: string, count: number) =>
    ['2024-01', '2024-02'].flatMap((month) => encounters(month, count, tag))
  await at.deliver('alpha/both', [medicalFile(['2024-01', '2024-02'], rows('a', 6))])
  await at.deliver('beta/both', [medicalFile(['2024-01', '2024-02'], rows('b', 4))])
  await at.road.run()
  await at.deliver('beta/short', [medicalFile('2024-02', encounters('2024-02', 2, 'short'))])
  await at.road.run()
})
afterEach(async () => at[Symbol.asyncDispose]())

/** Keys of the current parts of one asset, in the bucket. */
async function keysOf(asset: string): Promise<readonly string[]> {
  const { rows } = await sql<{ path: string }>`
    select p.path from node n join asset a on a.id = n.asset join build b on b.id = n.built
    join part p on p.build = b.parts_build where a.name = ${asset} and n.version <> 0
    order by n.key, p.ordinal`.execute(at.road.project.catalog.db)
  return rows.map(({ path }) => `store/${path}`)
}

const place = (Key: string) => ({ Bucket: at.bucket.bucket, Key })

async function flipByte(key: string): Promise<void> {
  const { Body } = await at.bucket.client.send(new GetObjectCommand(place(key)))
  const bytes = Buffer.from((await Body?.transformToByteArray()) ?? [])
  const middle = Math.floor(bytes.length / 2)
  bytes.writeUInt8((bytes.readUInt8(middle) + 1) % 256, middle)
  await at.bucket.client.send(new PutObjectCommand({ ...place(key), Body: bytes }))
}

test('a lost part, a changed one, an orphan and a manifest are found, mended, and made again', async () => {
  const { client } = at.bucket
  const [january = '', ...more] = await keysOf('gold_canonical')
  const [silver = ''] = await keysOf('silver')
  await client.send(new DeleteObjectCommand(place(january)))
  await flipByte(silver)
  const orphan = january.replace(/\.r\d+-\d+\.parquet$/, '.r99-1.parquet')
  const from = `${at.bucket.bucket}/${encodeURIComponent(more[0] ?? '')}`
  await client.send(new CopyObjectCommand({ ...place(orphan), CopySource: from }))
  const folder = 'store/gold_canonical/MA/medical/atomic_month=2024-02/_manifest'
  await client.send(new DeleteObjectCommand(place(`${folder}/0000000001.json`)))
  const found = await fsck(at.road.project)
  expect(found.faults.map(({ kind }) => kind).toSorted()).toEqual([
    'changed',
    'lost',
    'manifest',
    'orphan',
  ])
  await repairStore(at.road.project, { actor: ACTOR })
  expect(Object.keys(await at.stored())).toContain(`${silver.slice('store/'.length)}.changed`)
  const { report } = await at.road.run()
  expect(report.failures).toEqual([])
  expect((await fsck(at.road.project)).faults).toEqual([])
  expect((await verdictOn(at.road, { deep: true })).broken).toEqual([])
})

test('from the bucket alone an empty database is what the lost one was', async () => {
  const before = await known(at.road.project)
  const server = await freshDatabase()
  const rebuilt = await rebuiltFromStore(at.road, server.url)
  const { project, catalog, told, outcomes, children } = rebuilt
  expect([told.lost, Object.keys(outcomes), children]).toEqual([[], ['cutoff'], 0])
  expect(await known(project)).toEqual(before)
  const { platform } = at.road
  expect((await verdictOn({ platform, project }, { deep: true })).broken).toEqual([])
  await catalog.close()
  await server.close()
})

test('a backup in a bucket, parts and all, is restored into another database', async () => {
  const backups = await openBackupPlace(`${at.bucket.url}/backups/1`, at.bucket.settings)
  await backUp(at.road.project, backups, { actor: ACTOR, withParts: true })
  const before = await known(at.road.project)
  const [raw = ''] = await keysOf('raw')
  await at.bucket.client.send(new DeleteObjectCommand(place(raw)))
  const server = await freshDatabase()
  const catalog = await openCatalog({ url: server.url, migrations: MIGRATIONS })
  const project = { ...at.road.project, catalog }
  const told = await restore(project, backups, { actor: ACTOR })
  expect([told.putBack, told.lost]).toEqual([1, []])
  expect(await known(project)).toEqual(before)
  expect((await makePlan(project, { actor: ACTOR })).steps).toEqual([])
  const { platform } = at.road
  expect((await verdictOn({ platform, project }, { deep: true })).broken).toEqual([])
  await catalog.close()
  await server.close()
})
