/** The harness at tiny sizes: that it runs, and what it counts. Never a time. */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, test } from 'vitest'
import type { JobResult } from './peers/peer.ts'
import type { Row } from './row.ts'

interface Report {
  readonly format: string
  readonly machine: Readonly<Record<string, unknown>>
  readonly rows: readonly Row[]
}

const SCRIPT = join(import.meta.dirname, 'run.ts')
const run = promisify(execFile)
let report: Report

beforeAll(async () => {
  const { stdout } = await run(process.execPath, [SCRIPT, '--quick'])
  report = JSON.parse(stdout) as Report
})

function row(name: string): Row {
  const found = report.rows.find((one) => one.name === name)
  if (found === undefined) throw new Error(`there is no row ${name}`)
  return found
}

test('one document holds every row once, each with its bar', () => {
  expect(report.format).toBe('tributary-bench/1')
  expect(report.rows.map((one) => one.name)).toEqual([
    'peers-cases-20',
    'peers-cpu-20',
    'peers-fsyncs-20',
    'peers-state-20',
    'value-nodes',
    'unchanged-program',
    'unchanged-engine',
    'verify',
    'plan-mapping-edit',
    'audit',
    'one-source',
    'daemon-start',
    'daemon-idle',
    'daemon-takeover',
    'daemon-drain',
    'daemon-memory',
    'workers-waiting-embedded',
    'workers-waiting-pg-boss',
    'workers-real',
    'raw-to-silver',
    'raw-to-silver-memory',
    'landing',
    'raw-to-silver-pandas',
    'raw-to-silver-csv_parse_and_parquet_wasm',
    'canonical-month-42',
    'canonical-one-winner',
  ])
  for (const one of report.rows) {
    expect([one.name, one.what !== '', one.bar !== '']).toEqual([one.name, true, true])
    const isSkipped = typeof one.measured['skipped'] === 'string'
    expect([one.name, one.met === null]).toEqual([one.name, isSkipped])
  }
})

describe('what is counted', () => {
  test('the peers’ job runs exactly the builds that are needed, in all eight cases', () => {
    const { measured, met } = row('peers-cases-20')
    expect(met).toBe(true)
    expect(measured).toMatchObject({ exact: true, stale_outputs: 0 })
    const cases = measured['cases'] as JobResult['cases']
    expect(Object.keys(cases)).toEqual(['a', 'b', 'c', 'd', 'e', 'f1', 'f2', 'g'])
    const executed = Object.values(cases).map((one) => one.executed[0])
    expect(executed).toEqual([42, 0, 3, 1, 0, 0, 0, 1])
  })

  test('an engine that knows files runs more, and leaves nothing stale', () => {
    for (const [name, other] of Object.entries(row('peers-cases-20').beside)) {
      const { exact, stale_outputs: stale } = other as Readonly<Record<string, unknown>>
      const found = typeof other === 'string' ? other.slice(0, 9) : [exact, stale]
      expect([
        [name, 'skipped: '],
        [name, [false, 0]],
      ]).toContainEqual([name, found])
    }
  })

  test('an unchanged run writes nothing and reads no data', () => {
    expect(row('peers-state-20').measured['unchanged_bytes']).toBe(0)
    for (const name of ['unchanged-program', 'unchanged-engine']) {
      const { measured } = row(name)
      expect([name, measured['catalog_changed']]).toEqual([name, [false, false]])
      expect([0, 'no strace']).toContain(measured['catalog_writes'])
      expect([0, 'no strace']).toContain(measured['part_files_opened'])
    }
    expect(row('verify').measured['steps']).toBe(0)
  })

  test('a group of commits costs at most one fsync of the catalog', () => {
    expect(row('peers-fsyncs-20').met).not.toBe(false)
  })

  test('the loaded catalog is what the engine would have made, and an edit plans exactly its part', () => {
    expect(row('audit').measured['faults']).toBe(0)
    expect(row('plan-mapping-edit').measured['steps']).toBe(40)
    expect(row('one-source').measured['exact']).toBe(true)
    expect(row('canonical-one-winner').measured).toEqual({ parts: 20, written: 1 })
  })
})
