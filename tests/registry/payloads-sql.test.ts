/** Every payload as a text of SQL, run in a DuckDB child: the same bytes come back, and nothing else runs. 0 escapes. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { DuckPool, rowsQuery } from '../../engine/index.ts'
import type { DuckRow } from '../../engine/index.ts'
import { codeSetSlices } from '../../registry/code-set.ts'
import { mappingSelect } from '../../registry/mapping-sql.ts'
import type { MonthMapping } from '../../registry/mapping.ts'
import { codeTables } from '../../registry/rule-sql.ts'
import { scratchFolder } from '../table/parsing.ts'
import type { PayloadPlace } from './payload-entries.ts'
import { accepted, batches, json, printed, registryWith } from './payload-entries.ts'
import { readPayloads } from './payloads.ts'
import { MAPPING, MAPPING_TEST, SCHEMA } from './sample-registry.ts'

const all = readPayloads()

const LINEAGE = {
  state: 'MA',
  fileType: 'visits',
  atomicMonth: '2024-03',
  submissionId: '20240401T000000000Z-0123456789ab',
  layoutId: 'visits/clinic/v1',
  schemaVersion: 'v1',
  builtAt: '2024-04-02T10:20:30.456Z',
}

describe.skipIf(all === undefined)('payloads in SQL', () => {
  const payloads = all ?? []
  let folder: Awaited<ReturnType<typeof scratchFolder>>
  let duck: DuckPool
  beforeAll(async () => {
    folder = await scratchFolder()
    duck = new DuckPool({ size: 1, folder: folder.path })
  })
  afterAll(async () => {
    await duck[Symbol.asyncDispose]()
    await folder[Symbol.asyncDispose]()
  })

  /** Runs a select beside tables that a payload might drop or read, and says whether they stood. */
  async function run(select: string, before: readonly string[] = []): Promise<readonly DuckRow[]> {
    const canary = [
      'CREATE TABLE canary AS SELECT 41 AS n',
      `CREATE TABLE silver AS SELECT 'k' AS code, 1 AS line_number`,
    ]
    const rows = await rowsQuery({
      select: `SELECT (SELECT sum(n) FROM canary) AS canary, (SELECT count(*) FROM duckdb_tables()) AS tables, q.* FROM (${select}) q`,
      before: [...canary, ...before],
      parts: [],
      duck,
    })
    expect(rows.map((row) => [Number(row['canary']), Number(row['tables'])])).toEqual(
      rows.map(() => [41, 2 + before.length]),
    )
    return rows
  }

  /** The rules a mapping of these texts compiles to; refused texts are left out. */
  function mapped(texts: readonly string[], rule: (text: string) => unknown) {
    const place: PayloadPlace = {
      path: MAPPING,
      head: '{"schema":"visits/v1","status":"ACTIVE","columns":{',
      entry: (text, at) => `"c${at}":${json(rule(text))}`,
      tail: '}}',
      also: (given) => ({
        [SCHEMA]: json({
          status: 'ACTIVE',
          columns: given.map((_, at) => ({ name: `c${at}`, type: 'VARCHAR' })),
        }),
        [MAPPING_TEST]: json({ rows: [{ visit: 'a' }], expect: [{}] }),
      }),
    }
    const taken = accepted(place, texts)
    const { registry, issues } = registryWith(place, taken)
    if (registry === undefined) throw new Error(printed(issues))
    const [mapping] = registry.mappings
    const columns = Object.entries(mapping?.columns ?? {}).map(
      ([name, [first]]) => [name, first] as const,
    )
    return { taken, columns: Object.fromEntries(columns) as MonthMapping['columns'] }
  }

  test.each([
    ['constants', (text: string) => ({ const: text })],
    ['values of a map', (text: string) => ({ map: { source: 'code', values: { k: text } } })],
    [
      'its default',
      (text: string) => ({ map: { source: 'code', values: { x: 'y' }, default: text } }),
    ],
    [
      'its keys',
      (text: string) => ({
        map: { source: 'code', values: { [text]: 'it', k: 'k' }, default: 'other' },
      }),
    ],
  ])('as %s come back as they are, and nothing else runs', async (what, rule) => {
    let escapes = 0
    let takenCount = 0
    for (const texts of batches(payloads, 1000)) {
      const { taken, columns } = mapped(texts, rule)
      takenCount += taken.length
      const names = taken.map((_, at) => `c${at}`)
      const select = mappingSelect({
        mapping: { schema: 'visits/v1', columns },
        columns: names.map((name) => ({ name, type: 'VARCHAR', required: false })),
        lineage: { ...LINEAGE, submitterId: taken[0] ?? '' },
      })
      const [row = {}] = await run(select)
      const wanted = (text: string | undefined): string =>
        what === 'its keys' ? 'k' : (text ?? '')
      escapes += names.filter((name, at) => row[name] !== wanted(taken[at])).length
      if (row['submitter_id'] !== (taken[0] ?? '')) escapes += 1
    }
    expect(escapes).toBe(0)
    expect(takenCount).toBeGreaterThan(payloads.length * 0.99)
  })

  test('as values of a code set come back as they are', async () => {
    const place: PayloadPlace = {
      path: 'registry/code-sets/odd.json',
      head: '{"codes":[',
      entry: (text) => json(text),
      tail: ']}',
    }
    const taken = batches(payloads).flatMap((texts) => accepted(place, texts))
    const { registry, issues } = registryWith(place, taken)
    if (registry === undefined) throw new Error(printed(issues))
    const select = 'SELECT "code" FROM "codes__0"'
    const rows = await run(select, codeTables(codeSetSlices(registry.codeSets, ['odd'])))
    const found = rows.map((row) => String(row['code']))
    expect(found.toSorted()).toEqual(taken.toSorted())
    expect(taken.length).toBeGreaterThan(1000)
  })
})
