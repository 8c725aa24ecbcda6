/**
 * F5, F6, F7 and F4 on whole daemons: two of them and three processes that ask for months share one
 * PostgreSQL, which crashes; one daemon is killed, the other frozen for longer than its claims last.
 */
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { encounters, medicalFile } from '../support/deliveries.ts'
import type { LocalCluster } from '../support/postgres-cluster.ts'
import { openLocalCluster } from '../support/postgres-cluster.ts'
import { RoadProject } from '../support/project.ts'
import { verdictOn } from '../verify/verified-road.ts'
import { runNode } from './support/child.ts'
import { countFault } from './support/count.ts'
import { buildOffences, requestOffences } from './support/history.ts'
import { placeRoad } from './support/road-place.ts'

const MONTHS = 8
const REQUESTS_EACH = 334
const FROZEN_MS = 18_000
const DRAIN_MAX_MS = 120_000
const ENTRY = fileURLToPath(new URL('../cli/entry.ts', import.meta.url))
const REQUESTER = fileURLToPath(new URL('requests-child.ts', import.meta.url))

let cluster: LocalCluster
let road: RoadProject
const daemons = new Set<ChildProcess>()
beforeAll(async () => {
  cluster = await openLocalCluster({ keepsCommits: true })
  const environment = { TRIBUTARY_CATALOG: cluster.url }
  road = await RoadProject.create({ environment })
  placeRoad(road.root, environment)
  const months = Array.from({ length: MONTHS }, (_, at) => `2024-0${at + 1}`)
  const rows = months.flatMap((month) => encounters(month, 3, month))
  road.deliver('alpha/all', [medicalFile(['2024-01', `2024-0${MONTHS}`], rows)])
  await road.run()
})
afterAll(async () => {
  for (const daemon of daemons) daemon.kill('SIGKILL')
  await road[Symbol.asyncDispose]()
  await cluster.close()
})

function startDaemon(): ChildProcess {
  const words = [ENTRY, '--project', road.root, '--actor', 'daemon', 'daemon', '--port', '0']
  const env = { ...process.env, TRIBUTARY_CATALOG: cluster.url }
  const daemon = spawn(process.execPath, words, { env, stdio: 'ignore' })
  daemons.add(daemon)
  daemon.once('exit', () => daemons.delete(daemon))
  return daemon
}

async function stopDaemon(daemon: ChildProcess): Promise<number | null> {
  const exited = once(daemon, 'exit')
  daemon.kill('SIGTERM')
  const [code] = (await exited) as [number | null]
  return code
}

async function openRequests(): Promise<number> {
  const rows = await road.tables
    .selectFrom('canonical_rebuild_queue')
    .select('queue_id')
    .where('processed_ms', 'is', null)
    .execute()
  return rows.length
}

test('a thousand requests by three processes are each answered once, whatever dies meanwhile', async () => {
  const frozen = startDaemon()
  let mortal = startDaemon()
  const asking = Promise.all(
    [1, 2, 3].map(async () =>
      runNode([REQUESTER, road.root, String(REQUESTS_EACH), String(MONTHS)]),
    ),
  )
  await sleep(4_000)
  frozen.kill('SIGSTOP')
  const thawsMs = performance.now() + FROZEN_MS
  for (let death = 0; death < 2; death++) {
    await sleep(2_000)
    await cluster.restart()
    countFault('F7')
    await sleep(2_000)
    const died = once(mortal, 'exit')
    mortal.kill('SIGKILL')
    await died
    countFault('F5')
    mortal = startDaemon()
  }
  await sleep(Math.max(0, thawsMs - performance.now()))
  frozen.kill('SIGCONT')
  countFault('F6')
  const asked = await asking
  expect(asked.map(({ code, stderr }) => [code, stderr])).toEqual(asked.map(() => [0, '']))
  const acknowledged = asked.flatMap(({ stdout }) => stdout.trim().split('\n').map(Number))
  expect(acknowledged).toHaveLength(3 * REQUESTS_EACH)
  const endMs = performance.now() + DRAIN_MAX_MS
  while ((await openRequests()) > 0 && performance.now() < endMs) await sleep(200)
  expect(await openRequests()).toBe(0)
  expect(await Promise.all([frozen, mortal].map(stopDaemon))).toEqual([0, 0])
  countFault('F4', 2)
  const { catalog } = road.project
  expect(await requestOffences(catalog, acknowledged)).toEqual([])
  expect(await buildOffences(catalog)).toEqual([])
  await road.run()
  const verdict = await verdictOn(road)
  expect(verdict.broken.map((id) => verdict.of(id).words)).toEqual([])
})
