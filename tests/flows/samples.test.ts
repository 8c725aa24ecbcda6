/** From what the road lands to its samples: through the command line, once and as a service. */
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { CliProject } from '../cli/cli-project.ts'
import { encounters, medicalFile } from '../support/deliveries.ts'

interface Listed {
  readonly raw: string
  readonly place: string
  readonly status: string
  readonly sample: string | null
  readonly records: number
  readonly masked: boolean
  readonly raw_until: string | null
}

const LAYOUT = 'registry/layouts/medical/synthea.json'
const NAME = 'medical_202401_202401'

let project: CliProject
beforeAll(async () => {
  project = await CliProject.create()
  expect((await project.run(['materialize'])).code).toBe(0)
})
afterAll(() => project[Symbol.dispose]())

const listed = async (...words: readonly string[]): Promise<readonly Listed[]> => {
  const { stdout } = await project.run(['samples', 'list', '--json', ...words])
  return (JSON.parse(stdout) as { readonly samples: readonly Listed[] }).samples
}
const sampleAt = (submitter: string, drop: string): string =>
  join(project.root, `staging/${submitter}/medical/synthea.v1/samples/${drop}/${NAME}_sample.csv`)
const organizations = (submitter: string, drop: string): readonly string[] =>
  readFileSync(sampleAt(submitter, drop), 'utf8')
    .split('\n')
    .slice(1, -1)
    .map((line) => line.split(',')[4] ?? '')

test('what the road lands is sampled, each file once, masked by its layout; then there is nothing to do', async () => {
  const made = await project.run(['samples', 'make'])
  expect([made.code, made.stdout.split('\n')[0]]).toEqual([
    0,
    `2 samples, under ${join(project.root, 'staging')}`,
  ])
  const rows = (await listed()).map(({ raw, place, sample, records }) => [
    raw,
    place,
    sample,
    records,
  ])
  // Newest first, and nobody knows which of two that were delivered together is.
  expect(new Set(rows)).toEqual(
    new Set(
      [
        ['alpha', 5],
        ['beta', 4],
      ].map(([who, count]) => [
        `inbox:${who}/2024-01/${NAME}.csv`,
        `${who}/medical/synthea.v1`,
        sampleAt(String(who), '2024-01'),
        count,
      ]),
    ),
  )
  const given = medicalFile('2024-01', encounters('2024-01', 5, 'a'))
    .content.toString()
    .split('\n')
  const sampled = readFileSync(sampleAt('alpha', '2024-01'), 'utf8').split('\n')
  expect([sampled[0], sampled.length]).toEqual([given[0], given.length])
  const cells = (line = ''): readonly string[] => line.split(',')
  for (const [at, line] of sampled.slice(1, -1).entries()) {
    const [own, masked] = [cells(given[at + 1]), cells(line)]
    // PATIENT and DESCRIPTION, which the layout calls personal; ORGANIZATION, which it does not.
    expect([masked[3] === own[3], masked[9] === own[9], masked[4] === own[4]]).toEqual([
      false,
      false,
      true,
    ])
    expect([masked[3]?.length, masked[8]?.length]).toEqual([own[3]?.length, own[8]?.length])
  }
  expect((await project.run(['samples', 'make'])).stdout).toBe('Nothing new to sample\n')
})

test('a service samples a correction alone, masks a place anew when its layout says so, and ends when told', async () => {
  const service = project.spawn(['samples', 'make', '--watch', '--every', '1s', '--json'])
  const passes: { readonly made: number; readonly failed: number }[] = []
  if (service.stdout === null) throw new Error('stdout is a pipe')
  createInterface({ input: service.stdout }).on('line', (line) =>
    passes.push(JSON.parse(line) as (typeof passes)[number]),
  )
  const ended = new Promise<number | null>((resolve) => service.on('close', resolve))
  const made = (): number => passes.reduce((sum, one) => sum + one.made, 0)
  const until = async (count: number): Promise<void> =>
    expect.poll(made, { timeout: 60_000, interval: 50 }).toBe(count)

  project.deliver('alpha/second', medicalFile('2024-01', encounters('2024-01', 7, 'fix')))
  expect((await project.run(['materialize'])).code).toBe(0)
  await until(1)
  expect(new Set(organizations('alpha', 'second'))).toEqual(new Set(['org-fix']))

  const plain = '{ "name": "ORGANIZATION", "type": "string", "x-phi": '
  project.edit(LAYOUT, `${plain}"none"`, `${plain}"direct"`)
  expect((await project.run(['materialize'])).code).toBe(0)
  await until(1 + 3)
  for (const [who, drop] of [
    ['alpha', 'second'],
    ['alpha', '2024-01'],
    ['beta', '2024-01'],
  ] as const) {
    expect(organizations(who, drop).filter((value) => value.startsWith('org-'))).toEqual([])
  }
  expect(passes.every(({ failed }) => failed === 0)).toBe(true)
  service.kill('SIGTERM')
  expect(await ended).toBe(0)
})

test('values as they are: a reason, an audit row before they are seen, their owner’s alone, purged', async () => {
  const raw = `inbox:alpha/second/${NAME}.csv`
  const asked = ['samples', 'make', raw, '--raw-sample']
  expect((await project.run(asked)).code).toBe(2)
  const { code } = await project.run([...asked, '--reason', 'call 4711', '--days', '3'])
  expect(code).toBe(0)
  const path = sampleAt('alpha', 'second')
  expect(new Set(organizations('alpha', 'second'))).toEqual(new Set(['org-fix']))
  expect(statSync(path).mode & 0o777).toBe(0o600)
  const [row] = (await listed()).filter(({ masked }) => !masked)
  const days = (Date.parse(row?.raw_until ?? '') - Date.now()) / 86_400_000
  expect([row?.raw, Math.round(days * 100) / 100]).toEqual([raw, 3])
  const { stdout } = await project.run(['audit', 'list', '--limit', '1', '--json'])
  expect(JSON.parse(stdout)).toMatchObject({
    rows: [
      { action: 'raw_sample', reason: 'call 4711', subject: `alpha/medical/synthea.v1/${raw}` },
    ],
  })
  expect((await project.run(['samples', 'purge'])).code).toBe(2)
  const purged = await project.run(['samples', 'purge', '--raw', '--json'])
  expect(JSON.parse(purged.stdout)).toEqual({ format_version: '1.0', purged: 1 })
  expect([existsSync(path), existsSync(`${path}.profile.json`)]).toEqual([false, false])
  expect(await listed('--status', 'purged')).toMatchObject([{ raw, sample: null, masked: true }])
  expect((await project.run(['samples', 'make'])).stdout).toBe('Nothing new to sample\n')
})

test('a sample whose file failed or went away since is purged with the others; they keep their state', async () => {
  const file = join(project.root, 'loose.csv')
  writeFileSync(file, 'ssn\n123-45-6789\n')
  expect((await project.run(['samples', 'make', file])).code).toBe(0)
  const sample = (await listed()).find(({ raw }) => raw === file)?.sample ?? ''
  expect(existsSync(sample)).toBe(true)
  rmSync(file)
  const again = await project.run(['samples', 'make', sample, '--json'])
  expect(JSON.parse(again.stdout)).toMatchObject({ made: 0, missing: 1 })
  const { code } = await project.run(['samples', 'purge', '--all', '--reason', 'the end'])
  expect([code, existsSync(sample)]).toEqual([0, false])
  const [row] = (await listed()).filter(({ raw }) => raw === file)
  expect(row).toMatchObject({ status: 'MISSING', sample: null })
  expect((await project.run(['samples', 'purge', '--all'])).stdout).toBe('Nothing to purge\n')
})

test('who names nothing that is there is told, and what failed makes the exit code 1', async () => {
  expect((await project.run(['samples', 'show', 'nothing.csv'])).code).not.toBe(0)
  expect((await project.run(['samples', 'make', project.root])).code).not.toBe(0)
  const folder = join(project.root, 'staging/sp/pipe/1.0/manifests')
  project.write('staging/sp/pipe/1.0/manifests/processed.jsonl', '')
  expect(existsSync(folder)).toBe(true)
  const line = { raw: 'raw/x.csv', bronze: '/etc/passwd', mtime: 1 }
  writeFileSync(join(folder, 'processed.jsonl'), `${JSON.stringify(line)}\n{\n`)
  const { code, stdout } = await project.run(['samples', 'make'])
  expect(code).toBe(1)
  expect(stdout).toContain('0 samples, 1 failed, 1 line of manifests not read')
  const json = await project.run(['samples', 'make', '--json'])
  expect([json.code, JSON.parse(json.stdout)]).toEqual([
    0,
    expect.objectContaining({ made: 0, failed: 0, lines: 0, lines_not_read: 0, pending: 0 }),
  ])
})
