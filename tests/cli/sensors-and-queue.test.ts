/** `sensors …` and `queue …`: looks, pauses, requests; in words and for programs. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { encounters, medicalFile } from '../support/deliveries.ts'
import { CliProject } from './cli-project.ts'

const MONTH = 'MA/medical/2024-01'

let built: CliProject
let project: CliProject
beforeAll(async () => {
  built = await CliProject.create()
  await built.run(['materialize'])
})
afterAll(() => built[Symbol.dispose]())
beforeEach(() => {
  project = built.clone()
})
afterEach(() => project[Symbol.dispose]())

const out = async (...argv: string[]): Promise<string> => {
  const { code, stdout, stderr } = await project.run(argv)
  expect([argv, code, stderr]).toEqual([argv, 0, ''])
  return stdout
}
const json = async (...argv: string[]): Promise<unknown> =>
  JSON.parse(await out(...argv, '--json')) as unknown
const refused = async (...argv: string[]): Promise<readonly [number, string | undefined]> => {
  const { code, stderr } = await project.run(argv)
  return [code, /error (\w+)/.exec(stderr)?.[1]]
}

test('what a daemon looks at is listed, with how often and what it last did', async () => {
  const listed = await out('sensors', 'list')
  for (const name of ['inbox', 'discovery', 'registry', 'canonical_rebuild_sensor', 'verify']) {
    expect(listed).toContain(name)
  }
  const { sensors } = (await json('sensors', 'list')) as { sensors: readonly object[] }
  expect(sensors[0]).toMatchObject({
    name: 'inbox',
    timing: 'every 15 s',
    paused: null,
    last: null,
  })
  expect(await out('sensors', 'logs')).toContain('looks that find nothing are not written down')
})

test('one look takes a delivery in and builds nothing; what it did is on record', async () => {
  expect(await out('sensors', 'tick', 'discovery')).toContain('skipped')
  project.deliver('alpha/again', medicalFile('2024-02', encounters('2024-02', 3, 'a')))
  const said = await out('sensors', 'tick', 'inbox')
  expect(said).toMatch(/^inbox acted: \d+ to build/)
  expect(await json('sensors', 'logs', 'inbox')).toMatchObject({
    ticks: [{ sensor: 'inbox', status: 'done' }],
  })
  const plan = (await json('plan')) as { steps: readonly { asset: string }[] }
  expect(plan.steps.some(({ asset }) => asset === 'raw')).toBe(true)
})

test('a look by the clock can be asked for at any time', async () => {
  expect(await out('sensors', 'tick', 'verify')).toBe('verify acted: every part is there\n')
})

test('a paused sensor does nothing until it is resumed; both are on record', async () => {
  expect(await refused('sensors', 'pause', 'inbox')).toEqual([2, 'USAGE'])
  expect(await refused('sensors', 'pause', 'inbx', '--reason', 'x')).toEqual([2, 'SENSOR_UNKNOWN'])
  await out('sensors', 'pause', 'inbox', '--reason', 'migration')
  expect(await out('sensors', 'tick', 'inbox')).toContain('paused by tester: migration')
  expect(await out('sensors', 'list')).toContain('paused by tester')
  await out('sensors', 'resume', '--all')
  expect(await out('sensors', 'list')).not.toContain('paused')
})

test('a request is made with a reason, planned with it, and answered by the next run', async () => {
  expect(await refused('queue', 'add', MONTH)).toEqual([2, 'USAGE'])
  expect(await refused('queue', 'add', 'MA/2024-01', '--reason', 'x')).toEqual([2, 'USAGE'])
  const unknown = await refused('queue', 'add', 'MA/medical/2031-01', '--reason', 'x')
  expect(unknown).toEqual([2, 'NODE_UNKNOWN'])
  await out('queue', 'add', `gold_canonical/${MONTH}`, '--reason', 'new disk')
  expect(await out('queue', 'list')).toContain('new disk')
  const planned = (await json('plan')) as { steps: readonly object[] }
  expect(JSON.stringify(planned.steps)).toContain('tester: new disk')
  expect((await project.run(['materialize'])).code).toBe(0)
  expect(await out('queue', 'list')).toBe('No request waits\n')
  expect(await json('queue', 'list', '--done')).toMatchObject({
    paused: null,
    requests: [{ status: 'SKIPPED', outcome: 'cutoff', requested_by: 'tester' }, {}],
  })
})

test('a request is taken back once; one that ended is asked for anew', async () => {
  await out('queue', 'add', MONTH, '--reason', 'by mistake')
  const { requests } = (await json('queue', 'list')) as {
    requests: readonly { queue_id: number }[]
  }
  const id = String(requests[0]?.queue_id)
  await out('queue', 'cancel', id, '--reason', 'indeed')
  expect(await refused('queue', 'cancel', id, '--reason', 'again')).toEqual([4, 'REQUEST_ENDED'])
  expect(await refused('queue', 'cancel', '99', '--reason', 'x')).toEqual([2, 'REQUEST_UNKNOWN'])
  expect(await out('queue', 'requeue', id, '--reason', 'after all')).toContain('asks for its month')
  expect(await json('queue', 'list')).toMatchObject({ requests: [{ reason: 'after all' }] })
})

test('a paused queue keeps what is asked for out of the plan', async () => {
  await out('queue', 'pause', '--reason', 'restore under way')
  await out('queue', 'add', MONTH, '--reason', 'new disk')
  expect(((await json('plan')) as { steps: readonly object[] }).steps).toEqual([])
  const { stdout, stderr } = await project.run(['queue', 'list'])
  expect([stdout.includes('new disk'), stderr]).toEqual([
    true,
    expect.stringContaining('restore under way'),
  ])
  await out('queue', 'resume')
  expect(((await json('plan')) as { steps: readonly object[] }).steps).toHaveLength(1)
})

test('a daemon that cannot keep its schedule says so before it starts', async () => {
  const schedules = [{ name: 'nightly', cron: '0 2 ? * *', selection: '*', reason: 'habit' }]
  project.write('tributary.json', JSON.stringify({ daemon: { schedules } }))
  expect(await refused('daemon')).toEqual([2, 'SCHEDULE_INVALID'])
})
