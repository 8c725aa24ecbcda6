/** Every exit code of the contract, each reached by a real command. */
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { installFailpoints } from '../../engine/index.ts'
import { withRunLease } from '../../engine/run/run-lease.ts'
import { encounters, medicalFile } from '../support/deliveries.ts'
import { openRoad } from '../support/open-road.ts'
import { CliProject, NOT_DATA } from './cli-project.ts'

let project: CliProject

beforeEach(async () => {
  project = await CliProject.create()
})
afterEach(() => {
  installFailpoints(undefined)
  project[Symbol.dispose]()
})

const codeOf = async (...argv: string[]): Promise<number> => (await project.run(argv)).code

test('0: done, and nothing to do', async () => {
  expect(await codeOf('plan')).toBe(0)
  expect(await codeOf('materialize')).toBe(0)
  expect(await codeOf('materialize')).toBe(0)
  expect(await codeOf('--help')).toBe(0)
  expect(await codeOf('--version')).toBe(0)
})

test('1: done, but something delivered is wrong', async () => {
  project.deliver('alpha/2024-02', NOT_DATA)
  expect(await codeOf('materialize')).toBe(1)
  // Once said it is known: the next run has nothing to do.
  expect(await codeOf('materialize')).toBe(0)
})

test('1: done, but a partition failed', async () => {
  project.edit(
    'mappings/medical/synthea/v1.json',
    '{ "source": "START" }',
    '{ "source": "DESCRIPTION", "cast": "TIMESTAMP" }',
  )
  const ran = await project.run(['materialize'])
  expect(ran.code).toBe(1)
  expect(ran.stderr).toContain('MAPPING_CAST_FAILED')
  expect(ran.stdout).toContain('Try again with:  tributary retry 1')
  expect(await codeOf('retry')).toBe(1)
})

test('2: wrong usage, configuration or registry; nothing is changed', async () => {
  expect(await codeOf('plan', '--nothing')).toBe(2)
  expect(await codeOf('plan', 'no_such_asset')).toBe(2)
  expect(await codeOf('help', 'NO_SUCH_CODE')).toBe(2)
  expect(await codeOf()).toBe(2)
  project.edit('schemas/medical/v1.json', '"status": "ACTIVE"', '"status": "SOON"')
  const broken = await project.run(['materialize'])
  expect(broken.code).toBe(2)
  expect(broken.stderr).toMatch(/ where: schemas\/medical\/v1\.json:\d+:\d+ /)
  expect(await codeOf('registry', 'check')).toBe(2)
  project.write('tributary.json', '{ "storage": 1 }')
  expect(await codeOf('plan')).toBe(2)
})

test('3: changes are pending, only when asked', async () => {
  expect(await codeOf('plan', '--detailed-exitcode')).toBe(3)
  expect(await codeOf('materialize')).toBe(0)
  expect(await codeOf('plan', '--detailed-exitcode')).toBe(0)
})

test('4: another run holds the project, or the plan has moved', async () => {
  const platform = await openRoad(project.root)
  await withRunLease(platform.project, async () => {
    const ran = await project.run(['materialize'])
    expect(ran.code).toBe(4)
    expect(ran.stderr).toContain('RUN_BUSY')
  })
  await platform[Symbol.asyncDispose]()
  expect(await codeOf('materialize', '--plan', '000000000000')).toBe(4)
})

test('5: the catalog cannot be used', async () => {
  await codeOf('plan')
  writeFileSync(join(project.root, '.tributary/catalog.db'), 'no database at all'.repeat(1000))
  const ran = await project.run(['status'])
  expect(ran.code).toBe(5)
  expect(ran.stderr).toContain('CATALOG_UNUSABLE')
})

test('70: a defect, with a report that holds no message of others', async () => {
  installFailpoints((name) => {
    if (name === 'run.planned') throw new RangeError('secret of a row')
  })
  const ran = await project.run(['materialize'])
  expect(ran.code).toBe(70)
  expect(ran.stderr).toMatch(/^report: .*crash-\d+\.txt$/m)
  expect(ran.stderr).not.toContain('secret')
})

test('130: interrupted; the same command goes on from there', async () => {
  for (let month = 1; month <= 9; month++) {
    const name = `2023-0${month}`
    project.deliver(`alpha/${name}`, medicalFile(name, encounters(name, 3, `m${month}`)))
  }
  const child = project.spawn(['materialize', '--json', '-j', '1'])
  let printed = ''
  child.stdout?.on('data', (text: Buffer) => {
    if (!printed.includes('"started"') && text.includes('"started"')) child.kill('SIGINT')
    printed += text.toString()
  })
  const [code] = (await once(child, 'exit')) as [number | null]
  expect(code).toBe(130)
  expect(printed.trim().split('\n').at(-1)).toContain('"status":"interrupted"')
  expect(await codeOf('materialize')).toBe(0)
  expect(await codeOf('plan', '--detailed-exitcode')).toBe(0)
})
