/** `materialize --verify`: what the store lost is made again, the same bytes; nothing else is. */
import { createHash } from 'node:crypto'
import { copyFileSync, existsSync, readFileSync, readdirSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { catalogRevision, makePlan, verifyStore } from '../../engine/index.ts'
import type { RanRoad, RoadProject } from '../support/project.ts'
import { cutPart, partFilesOf, removePart } from './damage.ts'
import { soundRoad, verdictOn } from './verified-road.ts'

let road: RoadProject
beforeAll(async () => {
  road = await soundRoad()
})
afterAll(async () => road[Symbol.asyncDispose]())

const runVerified = async (it: RoadProject): Promise<RanRoad> =>
  it.run(undefined, { also: [await verifyStore(it.project)] })

const revisionOf = async (it: RoadProject): Promise<number> =>
  catalogRevision(it.project.catalog.db)

/** What readers find: path → SHA-256, links followed. */
function shown(it: RoadProject): Readonly<Record<string, string>> {
  const found: Record<string, string> = {}
  const visit = (folder: string): void => {
    for (const entry of readdirSync(it.path(folder))) {
      const path = `${folder}/${entry}`
      if (entry.startsWith('.')) continue
      if (/\.[a-z]+$/.test(entry)) {
        found[path] = createHash('sha256')
          .update(readFileSync(it.path(path)))
          .digest('hex')
      } else visit(path)
    }
  }
  visit('data')
  return found
}

test('a sound store is looked at and nothing is written', async () => {
  await using clone = await road.clone()
  await clone.run()
  const revision = await revisionOf(clone)
  const { report, plan } = await runVerified(clone)
  expect([report.run, plan.steps]).toEqual([undefined, []])
  expect(await revisionOf(clone)).toBe(revision)
})

test.each([
  ['gold_canonical', /^gold_canonical MA\/medical\/2024-01 built$/],
  ['gold_submitter', /^gold_submitter MA\/medical\/alpha\/2024-01 reused$/],
  ['silver', /^parse alpha\/medical\/.* cutoff$/],
  ['rejects', /^parse alpha\/medical\/.* cutoff$/],
  ['parse', /^parse alpha\/medical\/.* built$/],
  ['validation_report', /^validation_report alpha\/medical\/.* built$/],
  ['raw', /^raw alpha\/medical\/.* built$/],
])('a lost part of %s is made again, byte for byte, and nothing else', async (asset, line) => {
  await using clone = await road.clone()
  const before = shown(clone)
  await removePart(clone, asset)
  const plan = await makePlan(clone.project, {
    actor: { name: 'test', reason: '' },
    also: [await verifyStore(clone.project)],
  })
  expect(plan.steps[0]?.causes[0]).toMatchObject({ kind: 'missing' })
  expect(plan.steps[0]?.causes[0]?.reason).toMatch(new RegExp(`^${asset}\\[.*is not in the store$`))
  const { log, brokenPromises } = await runVerified(clone)
  expect([log.length, brokenPromises]).toEqual([1, []])
  expect(log[0]).toMatch(line)
  expect(shown(clone)).toEqual(before)
  expect((await verdictOn(clone, { deep: true })).broken).toEqual([])
  const revision = await revisionOf(clone)
  await runVerified(clone)
  expect(await revisionOf(clone)).toBe(revision)
})

test('a cut part is made again as a lost one is', async () => {
  await using clone = await road.clone()
  const before = shown(clone)
  await cutPart(clone, 'gold_canonical')
  expect((await runVerified(clone)).canonical).toEqual(['MA/medical/2024-01 built'])
  expect(shown(clone)).toEqual(before)
})

test('a whole version area that is lost comes back from raw', async () => {
  await using clone = await road.clone()
  const before = shown(clone)
  for (const zone of [
    'silver',
    'rejects',
    'gold_submitter',
    'gold_canonical',
    'validation',
    'outbox',
  ]) {
    rmSync(clone.path(`data/.versions/${zone}`), { recursive: true })
  }
  const { report, brokenPromises } = await runVerified(clone)
  expect([report.status, brokenPromises]).toEqual(['succeeded', []])
  expect(shown(clone)).toEqual(before)
})

test('a link that somebody swapped is put right, and nothing is built', async () => {
  await using clone = await road.clone()
  const before = shown(clone)
  rmSync(clone.published('MA/medical/2024-02'))
  symlinkSync('atomic_month=2024-03', clone.published('MA/medical/2024-02'))
  const { log, plan } = await runVerified(clone)
  expect([log, plan.steps]).toEqual([[], []])
  expect(shown(clone)).toEqual(before)
})

test('only what is selected is looked at', async () => {
  await using clone = await road.clone()
  await removePart(clone, 'gold_canonical')
  const other = await verifyStore(clone.project, { selection: 'silver' })
  expect(other.apply).toBeUndefined()
  const own = await verifyStore(clone.project, {
    selection: 'gold_canonical[atomic_month=2024-01]',
  })
  expect(own.apply).toBeDefined()
})

test('raw whose inbox copy is gone cannot be made again: it is said, nothing else is lost', async () => {
  await using own = await soundRoad()
  const before = shown(own)
  const [path = ''] = await partFilesOf(own, 'raw')
  copyFileSync(path, own.path('backup'))
  rmSync(path)
  rmSync(own.path('inbox/alpha'), { recursive: true })
  const { report, log } = await runVerified(own)
  expect(report.status).toBe('failed')
  expect(report.failures.map((failure) => failure.code)).toEqual(['INPUT_UNREADABLE'])
  expect(report.failures[0]?.text).toMatch(
    /inbox\/alpha\/q1\/medical_202401_202403\.csv \(ENOENT\)/,
  )
  expect(log).toHaveLength(1)
  const { broken, of } = await verdictOn(own)
  expect(broken).toEqual(['I1', 'I3', 'I5'])
  expect(of('I5').words).toMatch(/data\/medical_202401_202403\.csv is not in the store/)
  // A person puts the backup in its place: the mark goes, and nothing is built.
  copyFileSync(own.path('backup'), path)
  expect((await runVerified(own)).log).toEqual([])
  expect(existsSync(join(path))).toBe(true)
  expect([shown(own), (await verdictOn(own)).broken]).toEqual([before, []])
})
