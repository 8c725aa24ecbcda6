/** The CMS RVU family of October 2025: each fixed-width file beside its CSV and XLSX twins. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { cells, differingCells, RealFiles, totals } from './real-files.ts'

let files: RealFiles | undefined
beforeAll(async () => {
  files = await RealFiles.open('cms-rvu/rvu25d')
})
afterAll(() => files?.bench.close())

/** Row, column and texts of cells that differ, the fixed-width file first. */
function differences(
  text: readonly (readonly string[])[],
  csv: readonly (readonly string[])[],
): (readonly [row: number, column: number, text: string, csv: string])[] {
  return text.flatMap((row, at) =>
    row.flatMap((cell, column) => {
      const other = csv[at]?.[column] ?? ''
      return cell === other ? [] : [[at, column, cell, other] as const]
    }),
  )
}

async function twins(real: RealFiles, dataset: string, name: string) {
  const text = await real.parse(`${name}.txt`, `${dataset}/txt`)
  const csv = await real.parse(`${name}.csv`, `${dataset}/csv`)
  return {
    text: cells(text, real.spec(`${dataset}/txt`)),
    csv: cells(csv, real.spec(`${dataset}/csv`)),
    totals: [totals(text), totals(csv)],
  }
}

test.for([
  [
    'pprrvu',
    'PPRRVU2025_Oct',
    [19_090, 31],
    { accepted: 19_090, comment: 7 },
    { accepted: 19_090, preamble: 5, header: 5 },
  ],
  [
    'oppscap',
    'OPPSCAP_Oct',
    [16_100, 7],
    { accepted: 16_100 },
    { accepted: 16_100, header: 1, comment: 1 },
  ],
  [
    'gpci',
    'GPCI2025',
    [109, 7],
    { accepted: 109, preamble: 3, comment: 3, blank: 3 },
    { accepted: 109, preamble: 2, header: 1, comment: 4 },
  ],
] as const)(
  '%s: fixed width and CSV are equal cell by cell',
  async ([dataset, name, [rows, columns], ofText, ofCsv], context) => {
    if (files === undefined) return context.skip()
    const text = await files.run(`${name}.txt`, `${dataset}/txt`)
    const csv = await files.run(`${name}.csv`, `${dataset}/csv`)
    expect([totals({ outcome: text }), totals({ outcome: csv })]).toEqual([ofText, ofCsv])
    const spec = files.spec(`${dataset}/txt`)
    expect([text.report?.accepted, spec.columns.length]).toEqual([rows, columns])
    expect(await differingCells(files.bench, spec, [text, csv])).toEqual({})
  },
)

test('anes: factors are equal; names differ where the fixed width cuts them or has no footnote', async (context) => {
  if (files === undefined) return context.skip()
  const found = await twins(files, 'anes', 'ANES2025')
  expect(found.totals).toEqual([
    { accepted: 109, comment: 1 },
    { accepted: 109, header: 1, comment: 1 },
  ])
  const NAME = 2
  const differing = differences(found.text, found.csv)
  expect(differing.map(([, column]) => column)).toEqual(differing.map(() => NAME))
  const unlike = differing.filter(([, , text, csv]) => {
    const bare = csv.replace(/\*+$/, '')
    return text !== bare && text !== bare.slice(0, 40).trimEnd()
  })
  expect(unlike).toEqual([])
  expect(differing).toHaveLength(10)
})

/** Cells of the CSV that say another thing than the fixed width does: the publisher's own. */
const LOCCO_EXCEPTIONS: readonly string[] = [
  '01182/18 2:  | CALIFORNIA',
  '01182/18 3: LOS ANGELES-LONG BEACH-ANAHEIM (LOS ANGELES CNTY/ORANG CNTY) | LOS ANGELES-LONG BEACH-ANAHEIM (LOS ANGELES CNTY)',
  '01182/18 4: LOS ANGELES/ORANGE | LOS ANGELES /ORAGNGE CNTY',
  '01112/05 3: SAN FRANCISCO-OAKLAND-BERKELEY (SAN FRANCISCO CNTY/ALAMEDA/CONTRA COSTA/SAN MATEO) | SAN FRANCISCO-OAKLAND-BERKELEY (SAN FRANCISCO CNTY/ALAMEDA/CONTR COSTA CNTY/SAN MATEO)',
]

test('locco: what differs is zeros, cut counties, states, and the spellings named here', async (context) => {
  if (files === undefined) return context.skip()
  const found = await twins(files, 'locco', '25LOCCO')
  expect(found.totals).toEqual([
    { accepted: 110, preamble: 4, comment: 1, blank: 54 },
    { accepted: 110, preamble: 2, header: 1, comment: 56 },
  ])
  const isKnown = (column: number, text: string, csv: string): boolean => {
    if (column < 2) return csv.padStart(column === 0 ? 5 : 2, '0') === text
    return column === 4 && text.length > 50 && csv.slice(0, 58).trimEnd() === text
  }
  const other = differences(found.text, found.csv)
    .filter(([, column, text, csv]) => !isKnown(column, text, csv))
    .map(
      ([row, column, text, csv]) =>
        `${found.text[row]?.slice(0, 2).join('/')} ${column}: ${text} | ${csv}`,
    )
  expect(other).toEqual(LOCCO_EXCEPTIONS)
})

/** The workbook's cells, and those of a twin. */
async function workbookTwin(real: RealFiles, dataset: string, names: readonly [string, string]) {
  const [book, twin] = names
  const of = twin.endsWith('.txt') ? 'txt' : 'csv'
  const parsed = await real.parse(book, `${dataset}/xlsx`)
  const other = await real.parse(twin, `${dataset}/${of}`)
  return {
    book: cells(parsed, real.spec(`${dataset}/xlsx`)),
    twin: cells(other, real.spec(`${dataset}/${of}`)),
    totals: totals(parsed),
    findings: parsed.outcome.report?.findings,
  }
}

test('gpci.xlsx is the CSV cell by cell; numbers among the localities are a finding', async (context) => {
  if (files === undefined) return context.skip()
  const found = await workbookTwin(files, 'gpci', ['GPCI2025.xlsx', 'GPCI2025.csv'])
  expect(found.totals).toEqual({ accepted: 109, preamble: 2, header: 1, comment: 3, blank: 1 })
  expect(differences(found.book, found.twin)).toEqual([])
  expect(found.findings).toMatchObject([
    {
      code: 'CELL_NUMBERS_UNFORMATTED',
      line: 8,
      words: expect.stringMatching(/^18 cells of column locality /) as string,
    },
  ])
})

test('anes.xlsx is the CSV but for stars behind names; its formats keep the leading zeros', async (context) => {
  if (files === undefined) return context.skip()
  const found = await workbookTwin(files, 'anes', ['ANES2025.xlsx', 'ANES2025.csv'])
  expect([found.totals, found.findings]).toEqual([{ accepted: 109, header: 1 }, undefined])
  const differing = differences(found.book, found.twin)
  expect(differing.filter(([, , book, csv]) => book !== csv.replace(/\*+$/, ''))).toEqual([])
  expect(differing).toHaveLength(5)
})

test('locco.xlsx is the CSV but for zeros', async (context) => {
  if (files === undefined) return context.skip()
  const found = await workbookTwin(files, 'locco', ['25LOCCO.xlsx', '25LOCCO.csv'])
  expect([found.totals, found.findings]).toEqual([
    { accepted: 110, preamble: 2, header: 1, comment: 2, blank: 54 },
    undefined,
  ])
  const other = differences(found.book, found.twin).filter(
    ([, column, book, csv]) => column > 1 || csv.padStart(column === 0 ? 5 : 2, '0') !== book,
  )
  expect(other).toEqual([])
})
