/** The same on MinIO: versions, and the printed snippets, with keys from the environment alone. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { CliProject } from '../cli/cli-project.ts'
import { encounters, medicalFile } from '../support/deliveries.ts'
import { readerPython, runPython } from '../support/python.ts'
import type { FreshBucket } from '../support/s3.ts'
import { freshBucket } from '../support/s3.ts'

const MONTH = 'gold_canonical/MA/medical/2024-01'
const TABLE = 'gold_canonical.medical'

const python = await readerPython()

describe.runIf(python !== undefined)('a store in a bucket', () => {
  let bucket: FreshBucket
  let project: CliProject
  const secrets = ['S3_ACCESS_KEY', 'S3_SECRET_KEY'] as const
  const configure = (retained: number): void =>
    project.write(
      'tributary.json',
      JSON.stringify({
        store: `${bucket.url}/claims`,
        s3: { endpoint: bucket.settings.endpoint },
        retain_versions: retained,
      }),
    )
  beforeAll(async () => {
    bucket = await freshBucket('minio')
    for (const name of secrets) process.env[name] = bucket.environment[name]
    project = await CliProject.create()
    configure(3)
    await out('materialize')
    await correct('first')
  })
  afterAll(async () => {
    project[Symbol.dispose]()
    for (const name of secrets) delete process.env[name]
    await bucket.close()
  })

  const out = async (...argv: readonly string[]): Promise<string> => {
    const { code, stdout, stderr } = await project.run(argv)
    if (code !== 0) throw new Error(stderr)
    return stdout
  }
  const correct = async (tag: string): Promise<void> => {
    project.deliver(`alpha/${tag}`, medicalFile('2024-01', encounters('2024-01', 6, tag)))
    await out('materialize')
  }
  const count = async (...when: readonly string[]): Promise<number> =>
    (
      JSON.parse(await out('query', `select count(*) as n from ${TABLE}`, '--json', ...when)) as [
        { n: number },
      ]
    )[0].n
  /** Which rows are shown, by what they were delivered with. */
  const state = async (): Promise<string> => {
    const select = `select submitter_id || ' ' || source_submission_id as line from ${TABLE}`
    const rows = JSON.parse(await out('query', select, '--json')) as readonly { line: string }[]
    return rows
      .map(({ line }) => line)
      .toSorted()
      .join('|')
  }
  const agree = async (rows: number): Promise<void> => {
    if (python === undefined) throw new Error('no Python')
    for (const reader of ['polars', 'pyarrow']) {
      const script = await out('connect', reader)
      expect(await runPython(python, script, bucket.environment)).toBe(`${TABLE} ${rows}`)
    }
  }

  test('queries, diffs and readers see the versions that are kept', async () => {
    expect([await count(), await count('--as-of', '1')]).toEqual([10, 9])
    expect(JSON.parse(await out('diff', MONTH, '--json'))).toMatchObject({
      rows: { added: 6, removed: 5, changed: 0, unchanged: 4 },
    })
    await agree(10)
    await out('rollback', MONTH, '--to', '1', '--reason', 'a test')
    expect(await count()).toBe(9)
    await agree(9)
    await out('rollback', MONTH, '--clear', '--reason', 'a test')
    await out('materialize')
    await agree(10)
  })

  test('an export holds the rows; views over a bucket are refused in words', async () => {
    if (python === undefined) throw new Error('no Python')
    const file = `${project.root}/claims.duckdb`
    const views = await project.run(['export', '--duckdb', file])
    expect([views.code, views.stderr]).toEqual([2, expect.stringContaining('--copy')])
    await out('export', '--duckdb', file, '--copy')
    const script = `import duckdb
print(duckdb.connect(${JSON.stringify(file)}).execute("select count(*) from ${TABLE}").fetchone()[0])`
    expect(await runPython(python, script)).toBe('10')
  })

  test('no snippet holds a key; each names the variables it reads', async () => {
    for (const reader of [
      'duckdb',
      'python',
      'polars',
      'pyarrow',
      'r',
      'spark',
      'athena',
      'trino',
    ]) {
      const printed = JSON.parse(await out('connect', reader, '--json')) as { text: string }
      for (const name of secrets) expect(printed.text).not.toContain(bucket.environment[name])
      if (reader !== 'athena' && reader !== 'trino') expect(printed.text).toContain('S3_SECRET_KEY')
    }
    const [first = ''] = (await out('connect', '--parts', TABLE)).split('\n')
    expect(first).toMatch(/^s3:\/\/.*\/claims\/gold_canonical\/MA\/medical\/.*\.parquet$/)
  })

  test('a reader that polls the bucket through commits sees whole versions only', async () => {
    if (python === undefined) throw new Error('no Python')
    const look = `
import select, sys
seen, reads = set(), 0
while not select.select([sys.stdin], [], [], 0)[0]:
    rows = ds.dataset(parts("gold_canonical", "gold_canonical", 1, "medical"), filesystem=store).to_table(["submitter_id", "source_submission_id"])
    seen.add("|".join(sorted(f"{s} {d}" for s, d in zip(*[c.to_pylist() for c in rows.columns]))))
    reads += 1
print(json.dumps({"seen": sorted(seen), "reads": reads}))`
    const reader = spawn(python.command, ['-c', (await out('connect', 'pyarrow')) + look], {
      env: { ...python.environment, ...bucket.environment },
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    const printed = text(reader.stdout)
    const committed = new Set([await state()])
    for (let round = 1; round <= 8; round++) {
      const rows = (tag: string) => medicalFile('2024-01', encounters('2024-01', 6, tag))
      project.deliver(`beta/round-${round}`, rows(`b${round}`))
      await correct(`round-${round}`)
      committed.add(await state())
    }
    reader.stdin.end('stop')
    await once(reader, 'close')
    const last = (await printed).trim().split('\n').at(-1) ?? ''
    const found = JSON.parse(last) as { readonly seen: readonly string[]; readonly reads: number }
    expect(found.seen.filter((one) => !committed.has(one))).toEqual([])
    expect(found.seen.length).toBeGreaterThan(3)
    console.log(`${found.reads} reads saw ${found.seen.length} of ${committed.size} versions`)
  })

  test('with one version kept a rollback is refused, and the setting that keeps more is named', async () => {
    configure(1)
    await correct('second')
    const back = await project.run(['rollback', MONTH, '--to', '1', '--reason', 'a test'])
    expect(back.code).toBe(2)
    expect(back.stderr).toMatch(/no commit 1 that is kept; kept: commit \d+\n.*retain_versions/s)
  })
})
