/** Versions on the command line: what changed, what was, and going back. */
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { encounters, medicalFile } from '../support/deliveries.ts'
import { CliProject } from './cli-project.ts'

const MONTH = 'gold_canonical/MA/medical/2024-01'

let standing: CliProject
beforeAll(async () => {
  standing = await CliProject.create()
  await standing.run(['materialize'])
  // Five rows were delivered: one of them is gone, one is new, one is corrected.
  const [first = {}, ...rest] = encounters('2024-01', 6, 'a').slice(1)
  const corrected = { ...first, CODE: '99' }
  standing.deliver('alpha/correction', medicalFile('2024-01', [corrected, ...rest]))
  await standing.run(['materialize'])
})
afterAll(() => standing[Symbol.dispose]())

/** What was delivered stays taken in; copied files would look new. */
function copy(): CliProject {
  const project = standing.clone()
  rmSync(join(project.root, 'inbox'), { recursive: true })
  mkdirSync(join(project.root, 'inbox'))
  return project
}

const json = async (project: CliProject, argv: readonly string[]) => {
  const { code, stdout, stderr } = await project.run([...argv, '--json'])
  if (code !== 0) throw new Error(stderr)
  return JSON.parse(stdout)
}

test('diff counts rows by key and columns, and shows the rows that differ', async () => {
  const found = await json(standing, ['diff', MONTH])
  expect(found).toMatchObject({
    from: { commit_number: 1, rows: 9, current: false },
    to: { commit_number: 2, rows: 9, current: true },
    key: ['submitter_id', 'member_id', 'encounter_id'],
    rows: { added: 1, removed: 1, changed: 1, unchanged: 7 },
    sample: [],
  })
  const unequal = found.columns.filter(
    (column: { equal: number; compared: number }) => column.equal < column.compared,
  )
  expect(unequal).toEqual([
    { column: 'code', equal: 7, compared: 8, lineage: false },
    { column: 'source_submission_id', equal: 4, compared: 8, lineage: true },
    { column: 'canonical_built_at', equal: 4, compared: 8, lineage: true },
  ])
  const { stdout } = await standing.run(['diff', MONTH])
  expect(stdout).toMatch(
    /1 added · 1 removed · 1 changed · 7 unchanged .* 1 part the same, not read/,
  )
  expect(stdout).toMatch(/\n {2}~ submitter_id="alpha" .* code: ".*" → "99"\n/)
})

test('without a key whole rows are counted; with --key the person says what tells rows apart', async () => {
  const submission = await standing.submission('alpha/correction')
  const silver = `silver/alpha/medical/${submission}/2024-01`
  const { code, stderr } = await standing.run(['diff', silver])
  expect([code, stderr]).toEqual([2, expect.stringContaining('no version before commit 1')])
  const found = await json(standing, ['diff', MONTH, '--key', 'member_id', '--rows', '1'])
  expect(found.sample).toHaveLength(1)
  const wrong = await standing.run(['diff', MONTH, '--key', 'nothing'])
  expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringContaining('nothing')])
})

test('query --as-of reads what was committed then, after a run or at an instant', async () => {
  const count = 'select count(*) as n from gold_canonical.medical where code = 99'
  const at = async (...when: readonly string[]): Promise<number> =>
    (await json(standing, ['query', count, ...when]))[0].n
  const { versions } = await json(standing, ['rollback', MONTH])
  expect(versions).toMatchObject([
    { commit_number: 2, current: true },
    { commit_number: 1, current: false },
  ])
  expect([await at(), await at('--as-of', '1'), await at('--as-of', '2')]).toEqual([1, 0, 1])
  expect(await at('--as-of', versions[0].committed_at)).toBe(1)
  expect(await at('--as-of', versions[1].committed_at)).toBe(0)
  const future = await standing.run(['query', count, '--as-of', '9'])
  expect([future.code, future.stderr]).toEqual([2, expect.stringContaining('no run 9')])
})

test('rollback shows the earlier rows at once, and every view of the project says so', async () => {
  using project = copy()
  const back = await json(project, ['rollback', MONTH, '--to', '1', '--reason', 'bad file'])
  expect(back).toMatchObject({ rolled_back_to: { commit_number: 1 }, run: 3 })
  const codes = 'select count(*) as n from gold_canonical.medical where code = 99'
  expect(await json(project, ['query', codes])).toEqual([{ n: 0 }])
  const plan = await json(project, ['plan'])
  expect([plan.steps, plan.waiting]).toMatchObject([[], [{ verdict: 'hold' }]])
  expect(await json(project, ['explain', MONTH])).toMatchObject({
    waiting:
      'rolled back to commit 1 by tester: bad file; it takes nothing new until rollback --clear',
    dirty: null,
    would_rebuild_if: [{ slot: `rollback[${MONTH}]` }],
    builds: [{ outcome: 'reused', commit_number: 3 }, {}, {}],
  })
  const { stdout } = await project.run(['status', '--keys', 'gold_canonical'])
  expect(stdout).toContain('rolled back to commit 1 by tester: bad file')
  await json(project, ['rollback', MONTH, '--clear', '--reason', 'corrected'])
  await project.run(['materialize'])
  expect(await json(project, ['query', codes])).toEqual([{ n: 1 }])
  expect(await json(project, ['diff', MONTH, '--from', '2', '--to', '4'])).toMatchObject({
    rows: { added: 0, removed: 0, changed: 0, unchanged: 9 },
  })
})

test('what is not kept any more is named, with what is', async () => {
  using project = copy()
  project.write('tributary.json', JSON.stringify({ retain_versions: 1 }))
  for (const count of [7, 8]) {
    project.deliver(`alpha/again-${count}`, medicalFile('2024-01', encounters('2024-01', count)))
    await project.run(['materialize'])
  }
  const back = await project.run(['rollback', MONTH, '--to', '1', '--reason', 'bad file'])
  expect([back.code, back.stderr]).toEqual([
    2,
    expect.stringMatching(/kept: commit 4\n.*retain_versions/s),
  ])
  const then = await project.run(['query', 'from gold_canonical.medical', '--as-of', '1'])
  expect([then.code, then.stderr]).toEqual([
    2,
    expect.stringContaining('gold_canonical[MA/medical/2024-01]'),
  ])
})

test('what came before a catalog was restored is not known, and query says so', async () => {
  using project = copy()
  rmSync(join(project.root, '.tributary/catalog.db'))
  for (const ending of ['-wal', '-shm']) {
    rmSync(join(project.root, `.tributary/catalog.db${ending}`), { force: true })
  }
  await project.run(['rebuild-catalog'])
  const then = '2024-01-01T00:00Z'
  const asked = await project.run(['query', 'from gold_canonical.medical', '--as-of', then])
  expect([asked.code, asked.stderr]).toEqual([
    2,
    expect.stringContaining('2024-01-01T00:00:00.000Z'),
  ])
})
