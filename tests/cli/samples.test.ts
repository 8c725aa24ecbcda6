/** The commands of samples as a person types them. */
import {
  appendFileSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { CliProject } from './cli-project.ts'

/** Two places with a file each, named by manifests as another producer writes them. */
async function staged(): Promise<CliProject> {
  const project = await CliProject.create()
  for (const vendor of ['one', 'two']) {
    const folder = join(project.root, 'staging', vendor, 'pipe', 'v1')
    mkdirSync(join(folder, 'manifests'), { recursive: true })
    writeFileSync(join(folder, 'claims.csv'), 'member_id,paid\n00123,1.50\n')
    const line = { raw: 'raw/env0/claims.csv', bronze: 'claims.csv', mtime: 1_700_000_000 }
    writeFileSync(join(folder, 'manifests', 'processed.jsonl'), `${JSON.stringify(line)}\n`)
  }
  return project
}

const countsOf = (stdout: string): unknown => (JSON.parse(stdout) as { counts: unknown }).counts

test('a place is made of what is new there, also of lines that no pass has read; no other place is', async () => {
  using project = await staged()
  const first = await project.run(['samples', 'make', '--place', 'one'])
  expect([first.code, first.stdout]).toEqual([0, expect.stringMatching(/^1 sample, 1 to be made,/)])
  const again = await project.run(['samples', 'make', '--place', 'one'])
  expect(again.stdout).toBe('Nothing new to sample\n')
  const listed = await project.run(['samples', 'list', '--json'])
  expect(countsOf(listed.stdout)).toEqual({ made: 1, pending: 1 })
  const all = await project.run(['samples', 'make', '--place', 'one', '--again', '--json'])
  expect(JSON.parse(all.stdout)).toMatchObject({ made: 1, pending: 1 })
})

test('a place that no manifest has is named, with the nearest that one has', async () => {
  using project = await staged()
  await project.run(['samples', 'make'])
  for (const command of [['make'], ['make', '--again'], ['list'], ['purge']]) {
    const run = await project.run(['samples', ...command, '--place', 'one/pipe/v2'])
    expect([command, run.code, run.stderr]).toEqual([
      command,
      2,
      expect.stringContaining('one/pipe/v2; did you mean one/pipe/v1?'),
    ])
  }
  const none = await project.run(['samples', 'list', '--place', 'one', '--status', 'failed'])
  expect(none.stdout).toBe('No file is like that\n')
})

test('an empty list says whether nothing was sampled at all', async () => {
  using project = await staged()
  expect((await project.run(['samples', 'list'])).stdout).toBe(
    'No sample:  tributary samples make\n',
  )
  await project.run(['samples', 'make'])
  expect((await project.run(['samples', 'list', '--status', 'failed'])).stdout).toBe(
    'No file is like that\n',
  )
})

test('what is shown of a sample names its columns, and none of its values', async () => {
  using project = await staged()
  await project.run(['samples', 'make', '--place', 'two'])
  const { code, stdout } = await project.run(['samples', 'show', 'raw/env0/claims.csv'])
  expect([code, stdout]).toEqual([0, expect.stringMatching(/holds +1 record, \d+ bytes read/)])
  expect(stdout).toMatch(/member_id +integer +0 +1 +5 +token, direct/)
  expect(stdout).not.toContain('00123')
})

test('values as they are need a name and a reason, and the list says so', async () => {
  using project = await staged()
  const asked = ['samples', 'make', '--place', 'one', '--raw-sample']
  expect((await project.run(asked)).code).toBe(2)
  expect((await project.run(['samples', 'make', '--raw-sample', '--reason', 'a call'])).code).toBe(
    2,
  )
  expect((await project.run([...asked, '--reason', 'a call'])).code).toBe(0)
  expect((await project.run(['samples', 'list'])).stdout).toContain('MADE, not masked')
  const purge = ['samples', 'purge', 'raw/env0/claims.csv', '--reason', 'the call is over']
  expect((await project.run(purge)).stdout).toBe('Purged 1 sample\n')
})

test('the audit says who purges what, in words of the command', async () => {
  using project = await staged()
  await project.run(['samples', 'make'])
  const purge = ['samples', 'purge', '--place', 'one', '--reason', 'the year is over']
  expect((await project.run(purge)).stdout).toBe('Purged 1 sample\n')
  const { stdout } = await project.run(['audit', 'list', '--json'])
  expect(stdout).toContain('"samples below one"')
  expect(stdout).toContain('the year is over')
})

test('a file of this machine that is shown as it is, is masked once it changes', async () => {
  using project = await CliProject.create()
  const file = join(project.root, 'one.csv')
  writeFileSync(file, 'ssn,paid\n123-45-6789,1.50\n')
  const asIs = ['samples', 'make', file, '--raw-sample', '--reason', 'a call']
  expect((await project.run(asIs)).code).toBe(0)
  writeFileSync(file, 'ssn,paid\n123-45-6789,1.50\n987-65-4321,2.50\n')
  expect((await project.run(['samples', 'make'])).stdout).toMatch(/^1 sample,/)
  const { stdout } = await project.run(['samples', 'list', '--json'])
  const { samples } = JSON.parse(stdout) as { samples: { sample: string; masked: boolean }[] }
  expect(samples.map(({ masked }) => masked)).toEqual([true])
  expect(readFileSync(samples[0]?.sample ?? '', 'utf8')).not.toMatch(/6789|4321/)
})

test('a file is purged by the name it was made by, also when it is gone, and again', async () => {
  using project = await CliProject.create()
  const file = join(project.root, 'inbox', 'north', 'one.csv')
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, 'paid\n1.50\n')
  await project.run(['samples', 'make', file])
  rmSync(file)
  expect((await project.run(['samples', 'purge', file])).stdout).toBe('Purged 1 sample\n')
  const again = await project.run(['samples', 'purge', file])
  expect([again.code, again.stdout]).toEqual([0, 'Nothing to purge\n'])
  const elsewhere = await project.run(['samples', 'purge', file, '--place', 'south'])
  expect([elsewhere.code, elsewhere.stderr]).toEqual([2, expect.stringContaining('SAMPLE_UNKNOWN')])
})

test('more names than a batch has are all purged, each with its row in the audit', async () => {
  using project = await staged()
  const names = Array.from({ length: 510 }, (_, at) => `raw/${at}.csv`)
  const lines = names.map((raw) => `${JSON.stringify({ raw, bronze: 'claims.csv', mtime: 1 })}\n`)
  const manifest = join(project.root, 'staging/one/pipe/v1/manifests/processed.jsonl')
  appendFileSync(manifest, lines.join(''))
  await project.run(['samples', 'make', '--place', 'one'])
  const purge = ['samples', 'purge', ...names, '--reason', 'the year is over']
  expect((await project.run(purge)).stdout).toBe('Purged 510 samples\n')
  const audit = await project.run(['audit', 'list', '--limit', '1000', '--json'])
  expect(audit.stdout.match(/one\/pipe\/v1\/raw\/\d+\.csv/g)).toHaveLength(510)
})

test('a file that was named by hand and is a link by now keeps no value of it', async () => {
  using project = await CliProject.create()
  const file = join(project.root, 'one.csv')
  writeFileSync(file, 'ssn,paid\n123-45-6789,1.50\n')
  await project.run(['samples', 'make', file, '--raw-sample', '--reason', 'a call'])
  renameSync(file, join(project.root, 'two.csv'))
  symlinkSync(join(project.root, 'two.csv'), file)
  await project.run(['samples', 'make'])
  const listed = await project.run(['samples', 'list', '--json'])
  const { samples } = JSON.parse(listed.stdout) as { samples: { masked: boolean }[] }
  expect(samples.map(({ masked }) => masked)).toEqual([true])
})

test('lines of manifests that cannot be read are told with their place and what is wrong', async () => {
  using project = await staged()
  const manifest = join(project.root, 'staging/one/pipe/v1/manifests/processed.jsonl')
  const from = statSync(manifest).size
  appendFileSync(manifest, 'Miller\n{"raw":"raw/b.csv","bronze":"b.csv","mtime":"1"}\n')
  const made = await project.run(['samples', 'make'])
  expect(made.stdout).toContain('2 lines of manifests not read')
  expect(made.stdout).toContain('tributary manifest processed')
  const told = await project.run(['manifest', 'processed', '--place', 'one/pipe/v1'])
  expect(told.stdout).toContain(`${manifest}, from byte ${from}: it is not JSON\n`)
  expect(told.stdout).toContain(`from byte ${from + 7}: its mtime is missing or out of form\n`)
  expect(told.stdout).not.toContain('Miller')
})

test.each([[['--days', '3']], [['--every', '5s']], [['--watch', '--every', '0s']]])(
  'samples make %s is refused: it would change nothing',
  async (flags) => {
    using project = await CliProject.create()
    expect((await project.run(['samples', 'make', ...flags])).code).toBe(2)
  },
)
