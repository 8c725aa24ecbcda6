import { join } from 'node:path'
import SqliteDatabase from 'better-sqlite3'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { CliProject } from './cli-project.ts'

let project: CliProject
beforeAll(async () => {
  project = await CliProject.create()
  await project.run(['materialize', '--reason', 'the first'])
})
afterAll(() => project[Symbol.dispose]())

const json = async <Value>(...argv: string[]): Promise<Value> =>
  JSON.parse((await project.run([...argv, '--json'])).stdout) as Value

interface Listed {
  readonly rows: readonly {
    readonly seq: number
    readonly action: string
    readonly reason: string
    readonly prev_hash: string
    readonly hash: string
  }[]
}

test('audit list shows who did what and why, newest first, by actor and since a day', async () => {
  const { rows } = await json<Listed>('audit', 'list')
  expect(rows.map(({ seq }) => seq)).toEqual(rows.map((_, at) => rows.length - at))
  expect(rows.at(-1)).toMatchObject({ seq: 1, action: 'run', reason: 'the first' })
  expect(rows[0]?.prev_hash).toBe(rows[1]?.hash)
  expect((await json<Listed>('audit', 'list', '--actor', 'nobody')).rows).toEqual([])
  expect((await json<Listed>('audit', 'list', '--since', '2999-01-01')).rows).toEqual([])
  const text = await project.run(['audit', 'list', '--limit', '1'])
  expect(text.stdout).toMatch(/^row +at +actor +action +subject +run +reason\n/)
  expect((await project.run(['audit', 'list', '--since', 'yesterday'])).code).toBe(2)
})

test('audit verify holds, and finds one flipped byte', async () => {
  const sound = await project.run(['audit', 'verify'])
  expect(sound.stdout).toMatch(/^holds +\d+ rows chained, 1 anchor; the last is [0-9a-f]{64}\n$/)
  expect(sound.code).toBe(0)
  const database = new SqliteDatabase(join(project.root, '.tributary/catalog.db'))
  database.exec(`drop trigger audit_no_update;
    update audit set reason = 'the fjrst' where seq = 1`)
  database.close()
  const broken = await project.run(['audit', 'verify'])
  expect(broken.stdout).toBe('broken  row 1 was changed\n')
  expect(broken.code).toBe(1)
  expect(await json('audit', 'verify')).toMatchObject({ holds: false, fault_count: 1 })
})
