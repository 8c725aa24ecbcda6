import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { isEngineError, type EngineError } from '../../engine/core/errors.ts'
import { DuckPool } from '../../engine/table/duck-pool.ts'
import { scratchFolder } from './parsing.ts'

const failure = (error: unknown): EngineError =>
  isEngineError(error) ? error : expect.fail(`not an EngineError: ${String(error)}`)
const SLOW = 'SELECT count(*) FROM range(100000) a, range(100000) b WHERE a.range + b.range = 7'

test('rows come back without loss: exact integers, DECIMAL and dates as text', async () => {
  await using folder = await scratchFolder()
  await using pool = new DuckPool({ size: 1, folder: folder.path })
  const { rows } = await pool.run({
    statements: [
      'CREATE TABLE t AS SELECT 42 AS n',
      `SELECT n, 9007199254740993 AS big, 0.10::DECIMAL(12,2) AS money, DATE '2024-02-29' AS day,
        TIMESTAMP '2024-02-29 01:02:03' AS at, NULL AS none, [1, 2] AS list, {'a': 1.5} AS pair,
        true AS yes, 'é' AS text, 1e3::DOUBLE AS d FROM t`,
    ],
    folders: [],
  })
  expect(rows).toEqual([
    {
      n: 42,
      big: '9007199254740993',
      money: '0.10',
      day: '2024-02-29',
      at: '2024-02-29 01:02:03',
      none: null,
      list: [1, 2],
      pair: { a: '1.5' },
      yes: true,
      text: 'é',
      d: 1000,
    },
  ])
})

test('no child starts before a task needs one, and one child runs tasks in turn', async () => {
  await using folder = await scratchFolder()
  await using pool = new DuckPool({ size: 2, folder: folder.path, taskCountMax: 2 })
  expect(pool.started).toBe(0)
  const one = (): Promise<unknown> => pool.run({ statements: ['SELECT 1'], folders: [] })
  await one()
  await one()
  expect(pool.started).toBe(1)
  await one()
  expect(pool.started).toBe(2)
  await Promise.all([one(), one(), one(), one()])
})

test('a task sees its folders and nothing else, and cannot change that', async () => {
  await using folder = await scratchFolder()
  await using pool = new DuckPool({ size: 1, folder: join(folder.path, 'duck') })
  await writeFile(join(folder.path, 'secret.csv'), 'a\n1\n')
  const inside = join(folder.path, 'inside')
  for (const statement of [
    `SELECT * FROM read_csv('${folder.path}/secret.csv')`,
    `SELECT * FROM read_text('/etc/passwd')`,
    `SELECT * FROM read_csv('${inside}/../secret.csv')`,
    `COPY (SELECT 1) TO '${folder.path}/out.parquet'`,
    `ATTACH '${folder.path}/x.db'`,
    `SET enable_external_access = true`,
    `SET memory_limit = '9GB'`,
    `INSTALL httpfs`,
    `SELECT getenv('PATH')`,
  ]) {
    const error = failure(
      await pool.run({ statements: [statement], folders: [inside] }).catch((e: unknown) => e),
    )
    expect([statement, error.code]).toEqual([statement, 'DUCK_TASK_FAILED'])
    expect(error.message).not.toContain('secret')
  }
})

test("DuckDB's own message, which quotes data, never leaves the child", async () => {
  await using folder = await scratchFolder()
  await using pool = new DuckPool({ size: 1, folder: folder.path })
  const statements = ['SELECT 1', `SELECT CAST('Ann Smith' AS INTEGER)`]
  const error = failure(await pool.run({ statements, folders: [] }).catch((e: unknown) => e))
  expect(error.context).toEqual({ kind: 'Conversion', statement: 1 })
  expect(JSON.stringify([error.message, error.stack, error.cause])).not.toContain('Ann')
  expect((await pool.run({ statements: ['SELECT 1 AS a'], folders: [] })).rows).toEqual([{ a: 1 }])
  expect(pool.started).toBe(2)
})

test('a child killed in the middle of a task fails that task and is replaced', async () => {
  await using folder = await scratchFolder()
  await using pool = new DuckPool({ size: 1, folder: folder.path })
  const slow = pool.run({ statements: [SLOW], folders: [] }).catch((e: unknown) => e)
  await expect.poll(() => pool.pids.length).toBe(1)
  process.kill(pool.pids[0] as number, 'SIGKILL')
  expect(failure(await slow).message).toBe(
    'a DuckDB child process ended before its task was done: by SIGKILL',
  )
  expect((await pool.run({ statements: ['SELECT 1 AS a'], folders: [] })).rows).toEqual([{ a: 1 }])
  expect(pool.started).toBe(2)
})

test('an idle child that died is replaced unnoticed', async () => {
  await using folder = await scratchFolder()
  await using pool = new DuckPool({ size: 1, folder: folder.path })
  await pool.run({ statements: ['SELECT 1'], folders: [] })
  process.kill(pool.pids[0] as number, 'SIGKILL')
  await expect.poll(() => pool.pids.length).toBe(0)
  expect((await pool.run({ statements: ['SELECT 1 AS a'], folders: [] })).rows).toEqual([{ a: 1 }])
})

test('a task ends at its time limit, its memory limits and on abort', async () => {
  await using folder = await scratchFolder()
  await using pool = new DuckPool({ size: 1, folder: folder.path })
  const fails = async (run: Promise<unknown>): Promise<string> =>
    failure(await run.catch((e: unknown) => e)).code
  expect(await fails(pool.run({ statements: [SLOW], folders: [], timeoutMs: 50 }))).toBe(
    'DUCK_CHILD_LOST',
  )
  const wide = `SELECT list(range::VARCHAR || repeat('x', 200)) AS l FROM range(2000000)`
  const statements = [`SELECT length(l::VARCHAR) FROM (${wide})`]
  expect(await fails(pool.run({ statements, folders: [], memoryMb: 50 }))).toBe('DUCK_MEMORY')
  const stop = new AbortController()
  const task = { statements: [SLOW], folders: [] }
  const both = Promise.allSettled([pool.run(task, stop.signal), pool.run(task, stop.signal)])
  const reason = new Error('stopped by a person')
  stop.abort(reason)
  expect(await both).toEqual([
    { status: 'rejected', reason },
    { status: 'rejected', reason },
  ])
  expect((await pool.run({ statements: ['SELECT 1 AS a'], folders: [] })).rows).toEqual([{ a: 1 }])
})

test('a child over its resident memory is ended by the watchdog', async () => {
  await using folder = await scratchFolder()
  await using pool = new DuckPool({ size: 1, folder: folder.path, rssBytesMax: 20 * 1024 ** 2 })
  const error = await pool.run({ statements: [SLOW], folders: [] }).catch((e: unknown) => e)
  expect(failure(error).message).toBe('a DuckDB task needed more memory than its limit of 20 MB')
})

test('too many rows fail the task, and nothing of a pool is left behind', async () => {
  await using folder = await scratchFolder()
  const pool = new DuckPool({ size: 1, folder: folder.path })
  const statements = ['SELECT * FROM range(5000)']
  const error = await pool
    .run({ statements, folders: [], rowCountMax: 100 })
    .catch((e: unknown) => e)
  expect(failure(error).context).toEqual({ kind: 'too many rows', statement: 0 })
  await pool.run({ statements, folders: [] })
  await pool[Symbol.asyncDispose]()
  expect(await readdir(folder.path)).toEqual([])
})
