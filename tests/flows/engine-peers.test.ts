import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'kysely'
import { afterEach, describe, expect, test } from 'vitest'
import { makePlan, materialize } from '../../engine/index.ts'
import type { Project, RunOptions } from '../../engine/index.ts'
import type { Case } from '../bench/peers/cases.ts'
import { CASES, edit, generate, staleOutputs, takeLog } from '../bench/peers/cases.ts'
import { openPeers } from '../bench/peers/job.ts'
import type { Database } from '../support/engine-project.ts'
import { DATABASES } from '../support/engine-project.ts'
import { freshDatabase } from '../support/postgres.ts'

const options: RunOptions = {
  actor: { name: 'test', reason: 'test' },
  command: 'materialize',
  concurrency: 2,
}

/** What a plan says before the run: the first changed asset is certain, the rest only follows. */
const VERDICTS: Readonly<Record<Case, readonly string[]>> = {
  b: [],
  c: ['build silver', 'maybe gold', 'maybe canonical'],
  d: ['build canonical'],
  e: [],
  f1: [],
  f2: [],
  g: ['build silver', 'maybe gold', 'maybe canonical'],
}

let close: (() => Promise<void>) | undefined
afterEach(async () => {
  await close?.()
  close = undefined
})

async function open(database: Database, n: number): Promise<{ root: string; project: Project }> {
  const root = mkdtempSync(join(tmpdir(), 'tributary-peers-'))
  generate(root, n)
  const server = database === 'postgres' ? await freshDatabase() : undefined
  const project = await openPeers({ root, durable: false, ...(server && { url: server.url }) })
  close = async () => {
    await project.catalog.close()
    await server?.close()
    rmSync(root, { recursive: true, force: true })
  }
  return { root, project }
}

/** Every row count there is: a run that wrote anything changes it. */
async function rowCounts({ catalog }: Project): Promise<readonly unknown[]> {
  const { rows } = await sql`select
    (select revision from catalog) as revision, (select count(*) from node) as nodes,
    (select count(*) from version) as versions, (select count(*) from edge) as edges,
    (select count(*) from build) as builds, (select count(*) from part) as parts,
    (select count(*) from run) as runs, (select count(*) from audit) as audits,
    (select count(*) from event) as events, (select count(*) from dirty) as dirty,
    (select count(*) from intent) as intents, (select max(fence) from lease) as leases`.execute(
    catalog.db,
  )
  return rows
}

describe.each(DATABASES)('the peers’ job on %s', (database) => {
  const n = database === 'sqlite' ? 30 : 20

  test('each of the eight cases executes exactly the builds needed, as its plan said', async () => {
    const { root, project } = await open(database, n)
    const plan = await makePlan(project, options)
    expect(plan.steps.map((step) => step.verdict)).toEqual(
      Array.from({ length: 2 * n + n / 10 }, () => 'build'),
    )
    await materialize(project, options)
    expect(takeLog(root)).toHaveLength(2 * n + n / 10)
    expect(staleOutputs(root, n)).toBe(0)
    for (const [round, name] of CASES.entries()) {
      const needed = edit(root, name, { n, round })
      const { steps } = await makePlan(project, options)
      const said = [...new Set(steps.map((step) => `${step.verdict} ${step.asset}`))]
      expect([name, said]).toEqual([name, VERDICTS[name]])
      await materialize(project, options)
      expect([name, takeLog(root)]).toEqual([name, needed])
      expect([name, (await makePlan(project, options)).steps]).toEqual([name, []])
      expect(staleOutputs(root, n)).toBe(0)
    }
  })

  test('an unchanged run opens no write transaction and writes no row', async () => {
    const { root, project } = await open(database, 10)
    await materialize(project, options)
    takeLog(root)
    const before = await rowCounts(project)
    const report = await materialize(project, options)
    expect([report.run, takeLog(root), await rowCounts(project)]).toEqual([undefined, [], before])
  })
})

test('an edit of a mapping tells the pointer that changed', async () => {
  const { root, project } = await open('sqlite', 20)
  await materialize(project, options)
  edit(root, 'd', { n: 20, round: 1 })
  const { steps } = await makePlan(project, options)
  expect(steps.map(({ asset, key, causes }) => [asset, key, causes])).toMatchObject([
    ['canonical', '1', [{ kind: 'input', asset: 'mapping', key: '1', pointers: ['/R3'] }]],
  ])
})
