/** What commands do, beside how they print it: decisions, looks at rows, tries, queries, retries. */
import { readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { encounters, medicalFile } from '../support/deliveries.ts'
import { CliProject } from './cli-project.ts'

let fresh: CliProject
let built: CliProject
let project: CliProject

beforeAll(async () => {
  fresh = await CliProject.create()
  built = fresh.clone()
  await built.run(['materialize'])
  // A copied file is another file: the copies would be looked at as new deliveries.
  rmSync(join(built.root, 'inbox'), { recursive: true })
})
afterAll(() => {
  fresh[Symbol.dispose]()
  built[Symbol.dispose]()
})
beforeEach(() => {
  project = built.clone()
})
afterEach(() => project[Symbol.dispose]())

/** Starts the test over with nothing built. */
const startFresh = (): void => {
  project[Symbol.dispose]()
  project = fresh.clone()
}

const json = async <Value>(...argv: string[]): Promise<Value> => {
  const { stdout, stderr } = await project.run([...argv, '--json'])
  expect(stderr).toBe('')
  return JSON.parse(stdout) as Value
}

interface PlanJson {
  readonly id: string
  readonly steps: readonly { readonly asset: string; readonly verdict: string }[]
  readonly waiting: readonly { readonly verdict: string; readonly select?: string }[]
}
const stepsOf = (plan: PlanJson): readonly string[] =>
  plan.steps.map(({ asset, verdict }) => `${asset} ${verdict}`)

const QUERY = 'select submitter_id, count(*) as n from gold_canonical.medical group by 1 order by 1'

test('a decision needs a reason, is recorded, and shows what the next run does', async () => {
  const id = await project.submission('beta/2024-01')
  expect((await project.run(['submissions', 'withdraw', id])).code).toBe(2)
  const done = await json<{ plan: PlanJson }>(
    'submissions',
    'withdraw',
    id,
    '--reason',
    'by mistake',
  )
  expect(stepsOf(done.plan)).toEqual(['gold_submitter retire', 'gold_canonical reuse'])
  expect((await project.run(['submissions', 'withdraw', id, '--reason', 'again'])).code).toBe(4)
  await project.run(['materialize'])
  expect(await json('query', QUERY)).toEqual([{ submitter_id: 'alpha', n: 5 }])
  const shown = await json<{ status: string; decisions: readonly object[] }>(
    'submissions',
    'show',
    id,
  )
  expect(shown.status).toBe('WITHDRAWN')
  expect(shown.decisions).toMatchObject([
    { actor: 'tester', action: 'withdraw', reason: 'by mistake' },
  ])
})

test('a saved plan is applied as it was looked at, or not at all', async () => {
  startFresh()
  const file = join(project.root, 'plan.json')
  await project.run(['plan', 'raw', '-o', file])
  expect((await project.run(['materialize', '--plan', file])).code).toBe(0)
  const later = await json<PlanJson>('plan')
  expect(stepsOf(later)).not.toContain('raw build')
  expect((await project.run(['materialize', '--plan', file])).code).toBe(4)
})

test('a selection over a parent that is not built waits, and says what to add', async () => {
  startFresh()
  await project.run(['materialize', 'raw'])
  const plan = await json<PlanJson>('plan', 'measure')
  expect(stepsOf(plan)).toEqual([])
  expect(plan.waiting.every(({ verdict }) => verdict === 'upstream')).toBe(true)
  const { select = '' } = plan.waiting[0] ?? {}
  expect(stepsOf(await json<PlanJson>('plan', select))).toContain('parse build')
})

test('--what-if plans with a draft and changes nothing', async () => {
  const place = 'mappings/medical/synthea/v1.json'
  const draft = join(project.root, 'draft.json')
  const text = readFileSync(join(project.root, place), 'utf8')
  writeFileSync(draft, text.replace('{ "source": "CODE" }', '{ "const": "none" }'))
  const plan = await json<PlanJson>('plan', '--what-if', `${place}=${draft}`)
  expect(stepsOf(plan)).toEqual(['gold_canonical build'])
  expect(stepsOf(await json<PlanJson>('plan'))).toEqual([])
})

test('rejects show no value; --raw does, with a reason on record', async () => {
  const { name, content } = medicalFile('2024-02', encounters('2024-02', 400, 'c'))
  const text = content.toString().replace(/2024-02-\d\dT[\d:]+Z/, '2024-02-99T00:00:00Z')
  project.deliver('alpha/2024-02', { name, content: text })
  await project.run(['materialize'])
  const id = await project.submission('alpha/2024-02')
  const masked = await project.run(['rejects', id])
  expect(masked.stdout).toMatch(/medical_202402_202402\.csv +2 +\S+ START/)
  expect(masked.stdout).not.toContain('2024-02-99')
  expect((await project.run(['rejects', id, '--raw'])).code).toBe(2)
  const raw = await project.run(['rejects', id, '--raw', '--reason', 'to send back'])
  expect(raw.stdout).toContain('2024-02-99')
  const shown = await json<{ decisions: readonly object[] }>('submissions', 'show', id)
  expect(shown.decisions).toMatchObject([{ action: 'rejects.raw', reason: 'to send back' }])
})

test('a query is one SELECT over what is committed', async () => {
  expect(await json('query', QUERY)).toEqual([
    { submitter_id: 'alpha', n: 5 },
    { submitter_id: 'beta', n: 4 },
  ])
  const csv = await project.run(['query', '--format', 'csv', QUERY])
  expect(csv.stdout).toBe('submitter_id,n\nalpha,5\nbeta,4\n')
  const md = await project.run(['query', '--format', 'md', QUERY])
  expect(md.stdout).toBe('| submitter_id | n |\n| --- | --- |\n| alpha | 5 |\n| beta | 4 |\n')
  const file = join(project.root, 'out.csv')
  for (const refused of [
    `copy (select 1) to '${file}'`,
    `select 1; copy (select 1) to '${file}'`,
    `select 1) to '${file}'`,
    'drop table x',
    `select * from read_csv('/etc/passwd')`,
    'select no_such_column from gold_canonical.medical',
  ]) {
    const ran = await project.run(['query', refused])
    expect({ refused, code: ran.code, printed: ran.stdout }).toEqual({
      refused,
      code: 2,
      printed: '',
    })
  }
})

test('the order a query asks for is kept', async () => {
  const rows = await json<readonly { encounter_id: string }[]>(
    'query',
    'select encounter_id from gold_canonical.medical order by encounter_id desc',
  )
  const ids = rows.map((row) => row.encounter_id)
  expect(ids).toEqual(ids.toSorted().toReversed())
})

test('retry builds what failed, and what waited for it', async () => {
  startFresh()
  const place = 'mappings/medical/synthea/v1.json'
  const [good, bad] = ['{ "source": "START" }', '{ "source": "DESCRIPTION", "cast": "TIMESTAMP" }']
  project.edit(place, good, bad)
  expect((await project.run(['materialize'])).code).toBe(1)
  project.edit(place, bad, good)
  const ran = await project.run(['retry', '--json'])
  expect(ran.code).toBe(0)
  expect(JSON.parse(ran.stdout.trim().split('\n').at(-1) ?? '')).toMatchObject({
    built: 1,
    failed: 0,
  })
  expect((await project.run(['retry'])).stdout).toMatch(/^Nothing failed in run \d+\n$/)
})

test('registry: a sync takes edits over without building; tests and tries store nothing', async () => {
  const place = 'mappings/medical/synthea/v1.json'
  project.edit(place, '{ "source": "CODE" }', '{ "const": "none" }')
  const diff = await json<{ changes: readonly object[]; plan: PlanJson }>('registry', 'diff')
  expect(diff.changes).toMatchObject([{ kind: 'changed', what: 'mapping' }])
  expect(stepsOf(diff.plan)).toEqual(['gold_canonical build'])
  expect((await project.run(['registry', 'sync'])).code).toBe(0)
  expect((await json<{ changes: readonly object[] }>('registry', 'sync')).changes).toEqual([])
  expect(stepsOf(await json<PlanJson>('plan', '--no-sync'))).toEqual(['gold_canonical build'])
  const tested = await project.run(['registry', 'test', 'medical/synthea'])
  expect(tested.code).toBe(1)
  expect(tested.stdout).toContain('row 1  code: expected "00123", is "none"')
  const sample = medicalFile('2024-01', encounters('2024-01', 5, 'a'))
  project.write(sample.name, sample.content)
  const file = join(project.root, sample.name)
  const tried = await json<{ verdict: string; accepted: number; rows: readonly object[] }>(
    'registry',
    'try',
    'medical/synthea',
    file,
    '--mask',
  )
  expect(tried).toMatchObject({ accepted: 5, verdict: 'VALIDATED' })
  expect(JSON.stringify(tried.rows)).not.toContain('2024-01')
})

test('a forced rebuild keeps its reason', async () => {
  const ran = await project.run(['materialize', 'gold_canonical', '--force', 'new disk'])
  expect(ran.stdout).toMatch(/^Run 2 succeeded: 1 (built|cutoff)/)
  expect((await project.run(['materialize', '--force', ' '])).code).toBe(2)
  const explained = await json<{ builds: readonly { cause: unknown }[] }>(
    'explain',
    'gold_canonical[state=MA,file_type=medical,atomic_month=2024-01]',
  )
  expect(JSON.stringify(explained.builds[0]?.cause)).toContain('new disk')
})

test('a part that is gone is seen by --verify, and built again', async () => {
  const month = join(project.root, 'data/gold_canonical/MA/medical/atomic_month=2024-01')
  rmSync(join(realpathSync(month), 'part-beta.parquet'))
  expect(stepsOf(await json<PlanJson>('plan'))).toEqual([])
  expect(stepsOf(await json<PlanJson>('plan', '--verify'))).toEqual(['gold_canonical build'])
  expect((await project.run(['materialize', '--verify'])).code).toBe(0)
  expect(stepsOf(await json<PlanJson>('plan', '--verify'))).toEqual([])
})
