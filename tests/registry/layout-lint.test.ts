/** The layout lint: what is suspicious about a layout by itself and beside its sample. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { recordLengths } from '../../engine/index.ts'
import type { ColumnSpec, ParseSpec } from '../../engine/index.ts'
import { expectedBytes, lintCount, lintLengths, lintPlaces } from '../../registry/layout-lint.ts'
import type { Lint } from '../../registry/layout-lint.ts'
import { CliProject } from '../cli/cli-project.ts'
import { column, scratchFolder } from '../table/parsing.ts'

const field = (name: string, start: number, length: number): ColumnSpec => ({
  ...column(name),
  at: { start, length },
})
const fixed = (columns: readonly ColumnSpec[], rows?: ParseSpec['rows']): ParseSpec => ({
  format: 'fixed',
  dialect: { delimiter: '\u001f', quoteChar: null, header: false },
  control: [],
  columns,
  month: { declared: 'last' },
  ...(rows !== undefined && { rows }),
})
const texts = (lints: readonly Lint[]): readonly string[] =>
  lints.map(({ path, kind, text }) => `/${path.slice(4).map(String).join('/')} ${kind} ${text}`)

/** The lint of a fixed-width text as a sample named S. */
async function lintText(spec: ParseSpec, text: string): Promise<readonly string[]> {
  await using folder = await scratchFolder()
  const path = join(folder.path, 'sample')
  writeFileSync(path, text)
  const expected = expectedBytes(spec)
  if (expected === undefined) return []
  const found = await recordLengths({
    spec,
    path,
    name: 'S',
    bytes: expected.bytes,
    spans: expected.holes,
    signal: new AbortController().signal,
  })
  return texts(lintLengths(spec, 'S', { expected, found }))
}

describe('fixed positions', () => {
  test('a field that starts inside another is told; neighbours are not', () => {
    expect(texts(lintPlaces(fixed([field('a', 1, 5), field('b', 6, 2)])))).toEqual([])
    const spec = fixed([field('work', 60, 6), field('pe', 64, 9), field('code', 1, 5)])
    expect(texts(lintPlaces(spec))).toEqual([
      '/1/x-at warning pe starts at byte 64, inside work, which ends at 65: one of them is cut, or longer than it is',
    ])
  })

  test('a field cut at its neighbour: data where no field is', async () => {
    // The price has seven bytes; the layout gives it the last five.
    const spec = fixed([field('code', 1, 5), field('price', 9, 5)])
    const lines = ['A0001    12.00', 'A0002  4614.30', 'A0003     1.50']
    expect(await lintText(spec, `${lines.map((line) => line.slice(0, 13)).join('\n')}\n`)).toEqual([
      '/1/x-at warning bytes 6 to 8 of S hold data in 1 of 3 records (first: line 2) and belong to no field: price starts too late, or code ends too early, or a field is missing',
    ])
  })

  test('filler that is blank everywhere is none', async () => {
    const spec = fixed([field('code', 1, 2), field('next', 5, 1)])
    expect(await lintText(spec, 'AB  1\r\nCD  2\r\n')).toEqual([])
  })

  test('records of another length than the layout says each has', async () => {
    const line = 'A0001'.padEnd(38, 'x')
    const spec = fixed([field('code', 1, 38)], { exactBytes: 40, preamble: { records: 1 } })
    expect(await lintText(spec, `HDR of no interest\n${line}\n${line}\n`)).toEqual([
      '/ error most data records of S have 38 bytes (first: line 2), none has the 40 of this layout: correct exactBytes and the places',
    ])
    const most = fixed([field('code', 1, 3)], { exactBytes: 3 })
    expect(await lintText(most, 'abc\nabcd\nabcd\n')).toEqual([
      '/ warning most data records of S have 4 bytes (first: line 2), 1 have the 3 of this layout: correct exactBytes and the places',
    ])
  })

  test('records that may end early, and a field that none of them reaches', async () => {
    const spec = fixed([field('code', 1, 3), field('far', 8, 2)])
    expect(await lintText(spec, 'abc\nabc    xy\n')).toEqual([])
    expect(await lintText(spec, 'abc\nabcd\n')).toEqual([
      '/1/x-at warning far starts at byte 8, and the longest data record of S has 4',
      '/1/x-at warning bytes 4 to 7 of S hold data in 1 of 2 records (first: line 2) and belong to no field: far starts too late, or code ends too early, or a field is missing',
    ])
  })
})

test('a sample of which every record is skipped is an error, some rejects a warning', () => {
  const reasons = ['FIELD_COUNT', 'TYPE_DATE day', 'ENUM sex', 'QUOTE']
  expect(texts(lintCount('S', { accepted: 0, rejected: 9, reasons }))).toEqual([
    '/ error every record of S is skipped (FIELD_COUNT, TYPE_DATE day, ENUM sex): this layout does not describe it',
  ])
  expect(texts(lintCount('S', { accepted: 8, rejected: 1, reasons: ['QUOTE'] }))).toEqual([
    '/ warning 1 of 9 records of S are rejected (QUOTE)',
  ])
  expect(lintCount('S', { accepted: 9, rejected: 0, reasons: [] })).toEqual([])
})

const layoutText = (delimiter: string, path: string, amount: string): string =>
  JSON.stringify(
    {
      resources: [
        {
          name: 'visits',
          path,
          dialect: { delimiter, header: true },
          schema: {
            fields: [
              { name: 'id', type: 'string' },
              {
                name: 'amount',
                'x-header': amount,
                type: 'number',
                'x-decimal': { precision: 9, scale: 2 },
              },
            ],
          },
        },
      ],
      'x-ingest': { status: 'INACTIVE', month: { declared: 'last' }, reject: { share: 1 } },
    },
    null,
    2,
  )

describe('registry check --samples', () => {
  async function check(samples: Readonly<Record<string, string>>) {
    using project = await CliProject.create()
    const txt = 'registry/layouts/visits/txt.json'
    project.write(txt, layoutText('|', 'visits.txt', 'amount'))
    project.write('registry/layouts/visits/csv.json', layoutText(',', 'visits.csv', 'paid'))
    for (const [name, text] of Object.entries(samples)) project.write(`samples/${name}`, text)
    const { code, stdout, stderr } = await project.run([
      'registry',
      'check',
      '--samples',
      join(project.root, 'samples'),
    ])
    return { code, lines: stdout.trimEnd().split('\n'), stderr }
  }

  test('twins that agree say nothing, wherever their samples lie', async () => {
    const { code, lines } = await check({
      'visits.txt': 'id|amount\nA|1.5\nB|2\n',
      'visits/visits.csv': 'paid,id\n1.50,A\n2.00,B\n',
    })
    expect([code, lines.at(-1)]).toEqual([0, expect.stringMatching(/^\d+ files: valid/)])
    expect(lines.join('\n')).not.toContain('twin')
  })

  test('a twin that disagrees names the column, how often and where, and no value', async () => {
    const { code, lines } = await check({
      'visits.txt': 'id|amount\nA|1.5\nB|77.25\nC|3\n',
      'visits.csv': 'paid,id\n1.50,A\n2.00,B\n30,C\n',
    })
    expect(code).toBe(0)
    expect(lines[0]).toBe(
      'registry/layouts/visits/csv.json:16:11 warning amount differs from its twin visits.txt in 2 of 3 rows (first: record 3, there 3): a place, a type or a name is wrong in one of them',
    )
    expect(lines.join('\n')).not.toContain('77.25')
  })

  test('a twin with other rows, and a sample that its layout does not describe', async () => {
    const other = await check({
      'visits.txt': 'id|amount\nA|1.5\n',
      'visits.csv': 'paid,id\n1.50,A\n2.00,B\n',
    })
    expect(other.lines.join('\n')).toContain(
      'visits.csv has 2 rows and its twin visits.txt 1: one of the layouts takes other records for data',
    )
    const skipped = await check({ 'visits.txt': 'id|amount\nA|x\nB|y\n' })
    expect(skipped.code).toBe(2)
    expect(skipped.lines.join('\n')).toMatch(
      /txt\.json:5:15 error every record of visits\.txt is skipped \(TYPE_DECIMAL amount\)/,
    )
  })

  test('a folder without samples is a mistake', async () => {
    const { code, stderr } = await check({ 'other.txt': '' })
    expect(code).toBe(2)
    expect(stderr).toContain('no layout has its example file')
  })
})
