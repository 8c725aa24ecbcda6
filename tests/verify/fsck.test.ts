/** fsck finds each kind of damage by name, and what it mends is as it was before. */
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { FsckReport } from '../../engine/index.ts'
import { fsck, repairStore } from '../../engine/index.ts'
import type { RoadProject } from '../support/project.ts'
import { cutPart, flipByte, manifestsOf, partFilesOf, removePart } from './damage.ts'
import { soundRoad, verdictOn } from './verified-road.ts'

let road: RoadProject
beforeAll(async () => {
  road = await soundRoad()
})
afterAll(async () => road[Symbol.asyncDispose]())

const ACTOR = { name: 'test', reason: 'a test' }
const MONTH = 'MA/medical/2024-01'
const PATH = 'gold_canonical/MA/medical/atomic_month=2024-01'

const lines = ({ faults }: FsckReport): readonly string[] =>
  faults.map(({ kind, subject, words }) => `${kind} ${subject}: ${words}`)
const repair = async (it: RoadProject): Promise<FsckReport> =>
  repairStore(it.project, { actor: ACTOR })

/** After the repair and a run nothing is left to find, in fsck and in doctor. */
async function expectWhole(it: RoadProject): Promise<void> {
  const { report } = await it.run()
  expect(report.failures).toEqual([])
  expect(lines(await fsck(it.project))).toEqual([])
  expect((await verdictOn(it, { deep: true })).broken).toEqual([])
}

test('a sound project has nothing to find, and a repair writes nothing', async () => {
  const seen: string[] = []
  const report = await fsck(road.project, {
    onProgress: ({ what, done, of }) => seen.push(`${what} ${done <= of}`),
  })
  expect(report.faults).toEqual([])
  expect(report.checked).toMatchObject({ partitions: 34, parts: 45, manifests: 34 })
  expect([...new Set(seen)]).toEqual(['parts true', 'manifests true'])
  await using clone = await road.clone()
  const audits = async () => clone.project.catalog.db.selectFrom('audit').selectAll().execute()
  const before = await audits()
  expect((await repair(clone)).faults).toEqual([])
  expect(await audits()).toEqual(before)
})

test('a lost part is found, and made again byte for byte by the next run', async () => {
  await using clone = await road.clone()
  const [path = ''] = await partFilesOf(clone, 'gold_canonical')
  const bytes = readFileSync(path)
  await removePart(clone, 'gold_canonical')
  const found = await fsck(clone.project)
  expect(lines(found)).toEqual([
    `lost gold_canonical[${MONTH}]: part-alpha.parquet is not in the store`,
  ])
  expect([found.marked, (await clone.plan()).steps]).toEqual([0, []])
  expect((await repair(clone)).marked).toBe(1)
  expect(await clone.steps()).toEqual([`gold_canonical ${MONTH} build`])
  await expectWhole(clone)
  expect(readFileSync(join(clone.published(MONTH), 'part-alpha.parquet'))).toEqual(bytes)
})

test.each(['gold_canonical', 'gold_submitter', 'silver', 'parse', 'outbox'])(
  'one flipped byte in %s is found; the part is set aside, never carried over, and made again',
  async (asset) => {
    await using clone = await road.clone()
    const [path = ''] = await partFilesOf(clone, asset)
    const bytes = readFileSync(path)
    await flipByte(clone, asset)
    const found = lines(await fsck(clone.project))
    expect(found.length).toBeGreaterThan(0)
    // A hard link is one file under several names: each of them is told.
    for (const line of found) expect(line).toMatch(/^changed .*has another SHA-256 than/)
    await repair(clone)
    expect(existsSync(path)).toBe(false)
    expect(readFileSync(`${path}.changed`)).not.toEqual(bytes)
    await expectWhole(clone)
    const [again = ''] = await partFilesOf(clone, asset)
    expect(readFileSync(again)).toEqual(bytes)
  },
)

test('a cut part is a changed one', async () => {
  await using clone = await road.clone()
  await cutPart(clone, 'gold_canonical')
  expect(lines(await fsck(clone.project))).toEqual([
    expect.stringMatching(/^changed .*part-alpha\.parquet has 10 bytes, the catalog says \d+$/),
  ])
  await repair(clone)
  await expectWhole(clone)
})

test('a changed part of an old version is forgotten, so that no withdrawal brings it back', async () => {
  await using clone = await road.clone()
  const versions = clone.path(`data/.versions/gold_canonical/MA/medical/atomic_month=2024-02`)
  const { part } = await oldPart(clone)
  const bytes = readFileSync(part)
  bytes.writeUInt8((bytes.readUInt8(40) + 1) % 256, 40)
  // Not through the link: the current version may be the same file.
  rmSync(part)
  writeFileSync(part, bytes)
  expect(part.startsWith(versions)).toBe(true)
  expect(lines(await fsck(clone.project))).toEqual([
    expect.stringMatching(/^changed gold_canonical\[MA\/medical\/2024-02\]: part-beta\.parquet/),
  ])
  expect((await repair(clone)).marked).toBe(0)
  const { submission_id: submission } = await clone.submission('beta/february')
  await clone.decide({ kind: 'withdraw', submission })
  const { canonical } = await clone.run()
  expect(canonical).toEqual(['MA/medical/2024-02 built'])
  await expectWhole(clone)
})

/** beta's part of February before its correction. */
async function oldPart(it: RoadProject): Promise<{ readonly part: string }> {
  const { db } = it.project.catalog
  const row = await db
    .selectFrom('part')
    .innerJoin('build', 'build.id', 'part.build')
    .innerJoin('node', 'node.id', 'build.node')
    .select('part.path')
    .where('node.key', '=', 'MA/medical/2024-02')
    .where('part.name', '=', 'part-beta.parquet')
    .orderBy('part.build')
    .executeTakeFirstOrThrow()
  return { part: join(it.path('data'), row.path) }
}

test('an orphan, a stray and old scratch are found and removed', async () => {
  await using clone = await road.clone()
  const folder = clone.path(`data/.versions/${PATH}/@r99-1`)
  cpSync(clone.published(MONTH), folder, { recursive: true, dereference: true })
  const [manifest = ''] = manifestsOf(clone, PATH)
  writeFileSync(`${manifest}.tmp`, '{')
  const scratch = clone.path(`.tributary/scratch/${'a'.repeat(64)}`)
  mkdirSync(scratch, { recursive: true })
  const kinds = (await fsck(clone.project)).faults.map(({ kind }) => kind)
  expect(kinds).toEqual(['orphan', 'orphan', 'scratch'])
  await repair(clone)
  expect([folder, `${manifest}.tmp`, scratch].filter((path) => existsSync(path))).toEqual([])
  await expectWhole(clone)
})

test.each([
  ['missing', /it has no manifest, its commit number is 1$/, 1],
  ['another text', /manifest 1 is not its commit's$/, 1],
  ['ahead', /its last manifest is 9, its commit number is 1$/, 10],
] as const)('a manifest that is %s is found and written anew', async (what, words, number) => {
  await using clone = await road.clone()
  const [manifest = ''] = manifestsOf(clone, PATH)
  if (what === 'missing') rmSync(manifest)
  else if (what === 'ahead') cpSync(manifest, join(manifest, '../0000000009.json'))
  else writeFileSync(manifest, readFileSync(manifest, 'utf8').replace('"rows": 10', '"rows": 11'))
  const found = lines(await fsck(clone.project))
  expect(found).toEqual([expect.stringMatching(words)])
  expect((await repair(clone)).marked).toBe(0)
  expect((await clone.project.store.lastManifest(PATH))?.number).toBe(number)
  await expectWhole(clone)
})

test('a month that readers do not see is shown again', async () => {
  await using clone = await road.clone()
  rmSync(clone.published(MONTH))
  expect(lines(await fsck(clone.project))).toEqual([
    `projection gold_canonical[${MONTH}]: readers do not see its current version`,
  ])
  await repair(clone)
  expect(existsSync(clone.published(MONTH))).toBe(true)
  await expectWhole(clone)
})
