/** `intake.after`: landed files leave the inbox, everything else stays. */
import { existsSync, readdirSync, rmSync } from 'node:fs'
import { expect, test } from 'vitest'
import type { Inbox } from '../../assets/inbox.ts'
import { sweepInbox } from '../../assets/inbox-sweep.ts'
import { EngineError } from '../../engine/index.ts'
import { encounters, fileName, medicalFile } from '../support/deliveries.ts'
import { RoadProject } from '../support/project.ts'

const JANUARY = 'MA/medical/2024-01'
const january = (count: number, tag: string) =>
  medicalFile('2024-01', encounters('2024-01', count, tag))

/** What lies in the inbox, files only. */
const lying = (road: RoadProject): readonly string[] =>
  readdirSync(road.path('inbox'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => `${entry.parentPath.slice(road.path('inbox').length + 1)}/${entry.name}`)
    .toSorted()
const remembered = async (road: RoadProject): Promise<readonly string[]> =>
  (await road.tables.selectFrom('inbox_object').select('path').orderBy('path').execute()).map(
    ({ path }) => path,
  )

test('a folder keeps what was landed, and reads it no second time', async () => {
  await using road = await RoadProject.create()
  road.deliver('alpha/drop', [january(3, 'a')])
  await road.run()
  expect(lying(road)).toEqual(['alpha/drop/_SUCCESS', `alpha/drop/${january(3, 'a').name}`])
  expect((await road.run()).report.run).toBeUndefined()
})

test('landed files go, then their marker; the same name again is a new delivery', async () => {
  await using road = await RoadProject.create({ after: 'delete' })
  road.deliver('alpha/drop', [january(3, 'a')])
  road.write(`inbox/beta/${january(2, 'b').name}`, january(2, 'b').content)
  expect((await road.run()).canonical).toEqual([`${JANUARY} built`])
  expect([lying(road), await remembered(road)]).toEqual([[], []])
  expect([existsSync(road.path('inbox/alpha')), existsSync(road.path('inbox/alpha/drop'))]).toEqual(
    [true, false],
  )
  expect((await road.run()).report.run).toBeUndefined()
  road.deliver('alpha/drop', [january(4, 'a')])
  expect((await road.run()).canonical).toEqual([`${JANUARY} built`])
  expect(await road.canonicalRows(JANUARY)).toHaveLength(6)
  // Bytes that are in raw already go as well.
  road.deliver('alpha/drop', [january(4, 'a')])
  expect((await road.run()).log).toEqual([])
  expect([lying(road), await remembered(road)]).toEqual([[], []])
  const statuses = (await road.submissions()).map(({ status }) => status)
  expect(statuses.toSorted()).toEqual(['DUPLICATE', 'VALIDATED', 'VALIDATED', 'VALIDATED'])
})

test('what is put aside or waits for review stays, with its marker, until it is landed', async () => {
  await using road = await RoadProject.create({ after: 'delete' })
  const page = '<!DOCTYPE html><html><body>Your session has ended</body></html>'
  const html = fileName('medical', '2024-02')
  road.deliver('alpha/mixed', [january(3, 'a'), { name: html, content: page }])
  road.deliver('delta/drop', [january(2, 'd')])
  road.deliver('alpha/half', [{ name: 'claims.csv.part', content: 'x' }], { marker: false })
  expect((await road.run()).canonical).toEqual([`${JANUARY} built`])
  const aside = ['alpha/half/claims.csv.part', 'alpha/mixed/_SUCCESS', `alpha/mixed/${html}`]
  const review = ['delta/drop/_SUCCESS', `delta/drop/${january(2, 'd').name}`]
  expect(lying(road)).toEqual([...aside, ...review])
  road.edit('registry/submitters.json', (document) => ({
    submitters: [...(document['submitters'] as object[]), { id: 'delta', state: 'MA' }],
  }))
  expect((await road.run()).canonical).toEqual([`${JANUARY} built`])
  expect(lying(road)).toEqual(aside)
  // Once somebody took the page away, nothing holds the marker.
  rmSync(road.path(`inbox/alpha/mixed/${html}`))
  rmSync(road.path('inbox/alpha/mixed/_SUCCESS'))
  await road.run()
  expect(lying(road)).toEqual(['alpha/half/claims.csv.part'])
})

test('a file that is replaced after it was landed is never swept unread', async () => {
  await using road = await RoadProject.create({ after: 'delete' })
  road.deliver('alpha/drop', [january(3, 'a')])
  const { canonical } = await road.run(undefined, {
    onEvent: (event) => {
      const isLanded = event.type === 'finished' && event.node.asset === 'raw'
      if (isLanded) road.deliver('alpha/drop', [january(5, 'new')])
    },
  })
  expect(canonical).toEqual([`${JANUARY} built`])
  expect(lying(road)).toEqual(['alpha/drop/_SUCCESS', `alpha/drop/${january(5, 'new').name}`])
  expect((await road.run()).canonical).toEqual([`${JANUARY} built`])
  expect(await road.canonicalRows(JANUARY)).toHaveLength(5)
  expect(lying(road)).toEqual([])
})

test('a failed run sweeps what it landed, and leaves the rest', async () => {
  await using road = await RoadProject.create({ after: 'delete' })
  road.deliver('alpha/gone', [january(3, 'a')])
  road.deliver('beta/good', [january(2, 'b')])
  const { report } = await road.run(undefined, {
    onEvent: (event) => {
      if (event.type === 'planned') rmSync(road.path(`inbox/alpha/gone/${january(3, 'a').name}`))
    },
  })
  expect(report.failures.map(({ code }) => code)).toEqual(['INPUT_UNREADABLE'])
  expect(lying(road)).toEqual(['alpha/gone/_SUCCESS'])
})

test('what cannot be removed is one finding until it can', async () => {
  await using road = await RoadProject.create()
  road.deliver('alpha/drop', [january(3, 'a')])
  await road.run()
  const { inbox } = road.platform
  const locked: Inbox = {
    ...inbox,
    remove: async ({ path }) => {
      throw new EngineError('INPUT_UNREADABLE', { path, reason: 'EACCES' })
    },
  }
  const open = async () =>
    road.tables
      .selectFrom('finding')
      .select(['code', 'severity'])
      .where('closed_ms', 'is', null)
      .execute()
  const sweep = { project: road.project, inbox: locked, nowMs: 1 }
  for (const _ of [1, 2]) expect(await sweepInbox(sweep)).toMatchObject({ removed: 0 })
  expect(await open()).toEqual([{ code: 'INBOX_SWEEP', severity: 'warning' }])
  expect(await sweepInbox({ ...sweep, inbox })).toEqual({ removed: 2, gone: 0, changed: 0 })
  expect(await open()).toEqual([])
  // The file, then its marker: what was removed is on record.
  const audited = road.project.catalog.db.selectFrom('audit').select(['actor', 'subject'])
  expect(await audited.where('action', '=', 'landed').execute()).toEqual([
    { actor: 'inbox', subject: '1 file' },
    { actor: 'inbox', subject: '1 file' },
  ])
})
