/** Other people's programs read the tables by the printed snippets, as they are. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { CliProject } from '../cli/cli-project.ts'
import { encounters, medicalFile } from '../support/deliveries.ts'
import { readerPython, runPython } from '../support/python.ts'

const MONTH = 'gold_canonical/MA/medical/2024-01'
const TABLE = 'gold_canonical.medical'
/** The same in any version of DuckDB: every row as text, in order. */
const DIGEST = `SELECT md5(string_agg(line, chr(10) ORDER BY line)) AS digest
  FROM (SELECT concat_ws('|', *COLUMNS(*)) AS line FROM ${TABLE})`

const python = await readerPython()

describe.runIf(python !== undefined)('foreign readers', () => {
  let project: CliProject
  beforeAll(async () => {
    project = await CliProject.create()
    await project.run(['materialize'])
  })
  afterAll(() => project[Symbol.dispose]())

  const out = async (...argv: readonly string[]): Promise<string> => {
    const { code, stdout, stderr } = await project.run(argv)
    if (code !== 0) throw new Error(stderr)
    return stdout
  }
  const reads = async (script: string): Promise<string> => {
    if (python === undefined) throw new Error('no Python')
    return runPython(python, script)
  }
  const digest = async (): Promise<string> =>
    (JSON.parse(await out('query', DIGEST, '--json')) as [{ digest: string }])[0].digest
  /** What the catalog says of the month: rows and SHA-256 of each part. */
  const parts = async (): Promise<readonly { rows: number; sha256: string }[]> =>
    (
      JSON.parse(await out('explain', MONTH, '--json')) as {
        parts: { rows: number; sha256: string }[]
      }
    ).parts

  /** Corrects both submitters' month in one run; the number of rows stays. */
  const correct = async (round: number): Promise<void> => {
    const tag = `r${round}`
    project.deliver(`alpha/${tag}`, medicalFile('2024-01', encounters('2024-01', 5, `a${tag}`)))
    project.deliver(`beta/${tag}`, medicalFile('2024-01', encounters('2024-01', 4, `b${tag}`)))
    await out('materialize')
  }

  const agree = async (): Promise<void> => {
    const known = await parts()
    const count = known.reduce((sum, { rows }) => sum + rows, 0)
    for (const reader of ['python', 'polars', 'pyarrow']) {
      expect(await reads(await out('connect', reader))).toBe(`${TABLE} ${count}`)
    }
    const duckdb = await out('connect', 'duckdb')
    const script = `import duckdb\ncon = duckdb.connect()\ncon.execute(${JSON.stringify(duckdb)})
print(con.execute(${JSON.stringify(DIGEST)}).fetchone()[0])`
    expect(await reads(script)).toBe(await digest())
    const bytes = `import hashlib
paths = parts("gold_canonical", "gold_canonical", 1, "medical")
print(*[hashlib.sha256(store.open_input_stream(path).read()).hexdigest() for path in paths])`
    const [, sums = ''] = (await reads(`${await out('connect', 'pyarrow')}\n${bytes}`)).split('\n')
    expect(sums.split(' ').toSorted()).toEqual(known.map(({ sha256 }) => sha256).toSorted())
  }

  test('counts, rows and bytes are the catalog’s: built, corrected, rolled back', async () => {
    await agree()
    await correct(0)
    await agree()
    const before = await digest()
    await out('rollback', MONTH, '--to', '1', '--reason', 'a test')
    expect(await digest()).not.toBe(before)
    await agree()
    await out('rollback', MONTH, '--clear', '--reason', 'a test')
    await out('materialize')
    expect(await digest()).toBe(before)
    await agree()
  })

  test('codes keep their zeros in polars', async () => {
    const look = 'print(gold_canonical_medical.select(pl.col("code").unique()).collect().item())'
    expect(await reads(`${await out('connect', 'polars')}\n${look}`)).toMatch(/\n00123$/)
  })

  test('an exported database is read by another version of DuckDB, with views and with rows', async () => {
    for (const more of [[], ['--copy']]) {
      const file = `${project.root}/claims.duckdb`
      await out('export', '--duckdb', file, '--overwrite', ...more)
      const script = `import duckdb
print(duckdb.connect(${JSON.stringify(file)}, read_only=True).execute(${JSON.stringify(DIGEST)}).fetchone()[0])`
      expect(await reads(script)).toBe(await digest())
    }
    const again = await project.run(['export', '--duckdb', `${project.root}/claims.duckdb`])
    expect([again.code, again.stderr]).toEqual([2, expect.stringContaining('--overwrite')])
    const folder = `${project.root}/parquet`
    await out('export', '--parquet', folder, TABLE)
    const script = `import pyarrow.dataset as ds
print(ds.dataset(${JSON.stringify(`${folder}/gold_canonical`)}, format="parquet").count_rows())`
    expect(await reads(script)).toBe('9')
  })

  test('a reader that polls through commits sees whole versions only', async () => {
    if (python === undefined) throw new Error('no Python')
    const script = `import duckdb, json, select, sys
snippet, digest, glob = sys.argv[1:]
con = duckdb.connect()
seen, counts, reads = set(), set(), 0
while not select.select([sys.stdin], [], [], 0)[0]:
    con.execute(snippet)
    seen.add(con.execute(digest).fetchone()[0])
    counts.add(con.execute(f"SELECT count(*) FROM read_parquet('{glob}')").fetchone()[0])
    reads += 1
print(json.dumps({"seen": sorted(seen), "counts": sorted(counts), "reads": reads}))`
    const glob = `${project.root}/data/gold_canonical/*/*/*/*.parquet`
    const snippet = await out('connect', 'duckdb')
    const reader = spawn(python.command, ['-c', script, snippet, DIGEST, glob], {
      env: python.environment,
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    const printed = text(reader.stdout)
    const committed = new Set([await digest()])
    for (let round = 1; round <= 12; round++) {
      await correct(round)
      committed.add(await digest())
    }
    reader.stdin.end('stop')
    await once(reader, 'close')
    const found = JSON.parse(await printed) as {
      readonly seen: readonly string[]
      readonly counts: readonly number[]
      readonly reads: number
    }
    expect(found.seen.filter((one) => !committed.has(one))).toEqual([])
    expect(found.seen.length).toBeGreaterThan(3)
    expect(found.counts).toEqual([9])
    console.log(`${found.reads} reads saw ${found.seen.length} of ${committed.size} versions`)
  })

  test('DDL for Athena and Trino is what their dialects can read', async () => {
    for (const reader of ['athena', 'trino']) {
      const ddl = await out('connect', reader, TABLE, '--location', 's3://bucket/claims')
      const script = `import sqlglot
print([type(one).__name__ for one in sqlglot.parse(${JSON.stringify(ddl)}, read=${JSON.stringify(reader)})])`
      expect(await reads(script)).toBe("['Create', 'Create', 'Create']")
    }
    const local = await project.run(['connect', 'athena'])
    expect([local.code, local.stderr]).toEqual([2, expect.stringContaining('--location')])
  })
})
