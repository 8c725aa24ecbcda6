/** The commands of care as a person types them: what they print, and their exit codes. */
import { readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { CliProject } from './cli-project.ts'

let built: CliProject
beforeAll(async () => {
  built = await CliProject.create()
  expect((await built.run(['materialize'])).code).toBe(0)
})
afterAll(() => built[Symbol.dispose]())

const MONTH = 'data/gold_canonical/MA/medical/atomic_month=2024-01'
const partOf = (project: CliProject): string =>
  join(project.root, MONTH, readdirSync(join(project.root, MONTH))[0] ?? '')

function flipByte(path: string): void {
  const bytes = readFileSync(path)
  bytes.writeUInt8((bytes.readUInt8(100) + 1) % 256, 100)
  writeFileSync(path, bytes)
}

/** The catalog and everything beside it but the data: what a lost disk takes. */
const loseCatalog = (project: CliProject): void =>
  rmSync(join(project.root, '.tributary'), { recursive: true })

test('fsck: 0 when all is well, 1 for a fault with its line, 3 when the next run has to make it', async () => {
  using project = built.clone()
  const well = await project.run(['fsck'])
  expect([well.code, well.stdout]).toEqual([
    0,
    expect.stringMatching(
      /^\d+ partitions, \d+ parts, \d+ manifests: all is as the catalog says\n$/,
    ),
  ])
  flipByte(partOf(project))
  const found = await project.run(['fsck'])
  expect(found.code).toBe(1)
  expect(found.stdout).toMatch(
    /^changed  gold_canonical\[MA\/medical\/2024-01\]: part-alpha\.parquet has another SHA-256 than the catalog says; --repair: it is set aside; the next run makes it again\n/,
  )
  expect(found.stdout).toMatch(/: 1 fault\nMend them with: {2}tributary fsck --repair\n$/)
  const mended = await project.run(['fsck', '--repair'])
  expect([mended.code, mended.stdout]).toEqual([
    3,
    expect.stringMatching(/1 build left for: {2}tributary materialize\n$/),
  ])
  expect((await project.run(['materialize'])).code).toBe(0)
  expect((await project.run(['fsck'])).code).toBe(0)
  expect((await project.run(['doctor', '--verify', '--deep'])).code).toBe(0)
})

test('fsck --repair --build ends with everything made again; --json is for programs', async () => {
  using project = built.clone()
  rmSync(partOf(project))
  const json = await project.run(['fsck', '--json'])
  expect([json.code, JSON.parse(json.stdout)]).toEqual([
    1,
    expect.objectContaining({
      repaired: false,
      faults: [expect.objectContaining({ kind: 'lost' })],
    }),
  ])
  const { code, stdout } = await project.run(['fsck', '--repair', '--build'])
  expect([code, stdout]).toEqual([0, expect.stringMatching(/Run \d+ succeeded: 1 built/)])
  expect((await project.run(['fsck'])).code).toBe(0)
})

test('rebuild-catalog: from the store alone, and the next run builds nothing', async () => {
  using project = built.clone()
  const refused = await project.run(['rebuild-catalog'])
  expect([refused.code, refused.stderr]).toEqual([
    4,
    expect.stringContaining('error CATALOG_NOT_EMPTY'),
  ])
  loseCatalog(project)
  const { code, stdout } = await project.run(['rebuild-catalog', '--reason', 'the disk died'])
  expect([code, stdout]).toEqual([
    0,
    expect.stringMatching(
      /^\d+ entries of \d+ journal objects, \d+ partitions, \d+ parts\nNot in the store.*\nTake it up with: {2}tributary materialize\n$/,
    ),
  ])
  const run = await project.run(['materialize'])
  expect([run.code, run.stdout]).toEqual([
    0,
    expect.stringMatching(/^Run \d+ succeeded: \d+ cutoff · \d+ unchanged/),
  ])
  expect((await project.run(['doctor', '--verify'])).code).toBe(0)
  expect((await project.run(['audit', 'verify'])).code).toBe(0)
})

test('backup, a lost catalog, restore: the plan is empty and doctor holds', async () => {
  using project = built.clone()
  const place = join(project.root, 'backups/1')
  const backup = await project.run(['backup', place])
  expect([backup.code, backup.stdout]).toEqual([
    0,
    expect.stringMatching(/backups\/1: revision \d+, [\d,]+ lines, \d+ parts named\n$/),
  ])
  expect((await project.run(['backup', place])).code).toBe(2)
  loseCatalog(project)
  const restored = await project.run(['restore', place, '--json'])
  expect([restored.code, JSON.parse(restored.stdout)]).toEqual([
    0,
    expect.objectContaining({ lost: [], nodes: 0, put_back: 0 }),
  ])
  expect((await project.run(['plan', '--detailed-exitcode'])).code).toBe(0)
  expect((await project.run(['doctor', '--verify'])).code).toBe(0)
  expect((await project.run(['audit', 'verify'])).code).toBe(0)
})

test('gc says what goes and what stays; an age that is none is refused', async () => {
  using project = built.clone()
  const dry = await project.run(['gc', '--older-than', '7d', '--dry-run'])
  expect(dry.code).toBe(0)
  expect(dry.stdout).toMatch(/^would go +0 {2}orphans of the store$/m)
  expect(dry.stdout).toMatch(/^kept +\d+ {2}audit rows +a chain has no gaps$/m)
  expect((await project.run(['gc'])).code).toBe(0)
  expect((await project.run(['gc', '--older-than', 'soon'])).code).toBe(2)
})
