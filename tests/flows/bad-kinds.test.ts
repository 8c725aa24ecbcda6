/**
 * A submission of every bad kind among good ones: each ends in a code, its place and what to do,
 * in a state a person can act on; the good ones are published, and no bad cell's value is told.
 */
import { readFileSync, readdirSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { main } from '../../assets/main.ts'
import { verifyProject } from '../../assets/verify/verify-project.ts'
import type { Precheck } from '../../assets/precheck.ts'
import type { RanRoad } from '../support/project.ts'
import { BAD_DELIVERIES, CANARY } from '../support/bad-deliveries.ts'
import { EXPECTED, OTHERS, OTHER_FORMATS } from './bad-kinds.ts'
import { encounters, medicalFile } from '../support/deliveries.ts'
import { RoadProject } from '../support/project.ts'

const JANUARY = 'MA/medical/2024-01'
const good = (tag: string, count: number) => [
  medicalFile('2024-01', encounters('2024-01', count, tag)),
]

let road: RoadProject
let ran: RanRoad
beforeAll(async () => {
  road = await RoadProject.create()
  road.edit('registry/layouts/pharmacy/synthea.json', (document) => {
    const ingest = document['x-ingest'] as Record<string, unknown>
    ingest['stop'] = { count: 5 }
  })
  road.deliver('alpha/good', good('alpha', 10))
  road.deliver('gamma/first', good('first', 9))
  await road.run()
  const { submission_id: submission } = await road.submission('gamma/first')
  await road.decide({ kind: 'withdraw', submission })
  for (const [drop, files] of Object.entries(BAD_DELIVERIES)) road.deliver(drop, files)
  road.deliver('alpha/again', good('alpha', 10))
  road.deliver('gamma/good', good('gamma', 7))
  ran = await road.run()
})
afterAll(async () => road[Symbol.asyncDispose]())

/** What the submitter reads, in one line; the name of its one file as its ending. */
async function answer(drop: string): Promise<string> {
  const { submitter_id: submitter, submission_id: id } = await road.submission(drop)
  const text = readFileSync(road.path(`data/outbox/${submitter}/${id}/report.json`), 'utf8')
  const { files } = JSON.parse(text) as { readonly files: readonly Precheck[] }
  return files
    .flatMap((one) => [
      ...(one.failed === null ? [] : [`${one.failed.code} ${one.failed.detail}`]),
      ...one.reasons.map(({ code, column, places, what }) => {
        const lines = places.map(({ line }) => line).join(',')
        return `${code} ${column ?? '-'} ${places[0]?.file.split('.').at(-1)}:${lines} ${what}`
      }),
      ...one.control.map(
        ({ record, file, line, declared, counted }) =>
          `${record} ${file.split('.').at(-1)}:${line} declares ${declared}, counted ${counted}`,
      ),
      ...one.fileFindings.map(
        ({ code, file, line, words }) => `${code} ${file.split('.').at(-1)}:${line} ${words}`,
      ),
      ...one.rules
        .filter(({ passed }) => !passed)
        .map((rule) => `${rule.rule} ${rule.record_numbers.join(',') || '-'}`),
      one.next,
    ])
    .join(' ')
}

test.each(Object.entries(EXPECTED))(
  '%s ends in a code, its place and what to do',
  async (...row) => {
    const [drop, [status, code, words]] = row
    const { status: found, status_code: foundCode } = await road.submission(drop)
    expect([found, foundCode, await answer(drop)]).toEqual([
      status,
      code,
      expect.stringMatching(words),
    ])
  },
)

test.each(Object.entries(OTHERS))('%s has a state and words for a person', async (...row) => {
  const [drop, [status, code, words]] = row
  const found = await road.submission(drop)
  expect([found.status, found.status_code]).toEqual([status, code])
  expect(found.status_words).toMatch(words)
})

test('every bad delivery is looked for, and a format that no layout names wins nothing', async () => {
  const known = [...Object.keys(EXPECTED), ...Object.keys(OTHERS), ...OTHER_FORMATS]
  expect([...known].toSorted()).toEqual([...Object.keys(BAD_DELIVERIES), 'alpha/again'].toSorted())
  for (const drop of OTHER_FORMATS) {
    const { status, status_code: code } = await road.submission(drop)
    expect([
      drop,
      code === null,
      /^(?:NEEDS_REVIEW|QUARANTINED|PARSE_FAILED)$/.test(status),
    ]).toEqual([drop, false, true])
  }
})

test('good submissions are published with their rows, and nothing is left to do', async () => {
  expect([ran.report.failures, ran.brokenPromises]).toEqual([[], []])
  const rows = await road.canonicalRows(JANUARY, ['submitter_id', 'count(*) over () as total'])
  const count = (submitter: string) =>
    rows.filter((row) => row['submitter_id'] === submitter).length
  expect([count('alpha'), count('gamma'), count('stranger')]).toEqual([10, 7, 0])
  expect(await road.steps()).toEqual([])
})

test('every invariant of the project holds beside them', async () => {
  const results = await verifyProject(road.platform, { deep: true })
  expect(results.filter(({ holds }) => !holds)).toEqual([])
})

/** What a command prints, on both streams. */
async function printed(...argv: readonly string[]): Promise<string> {
  const texts: string[] = []
  const stream = {
    write: (text: string | Uint8Array) => texts.push(String(text)) > 0,
    on: () => undefined,
  }
  await main(['--project', road.root, ...argv], { stdout: stream, stderr: stream })
  return texts.join('')
}

test('no bad cell is told in the catalog, in reports and manifests, or by a command', async () => {
  const { db } = road.project.catalog
  const told: string[] = []
  const look = (place: string, text: string): void => {
    if (text.includes(CANARY) || text.includes('Zanzibar')) told.push(place)
  }
  for (const { name } of await db.introspection.getTables()) {
    const rows = await db
      .selectFrom(name as 'node')
      .selectAll()
      .execute()
    look(`table ${name}`, JSON.stringify(rows))
  }
  const HELD = /^(?:\.versions\/)?(?:raw\/.*\/data\/|silver\/.*\.parquet|rejects\/.*\.jsonl|gold_)/
  let searched = 0
  for (const entry of readdirSync(road.path('data'), { recursive: true, withFileTypes: true })) {
    const path = `${entry.parentPath}/${entry.name}`.slice(road.path('data').length + 1)
    if (!entry.isFile() || HELD.test(path)) continue
    searched += 1
    look(path, readFileSync(road.path(`data/${path}`), 'utf8'))
  }
  expect(searched).toBeGreaterThan(100)
  // Where data may be it is: so it would have been seen.
  const { submission_id: dates } = await road.submission('beta/dates')
  const held = road.path(`data/rejects/beta/medical/${dates}/part-00000.jsonl`)
  expect(readFileSync(held, 'utf8')).toContain(CANARY)
  const ids = (await road.submissions()).map((row) => row.submission_id)
  for (const id of ids) look(`show ${id}`, await printed('submissions', 'show', id, '--json'))
  for (const id of ids) look(`rejects ${id}`, await printed('rejects', id))
  for (const words of ['submissions list', 'findings', 'status', 'plan', 'runs', 'logs 2']) {
    look(words, await printed(...words.split(' '), '--json'))
  }
  expect(told).toEqual([])
})

test('what needs a person is listed with its code, and a refused file with the command that names its records', async () => {
  const { findings } = JSON.parse(await printed('findings', '--json')) as {
    readonly findings: readonly {
      readonly code: string
      readonly submission: string
      readonly words: string
    }[]
  }
  const stopped = (await road.submissions()).filter(({ status }) =>
    /^(?:QUARANTINED|NEEDS_REVIEW|PARSE_FAILED|VALIDATION_FAILED)$/.test(status),
  )
  const missing = stopped.filter(
    ({ submission_id: id }) => !findings.some((one) => one.submission === id),
  )
  expect(missing.map((row) => row.drop_path)).toEqual([])
  const { submission_id: dates } = await road.submission('beta/dates')
  expect(findings).toContainEqual(
    expect.objectContaining({
      code: 'RULE layout_rejects',
      words: `3 of 40 records were refused: tributary rejects ${dates}`,
    }),
  )
})
