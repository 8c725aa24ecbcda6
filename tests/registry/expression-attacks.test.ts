/** Attacks by expression as the registry meets them, every function DuckDB has, and what must stay possible. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { EngineError } from '../../engine/index.ts'
import { AGGREGATES, EXPRESSION_FUNCTIONS } from '../../registry/expression-functions.ts'
import { readExpression } from '../../registry/expression.ts'
import { readRegistry } from '../../registry/read.ts'
import { HOSTILE } from './hostile-expressions.ts'
import { MAPPING, RULES, sampleFiles } from './sample-registry.ts'
import { selectSilver } from './select-silver.ts'

describe('a registry with hostile expressions', () => {
  /** What the registry says of entries, one a line; `around` is what stands before and after them. */
  const message = (path: string, around: readonly [string, string], entries: readonly string[]) => {
    const text = `${around[0]}\n${entries.join(',\n')}\n${around[1]}`
    const { registry, issues } = readRegistry(sampleFiles({ [path]: text }))
    expect(registry).toBeUndefined()
    return { entries, said: new EngineError('REGISTRY_INVALID', { issues }).message.split('\n') }
  }

  /** Attacks whose refusal does not stand at its line and, where JSON writes it plainly, column. */
  const unsaid = ({ entries, said }: ReturnType<typeof message>, path: string): readonly string[] =>
    HOSTILE.filter(([, text, offset, words], at) => {
      const written = JSON.stringify(text)
      // 1-based, behind the quote.
      const start = (entries[at]?.indexOf(written) ?? -1) + 2
      const isPlain = written === `"${text}"`
      const place = `${path}:${at + 2}:${isPlain ? `${start + offset} ` : ''}`
      return !said.some((line) => line.includes(place) && line.includes(words))
    }).map(([what]) => what)

  test('names each attack in a mapping with code, line and column', () => {
    const entries = HOSTILE.map(([, expr], at) => `"c${at}":${JSON.stringify({ expr })}`)
    const around = ['{"schema":"visits/v1","status":"ACTIVE","columns":{', '}}'] as const
    expect(unsaid(message(MAPPING, around, entries), MAPPING)).toEqual([])
  })

  test.each(['each', 'overall'] as const)('and in CUSTOM_SQL of %s', (kind) => {
    const texts = HOSTILE.map(([, text]) =>
      kind === 'each' ? text : `count(*) > 0 AND sum(${text}) > 0`,
    )
    const entries = texts.map((text, at) => {
      const rule = { id: `r${at}`, kind: 'CUSTOM_SQL', params: { [kind]: text } }
      return JSON.stringify({ ...rule, severity: 'HARD', threshold: { count: 0 } })
    })
    const said = message(RULES, ['{"rules":[', ']}'], entries)
    const places = new Set(said.said.map((line) => /json:(\d+):\d+ /.exec(line)?.[1]))
    expect(HOSTILE.filter((_, at) => !places.has(String(at + 2))).map(([what]) => what)).toEqual([])
    if (kind === 'each') expect(unsaid(said, RULES)).toEqual([])
  })
})

describe('of all functions that DuckDB has', () => {
  const LISTS = ['', "'%Y'", "'a', '%Y'", "'year', 1", 'code, 1, code', "code, 'a', 'b'", 'code']
  const isTaken = (text: string): boolean =>
    (['row', 'rows'] as const).some((over) => !('problem' in readExpression(text, over)))

  test('each table function, pragma and every other one outside the list is refused by its name', async () => {
    const every = await selectSilver(
      `SELECT DISTINCT function_name AS name, function_type AS type FROM duckdb_functions()`,
      [{ name: 'code', type: 'string', required: false }],
      [],
    )
    const counts: Record<string, number> = {}
    const taken = new Set<string>()
    for (const { name, type } of every) {
      // An operator has no name to call.
      if (!/\w/.test(String(name))) continue
      counts[String(type)] = (counts[String(type)] ?? 0) + 1
      const called = LISTS.map((list) => `${String(name)}(${list})`)
      const asTable = called.flatMap((call) => [
        `(SELECT 1 FROM ${call})`,
        `n FROM ${call}`,
        `(FROM ${call})`,
        `n IN (FROM ${call})`,
        `main.${call}`,
        `"${String(name)}"${call.slice(String(name).length)}`,
      ])
      if (asTable.some((text) => isTaken(text))) taken.add(`FROM ${String(name)}`)
      if (called.some((text) => isTaken(text))) taken.add(String(name))
    }
    console.log(`functions of DuckDB by type: ${JSON.stringify(counts)}; taken: ${taken.size}`)
    const allowed = [...EXPRESSION_FUNCTIONS, ...AGGREGATES]
    expect([...taken].filter((name) => !allowed.includes(name))).toEqual([])
    expect(taken.size).toBeGreaterThan(20)
    const types = ['aggregate', 'macro', 'pragma', 'scalar', 'table', 'table_macro']
    expect(Object.keys(counts)).toEqual(expect.arrayContaining(types))
    const tables = every.filter(({ type }) => /table|pragma/.test(String(type)))
    expect(tables.filter(({ name }) => allowed.includes(String(name)))).toEqual([])
    expect(tables.length).toBeGreaterThan(80)
  })
})

/** Innocent expressions by the type of their value; every cast and every date in them holds. */
const innocent = fc.letrec<{ number: string; text: string; date: string; test: string }>((tie) => {
  const [number, text, date, holds] = [tie('number'), tie('text'), tie('date'), tie('test')]
  const join = (parts: readonly string[]): string => parts.join(' ')
  const leaf = { maxDepth: 4, depthIdentifier: 'part' }
  return {
    number: fc.oneof(
      leaf,
      fc.constantFrom('n', '1', '2.50', '0', 'NULL', '"n"'),
      fc.tuple(number, fc.constantFrom('+', '-', '*'), number).map((all) => `(${join(all)})`),
      fc.tuple(number, number).map(([a, b]) => `${a} / nullif(${b}, 0)`),
      fc.tuple(number, number).map(([a, b]) => `coalesce(${a}, ${b}, 7)`),
      text.map((a) => `length(${a})`),
      date.map((a) => `year(${a}) % 100`),
      date.map((a) => `EXTRACT(month FROM ${a})`),
      number.map((a) => `CAST(round(${a} % 1000, 2) AS DECIMAL(18, 2))`),
      fc.tuple(holds, number, number).map(([a, b, c]) => `CASE WHEN ${a} THEN ${b} ELSE ${c} END`),
    ),
    text: fc.oneof(
      leaf,
      fc.constantFrom('code', "' x '", "'it''s; -- /* $$'", "''", 'CAST(NULL AS VARCHAR)'),
      fc
        .constantFrom('trim', 'upper', 'lower', 'ltrim')
        .chain((name) => text.map((a) => `${name}(${a})`)),
      fc.tuple(text, text).map(([a, b]) => `(${a} || ${b})`),
      fc.tuple(text, text).map(([a, b]) => `coalesce(${a}, ${b})`),
      fc.tuple(text, text).map(([a, b]) => `nullif(${a}, ${b})`),
      text.map((a) => `substr(${a}, 2, 3)`),
      text.map((a) => `replace(${a}, '''', '-')`),
      text.map((a) => `lpad(${a}, 5, '0')`),
      number.map((a) => `CAST(${a} AS VARCHAR)`),
      date.map((a) => `strftime(${a}, '%Y-%m')`),
      fc.tuple(text, text).map(([a, b]) => `CASE ${a} WHEN ' x ' THEN 'yes' ELSE ${b} END`),
    ),
    date: fc.oneof(
      leaf,
      fc.constantFrom(
        'seen',
        "DATE '2024-02-29'",
        "CAST('2023-12-31' AS DATE)",
        "'2024-01-01'::DATE",
      ),
      date.map((a) => `last_day(${a})`),
      date.map((a) => `CAST(date_trunc('month', ${a}) AS DATE)`),
      date.map((a) => `(${a} + 1)`),
      fc.tuple(date, date).map(([a, b]) => `greatest(${a}, ${b})`),
      date.map((a) => `make_date(year(${a}), month(${a}), 1)`),
    ),
    test: fc.oneof(
      leaf,
      fc.constantFrom('TRUE', 'n > 1', "seen < DATE '2024-03-01'"),
      fc.tuple(number, fc.constantFrom('=', '<>', '<', '<=', '>', '>=', '!='), number).map(join),
      fc.tuple(date, date, date).map(([a, b, c]) => `${a} BETWEEN ${b} AND ${c}`),
      text.map((a) => `${a} IN ('x', 'it''s', '')`),
      number.map((a) => `(${a}) NOT IN (1, -2, 3.5)`),
      text.map((a) => `${a} IS NOT NULL`),
      text.map((a) => `starts_with(${a}, 'x')`),
      fc.tuple(holds, fc.constantFrom('AND', 'OR'), holds).map((all) => `(${join(all)})`),
      holds.map((a) => `NOT (${a})`),
    ),
  }
})

test('arithmetic, texts, dates, casts, CASE and tests are taken, run, and mean what they say', async () => {
  const seed = Number(process.env['FC_SEED'] ?? Math.trunc(Math.random() * 2 ** 31))
  console.log(`innocent expressions: FC_SEED=${seed}`)
  const kinds = [innocent.number, innocent.text, innocent.date, innocent.test]
  const texts = kinds.flatMap((kind) => fc.sample(kind, { numRuns: 60, seed }))
  const refused = texts.flatMap((text) => {
    const read = readExpression(text)
    return 'problem' in read ? [`${text}: ${read.problem}`] : []
  })
  expect(
    refused.filter((one) => !/operations deep|at most \d+ (?:parts|characters)/.test(one)),
  ).toEqual([])
  const read = texts.flatMap((text) => {
    const known = readExpression(text)
    return 'problem' in known ? [] : [[text, known.sql] as const]
  })
  expect(read.length).toBeGreaterThan(200)
  const cells = read.flatMap(([text, sql], at) => [
    `CAST((${text}) AS VARCHAR) AS "w${at}"`,
    `CAST((${sql}) AS VARCHAR) AS "r${at}"`,
  ])
  const columns = [
    { name: 'code', type: 'string', required: false },
    { name: 'n', type: 'integer', required: false },
    { name: 'seen', type: 'date', required: false },
  ] as const
  const rows = await selectSilver(`SELECT ${cells.join(', ')} FROM silver`, columns, [
    { code: ' x1 ', n: 3, seen: '2024-01-31' },
    { code: null, n: null, seen: null },
  ])
  expect(rows.length).toBe(2)
  const differ = read.filter((_, at) => rows.some((row) => row[`w${at}`] !== row[`r${at}`]))
  expect(differ).toEqual([])
})
