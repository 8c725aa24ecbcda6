/** Every command of a project that is in no folder but its registry: PostgreSQL, and one bucket. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { encounters, medicalFile } from '../support/deliveries.ts'
import { REPOSITORY } from '../support/road-folder.ts'
import { ServiceRoad } from '../support/service-road.ts'

const ENTRY = join(REPOSITORY, 'tests/cli/entry.ts')
const MONTH = 'gold_canonical[MA/medical/2024-01]'

let at: ServiceRoad
let submission: string

interface Ran {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs a command in a process of its own, as a person would. */
function run(argv: readonly string[]): Ran {
  const { config } = at.road.platform
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [ENTRY, '--project', at.road.root, '--actor', 'tester', ...argv],
    {
      encoding: 'utf8',
      env: { ...process.env, ...at.environment, TRIBUTARY_CATALOG: config.catalog.value },
    },
  )
  return { code: status, stdout, stderr }
}
const done = (...argv: readonly string[]): string => {
  const { code, stdout, stderr } = run(argv)
  expect(code, `${argv.join(' ')}: ${stderr}${stdout}`).toBe(0)
  return stdout
}

beforeAll(async () => {
  at = await ServiceRoad.create({ versioned: true })
  const rows = encounters('2024-01', 60, 'a')
  const broken = { ...rows[0], START: 'yesterday' } as (typeof rows)[number]
  await at.deliver('alpha/2024-01', [medicalFile('2024-01', [...rows, broken])])
  await at.deliver('beta/2024-01', [medicalFile('2024-01', encounters('2024-01', 4, 'b'))])
})
afterAll(async () => at[Symbol.asyncDispose]())

test('plan and materialize', async () => {
  expect(done('plan')).toContain('gold_canonical')
  done('materialize')
  expect(await at.lying()).toEqual([])
  const { submission_id: id } = await at.road.submission('alpha/2024-01')
  submission = id
  expect(done('plan')).not.toContain('gold_canonical')
})

test('query reads the parts of the store, and nothing else', () => {
  const count = 'select count(*) as n from gold_canonical.medical'
  expect(done('query', count, '--format', 'csv')).toBe('n\n64\n')
  const { code, stderr } = run(['query', `select * from read_csv('/etc/passwd')`])
  expect([code, stderr]).not.toEqual([0, ''])
  expect(code).not.toBe(0)
})

test('what came of a delivery: submissions, rejects, rows', () => {
  expect(done('submissions', 'list')).toContain('alpha/2024-01')
  const shown = done('submissions', 'show', submission)
  expect(shown).toContain('VALIDATED')
  expect(done('rejects', submission)).toContain('START')
  done('findings')
})

test('what stands, and why', () => {
  expect(done('status')).toContain('gold_canonical')
  expect(done('explain', MONTH)).toContain('alpha')
  done('lineage', MONTH)
  done('runs')
  done('queue', 'list')
})

test('a layout is tried on a local file, nothing is stored', async () => {
  const before = await at.stored()
  const { name, content } = medicalFile('2024-02', encounters('2024-02', 3, 'try'))
  at.road.write(name, content)
  expect(done('registry', 'try', 'medical/synthea/v1', at.road.path(name))).toContain('VALIDATED')
  expect(await at.stored()).toEqual(before)
})

test('the project is in order, and every invariant holds to the last byte', () => {
  const shown = done('doctor')
  expect(shown).toMatch(/inbox +s3:.* can be listed, and its bucket keeps versions/)
  expect(shown).not.toContain(at.environment['S3_SECRET_KEY'] ?? 'no key')
  const verified = done('doctor', '--verify', '--deep')
  expect(verified).toMatch(/I8 .*wrote nothing/)
})
