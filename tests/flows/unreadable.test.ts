/** Files that cannot be read, or change while they are: a clear finding, and nothing is lost. */
import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, rmSync, symlinkSync } from 'node:fs'
import { expect, test } from 'vitest'
import { inboxObserver } from '../../assets/discovered.ts'
import type { Inbox } from '../../assets/inbox.ts'
import { CurrentRegistry } from '../../assets/registry-observer.ts'
import { materialize } from '../../engine/index.ts'
import { encounters, medicalFile, medications, pharmacyFile } from '../support/deliveries.ts'
import { RoadProject } from '../support/project.ts'

const JANUARY = 'MA/medical/2024-01'
const january = (count: number, tag: string) =>
  medicalFile('2024-01', encounters('2024-01', count, tag))

const openFindings = async (road: RoadProject) =>
  road.tables
    .selectFrom('finding')
    .select(['code', 'severity', 'subject', 'words'])
    .where('closed_ms', 'is', null)
    .where('severity', '=', 'error')
    .orderBy('subject')
    .execute()

test('a link in the inbox is a finding until it is gone; other deliveries go on', async () => {
  await using road = await RoadProject.create()
  road.deliver('alpha/good', [january(3, 'a')])
  mkdirSync(road.path('inbox/beta/bad'), { recursive: true })
  symlinkSync('nowhere', road.path('inbox/beta/bad/medical_202401_202401.csv'))
  symlinkSync('medical_202402_202402.csv', road.path('inbox/beta/bad/medical_202402_202402.csv'))
  expect((await road.run()).canonical).toEqual([`${JANUARY} built`])
  expect(await openFindings(road)).toEqual(
    ['01', '02'].map((month) => ({
      code: 'INPUT_UNREADABLE',
      severity: 'error',
      subject: `beta/bad/medical_2024${month}_2024${month}.csv`,
      words: `a file cannot be read: beta/bad/medical_2024${month}_2024${month}.csv (links are not followed)`,
    })),
  )
  // Seen again it is no second finding, and no write.
  expect((await road.run()).report.run).toBeUndefined()
  rmSync(road.path('inbox/beta/bad'), { recursive: true })
  road.deliver('beta/bad', [january(2, 'b')])
  expect((await road.run()).canonical).toEqual([`${JANUARY} built`])
  expect(await openFindings(road)).toEqual([])
})

/** Rights bind everyone but root, who has to become somebody else to feel them. */
const isRoot = process.getuid?.() === 0
const SCRIPT = new URL('run-and-tell.ts', import.meta.url).pathname
const AS_NOBODY = isRoot
  ? ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', process.execPath]
  : [process.execPath]
const [NOBODY = '', ...NOBODYS] = AS_NOBODY
const canRun = spawnSync(NOBODY, [...NOBODYS, '--check', SCRIPT], { cwd: '/' }).status === 0
if (!canRun)
  console.log('left out: a file without rights, because no other user can run this clone')

test.runIf(canRun)('a file without rights holds back its own delivery only', async () => {
  await using road = await RoadProject.create()
  road.deliver('alpha/good', [january(3, 'a')])
  road.deliver('beta/shut', [january(2, 'b')])
  mkdirSync(road.path('inbox/gamma/drop'), { recursive: true })
  chmodSync(road.path('inbox/beta/shut/medical_202401_202401.csv'), 0o000)
  chmodSync(road.path('inbox/gamma/drop'), 0o000)
  const listed = await asNobody(road)
  expect(listed).toEqual({
    canonical: [`${JANUARY} built`],
    findings: [
      expect.stringMatching(/beta\/shut\/medical_202401_202401.csv \(EACCES\)$/),
      'a file cannot be read: gamma/drop (EACCES)',
    ],
  })
  chmodSync(road.path('inbox/beta/shut/medical_202401_202401.csv'), 0o644)
  chmodSync(road.path('inbox/gamma/drop'), 0o755)
  expect((await road.run()).canonical).toEqual([`${JANUARY} built`])
  expect(await road.canonicalRows(JANUARY)).toHaveLength(5)
  expect(await openFindings(road)).toEqual([])
})

/** One run of the project by a user whom rights bind. */
async function asNobody(road: RoadProject): Promise<unknown> {
  if (isRoot) execFileSync('chown', ['-R', '65534:65534', road.root])
  const output = execFileSync(NOBODY, [...NOBODYS, SCRIPT, road.root], {
    encoding: 'utf8',
    cwd: '/',
  })
  return JSON.parse(output) as unknown
}

test('a file that changes before it is landed is a delivery of its own, and nothing fails twice', async () => {
  await using road = await RoadProject.create()
  road.deliver('alpha/moving', [
    january(3, 'old'),
    pharmacyFile('2024-01', medications('2024-01', 2)),
  ])
  const first = await road.run(undefined, {
    onEvent: (event) => {
      // Planned, and not copied yet.
      if (event.type === 'planned') road.deliver('alpha/moving', [january(4, 'new')])
    },
  })
  expect(first.report.failures.map((failure) => [failure.node.asset, failure.code])).toEqual([
    ['raw', 'INPUT_CHANGED'],
  ])
  expect(first.report.status).toBe('partial')
  expect(first.canonical).toEqual(['MA/pharmacy/2024-01 built'])
  const second = await road.run()
  expect(second.report.failures).toEqual([])
  expect(second.brokenPromises).toEqual([])
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
  expect(await road.steps()).toEqual([])
})

test('a file that changes between the listing and the reading waits for the next listing', async () => {
  await using road = await RoadProject.create()
  road.deliver('alpha/moving', [january(3, 'old')])
  const { inbox } = road.platform
  const late: Inbox = {
    ...inbox,
    list: async () => {
      const listing = await inbox.list()
      road.deliver('alpha/moving', [january(4, 'new')], { marker: false })
      return listing
    },
  }
  const registry = new CurrentRegistry(road.root, { sync: true })
  const observer = inboxObserver({
    inbox: late,
    quiescenceMs: 0,
    registry,
    scratch: road.project.scratchRoot,
  })
  const others = road.project.observers.filter(({ name }) => name !== 'inbox')
  const project = { ...road.project, observers: [...others, observer] }
  const actor = { name: 'test', reason: 'a test' }
  expect(
    await materialize(project, { actor, command: 'materialize', concurrency: 1 }),
  ).toMatchObject({ failures: [], counts: { built: 0 } })
  expect([await road.submissions(), await openFindings(road)]).toEqual([[], []])
  expect((await road.run()).canonical).toEqual([`${JANUARY} built`])
  expect(await road.canonicalRows(JANUARY)).toHaveLength(4)
})

test('a file beside a changed one comes along in the new delivery', async () => {
  await using road = await RoadProject.create()
  const february = medicalFile('2024-02', encounters('2024-02', 2, 'b'))
  road.deliver('alpha/moving', [january(3, 'old'), february])
  await road.run(undefined, {
    onEvent: (event) => {
      if (event.type === 'planned') road.deliver('alpha/moving', [january(4, 'new')])
    },
  })
  const { canonical } = await road.run()
  expect(canonical).toEqual(['MA/medical/2024-01 built', 'MA/medical/2024-02 built'])
  const statuses = (await road.submissions()).map((row) => [
    row.status,
    row.first_month,
    row.last_month,
  ])
  expect(statuses).toEqual([
    ['WITHDRAWN', '2024-01', '2024-02'],
    ['VALIDATED', '2024-01', '2024-02'],
  ])
})

test('a file that is gone before it is landed fails until its submission is withdrawn', async () => {
  await using road = await RoadProject.create()
  road.deliver('alpha/gone', [january(3, 'a')])
  const first = await road.run(undefined, {
    onEvent: (event) => {
      if (event.type === 'planned') rmSync(road.path('inbox/alpha/gone'), { recursive: true })
    },
  })
  expect(first.report.failures.map(({ code }) => code)).toEqual(['INPUT_UNREADABLE'])
  expect((await road.run()).report.failures.map(({ code }) => code)).toEqual(['INPUT_UNREADABLE'])
  const { submission_id: submission } = await road.submission('alpha/gone')
  await road.decide({ kind: 'withdraw', submission })
  const { report, log } = await road.run()
  expect([report.failures, log]).toEqual([[], []])
})
