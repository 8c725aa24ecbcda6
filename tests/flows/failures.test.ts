/** What breaks from outside gets a clear error and an exit code, and loses nothing. */
import { spawnSync } from 'node:child_process'
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { encounters, medicalFile } from '../support/deliveries.ts'
import { RoadProject } from '../support/project.ts'
import { REPOSITORY } from '../support/road-folder.ts'

const JANUARY = 'MA/medical/2024-01'
const PROGRAM = [process.execPath, join(REPOSITORY, 'bin/tributary.js')]
const january = medicalFile('2024-01', encounters('2024-01', 200, 'a'))

let standing: RoadProject
beforeAll(async () => {
  standing = await RoadProject.create()
  standing.deliver('alpha/first', [january])
  await standing.run()
})
afterAll(async () => standing[Symbol.asyncDispose]())

const editSubmitters = (road: RoadProject, change: (all: object[]) => object[]): void =>
  road.edit('registry/submitters.json', (document) => ({
    submitters: change(document['submitters'] as object[]),
  }))

describe('a bad registry file is refused with its place, and changes nothing', () => {
  const LAYOUT = 'registry/layouts/medical/synthea.json'
  const cases: readonly (readonly [string, (road: RoadProject) => void, RegExp])[] = [
    [
      'an unknown column',
      (road) =>
        road.edit('mappings/medical/synthea/v1.json', (document) => {
          const { columns } = document as unknown as { columns: Record<string, unknown> }
          columns['member_id'] = { source: 'PATEINT' }
        }),
      /mappings\/medical\/synthea\/v1\.json:\d+:\d+ .*PATEINT.*did you mean PATIENT\?/,
    ],
    [
      'an identity that occurs twice',
      (road) => editSubmitters(road, (all) => [...all, { id: 'alpha', state: 'MA' }]),
      /registry\/submitters\.json:\d+:\d+ .*alpha/,
    ],
    [
      'overlapping windows',
      (road) => {
        const first = JSON.parse(readFileSync(road.path(LAYOUT), 'utf8')) as object
        const second = JSON.stringify({ ...first, version: 'v2' })
        road.write('registry/layouts/medical/synthea.v2.json', second)
      },
      /registry\/layouts\/medical\/synthea\.v2\.json:\d+:\d+ the effective window overlaps that of medical\/synthea\/v1/,
    ],
    [
      'a wrong type',
      (road) => editSubmitters(road, ([first]) => [{ ...first, state: 5 }]),
      /registry\/submitters\.json:\d+:\d+ /,
    ],
    [
      'what is no JSON',
      (road) => road.write('registry/submitters.json', '{"submitters": ['),
      /registry\/submitters\.json:\d+:\d+ /,
    ],
  ]
  test.each(cases)('%s', async (_, spoil, place) => {
    await using road = await standing.clone()
    const before = await road.plan()
    spoil(road)
    // Nothing is taken in either: the files wait for a registry that can be read.
    road.deliver('alpha/second', [medicalFile('2024-01', encounters('2024-01', 210, 'b'))])
    const refused = { code: 'REGISTRY_INVALID', exitCode: 2, message: expect.stringMatching(place) }
    await expect(road.plan()).rejects.toMatchObject(refused)
    await expect(road.run()).rejects.toMatchObject(refused)
    const { revision } = await road.project.catalog.db
      .selectFrom('catalog')
      .select('revision')
      .executeTakeFirstOrThrow()
    expect(revision).toBe(before.basis.revision)
    expect(await road.submissions()).toHaveLength(1)
  })
})

interface Ran {
  readonly code: number | null
  readonly error: string
  readonly said: string
}

function run(command: readonly string[], environment: Readonly<Record<string, string>> = {}): Ran {
  const [program = '', ...rest] = command
  const env = { ...process.env, ...environment }
  const { status, stderr, stdout } = spawnSync(program, rest, { encoding: 'utf8', env })
  return { code: status, error: stderr, said: stdout }
}
const materialize = (root: string): readonly string[] => [
  ...PROGRAM,
  '--project',
  root,
  'materialize',
  '--json',
]

describe('a catalog that is damaged', () => {
  test.each([
    ['at its first page', 0],
    ['in the middle', 8192],
  ])('%s is told, and its copy goes on where it was', async (_, offset) => {
    await using road = await standing.clone()
    await using closed = await road.reopen()
    await closed.platform[Symbol.asyncDispose]()
    const catalog = road.path('.tributary/catalog.db')
    const whole = road.path('whole.db')
    cpSync(catalog, whole)
    const bytes = readFileSync(catalog)
    bytes.fill(0xa5, offset, offset + 65_536)
    writeFileSync(catalog, bytes)
    const data = join(road.published(JANUARY), 'part-alpha.parquet')
    const part = readFileSync(data)
    road.deliver('alpha/second', [medicalFile('2024-01', encounters('2024-01', 210, 'b'))])
    const broken = run(materialize(road.root))
    expect([broken.code, broken.error]).toEqual([5, expect.stringContaining('CATALOG_UNUSABLE')])
    expect(readFileSync(data)).toEqual(part)
    for (const name of ['catalog.db-wal', 'catalog.db-shm']) {
      rmSync(road.path(`.tributary/${name}`), { force: true })
    }
    cpSync(whole, catalog)
    const { code, said } = run(materialize(road.root))
    expect([code, JSON.parse(said.trim().split('\n').at(-1) ?? '')]).toEqual([
      0,
      expect.objectContaining({ status: 'succeeded', failed: 0 }),
    ])
  })
})

/** A small disk of one's own needs a mount namespace: Linux with user namespaces, or root. */
const canMount = run(['unshare', '-rm', 'true']).code === 0
if (!canMount)
  console.log('left out: a full disk, because `unshare -rm` makes no mount namespace here')

/** Runs on a disk too small, then, with more room on the same disk, again; then looks. */
const SMALL_DISK = `
mkdir -p "$ROOT/$PLACE" && mount -t tmpfs -o "size=$SIZE" tmpfs "$ROOT/$PLACE" || exit 99
"$@" > "$ROOT/said" 2> "$ROOT/error"; echo $? > "$ROOT/code"
mount -o remount,size=64m "$ROOT/$PLACE"
"$@" > "$ROOT/said-again" 2>&1; echo $? > "$ROOT/code-again"
cp -rL "$ROOT/data/gold_canonical" "$ROOT/published"
"$@" > "$ROOT/said-last" 2>&1
`

describe.runIf(canMount)('a full disk', () => {
  const cases = [
    ['of data', 'data', '64k', 'STORE_UNUSABLE'],
    ['of the catalog, half way', '.tributary', '600k', 'DISK_FULL'],
    ['of the catalog, at the first start', '.tributary', '200k', 'CATALOG_UNUSABLE'],
  ] as const
  test.each(cases)('%s is told, and with space again the run goes on', async (...given) => {
    const [, place, size, code] = given
    await using road = await RoadProject.create()
    await using closed = await road.reopen()
    await closed.platform[Symbol.asyncDispose]()
    for (const folder of ['data', '.tributary']) rmSync(road.path(folder), { recursive: true })
    for (const month of ['2024-01', '2024-02', '2024-03']) {
      road.deliver(`alpha/${month}`, [medicalFile(month, encounters(month, 200, 'a'))])
    }
    const shell = ['unshare', '-rm', 'sh', '-c', SMALL_DISK, 'sh', ...materialize(road.root)]
    expect(run(shell, { ROOT: road.root, PLACE: place, SIZE: size }).code).toBe(0)
    const read = (name: string): string => readFileSync(road.path(name), 'utf8').trim()
    expect([read('code'), read('error')]).toEqual(['5', expect.stringContaining(code)])
    expect([read('code-again'), read('said-again').split('\n').at(-1)]).toEqual([
      '0',
      expect.stringContaining('"status":"succeeded"'),
    ])
    const [last = ''] = read('said-last').split('\n').toReversed()
    expect(JSON.parse(last)).toMatchObject({ built: 0, partitions: [] })
  })
})
