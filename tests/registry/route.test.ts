import fc from 'fast-check'
import { expect, test } from 'vitest'
import { route, type DeliveredFile, type Route, type RouteRequest } from '../../registry/route.ts'
import type { RoutedLayout } from '../../registry/layout-fit.ts'

type LayoutFacts = Partial<RoutedLayout['slices']['route']>

const layout = (id: string, facts: LayoutFacts = {}): RoutedLayout => ({
  id,
  fileType: id.split('/')[0] ?? '',
  slices: {
    route: {
      status: 'ACTIVE',
      effective: {},
      fileNames: [],
      states: [],
      columnCount: 3,
      headerNames: ['id', 'start', 'code'],
      headerVersion: null,
      ...facts,
    },
  },
})
const MEDICAL = layout('medical/encounters/v1')
const PHARMACY = layout('pharmacy/fills/v1', { headerNames: ['id', 'drug'], columnCount: 2 })

const header = { headerNames: ['id', 'start', 'code'], columnCount: 3 }
const medical = (name = 'medical_202401_202412.csv', facts: Partial<DeliveredFile> = {}) => ({
  name,
  ...header,
  ...facts,
})

function routes(files: readonly DeliveredFile[], facts: Partial<RouteRequest> = {}) {
  const submitter = { id: 'acme', state: 'MA' }
  return route({ files, submitter, rules: [], layouts: [MEDICAL, PHARMACY], ...facts })
}
function only(files: readonly DeliveredFile[], facts: Partial<RouteRequest> = {}): Route {
  const [first, ...others] = routes(files, facts)
  expect(others).toEqual([])
  if (first === undefined) throw new Error('no route')
  return first
}

test('the convention holds for every format that is read, plain or packed', () => {
  for (const end of ['csv', 'txt.gz', 'dat.zip', 'jsonl', 'ndjson.gz', 'xlsx', 'parquet', 'tgz']) {
    const found = only([medical(`medical_202401_202402.${end}`)])
    const period = { first: '2024-01', last: '2024-02' }
    expect({ end, ...found }).toMatchObject({ end, status: 'READY_FOR_PARSE', period })
  }
})

test('a file named by the convention gets its layout, period and the submitter’s state', () => {
  expect(only([medical()])).toEqual({
    status: 'READY_FOR_PARSE',
    fileType: 'medical',
    files: ['medical_202401_202412.csv'],
    layoutId: 'medical/encounters/v1',
    state: 'MA',
    period: { first: '2024-01', last: '2024-12' },
    testFlag: false,
    explained: 'matched 2 of 2 signals: header names, column count',
  })
})

test('a drop of two types is one route per type, an unknown file apart', () => {
  const files = [
    medical(),
    { name: 'pharmacy_202401_202403.txt.gz', headerNames: ['drug', 'id'] },
    { name: 'README.txt' },
  ]
  expect(routes(files).map(({ fileType, status }) => [fileType, status])).toEqual([
    ['medical', 'READY_FOR_PARSE'],
    ['pharmacy', 'READY_FOR_PARSE'],
    ['unknown', 'NEEDS_REVIEW'],
  ])
})

test('an unknown submitter, name or type is never a guess', () => {
  const cases: readonly (readonly [string, Route])[] = [
    ['UNKNOWN_SUBMITTER', only([medical()], { submitter: undefined })],
    ['UNKNOWN_NAME', only([medical('claims-final.csv')])],
    ['UNKNOWN_NAME', only([medical('dental_202401_202412.csv')])],
    [
      'FILE_TYPE_NOT_EXPECTED',
      only([medical()], { submitter: { id: 'acme', state: 'MA', fileTypes: ['pharmacy'] } }),
    ],
    [
      'NO_ACTIVE_LAYOUT',
      only([medical()], { submitter: { id: 'acme', state: 'MA', layouts: ['medical/other'] } }),
    ],
    ['STATE_CONFLICT', only([medical()], { submitter: { id: 'acme', state: 'Mass' } })],
  ]
  for (const [code, found] of cases) expect(found).toMatchObject({ status: 'NEEDS_REVIEW', code })
})

test('content that differs from every layout is a mismatch that names no value of the file', () => {
  const found = only([medical(undefined, { headerNames: ['id', 'SECRET', 'code'] })])
  expect(found).toMatchObject({
    code: 'LAYOUT_MISMATCH',
    words:
      'the file fits no active layout: medical/encounters/v1 differs in header names (the header lacks start; no name of the layout stands in column 2)',
  })
  const plain = layout('medical/lines/v1', { headerNames: null, columnCount: 9 })
  const count = only([medical(undefined, { columnCount: 8 })], { layouts: [plain] })
  expect(count).toMatchObject({ code: 'LAYOUT_MISMATCH' })
})

test('header names count in any order, with a byte order mark and outer blanks', () => {
  const file = medical(undefined, { headerNames: ['\ufeffcode', ' start ', 'id'] })
  expect(only([file])).toMatchObject({ status: 'READY_FOR_PARSE' })
})

test('two layouts that fit equally well are ambiguous', () => {
  const layouts = [MEDICAL, layout('medical/encounters/v2')]
  expect(only([medical()], { layouts })).toMatchObject({
    code: 'AMBIGUOUS_LAYOUT',
    words: 'the file fits medical/encounters/v1 and medical/encounters/v2 equally well: route it',
  })
})

test('header version, window, state, columns or file name decide between two versions', () => {
  const pairs: readonly (readonly [LayoutFacts, LayoutFacts, Partial<DeliveredFile>])[] = [
    [{ headerVersion: '1' }, { headerVersion: '2' }, { controlVersion: '2' }],
    [{ effective: { to: '2023-12' } }, { effective: { from: '2024-01' } }, {}],
    [{ states: ['CO'] }, { states: ['MA'] }, {}],
    [{ headerNames: null, columnCount: 4 }, { headerNames: null }, {}],
    [{ headerNames: ['id', 'start', 'old'] }, {}, {}],
    [{ fileNames: ['old_.*'] }, { fileNames: ['medical_.*'] }, {}],
    [{ controlFileTypes: ['PC'] }, { controlFileTypes: ['MC'] }, { controlFileType: 'MC' }],
  ]
  for (const [first, second, facts] of pairs) {
    const layouts = [layout('medical/a/v1', first), layout('medical/a/v2', second)]
    const found = only([medical(undefined, facts)], { layouts })
    expect(found).toMatchObject({ status: 'READY_FOR_PARSE', layoutId: 'medical/a/v2' })
    const inactive = [
      layouts[0] ?? MEDICAL,
      layout('medical/a/v2', { ...second, status: 'INACTIVE' }),
    ]
    expect(only([medical(undefined, facts)], { layouts: inactive })).not.toMatchObject({
      layoutId: 'medical/a/v2',
    })
  }
})

test('a choice says how many signals matched, and which did not', () => {
  const layouts = [
    layout('medical/a/v1', { fileNames: ['ACME_MC_.*'], headerVersion: '3', states: ['MA'] }),
  ]
  expect(only([medical(undefined, { controlVersion: '3' })], { layouts })).toMatchObject({
    explained:
      'matched 4 of 5 signals: state, header names, column count, header version; not file name',
  })
})

test('the first records are read in each layout’s own dialect', () => {
  const layouts = [layout('medical/pipe/v1'), layout('medical/star/v1')]
  const byLayout = { 'medical/star/v1': header, 'medical/pipe/v1': { headerNames: ['id*start'] } }
  const found = only([{ name: 'medical_202401_202401.txt', byLayout }], { layouts })
  expect(found).toMatchObject({ layoutId: 'medical/star/v1' })
})

test('a submitter’s own rule goes before general ones and may set layout and state', () => {
  const rule = { pattern: 'mc_(?<begin>\\d{6})\\.dat', fileType: 'medical', priority: 100 }
  const own = { ...rule, submitter: 'acme', state: 'CO', layout: 'medical/encounters' }
  const rules = [{ ...rule, fileType: 'pharmacy', priority: 1 }, own]
  expect(only([medical('MC_202403.dat')], { rules })).toMatchObject({
    state: 'CO',
    period: { first: '2024-03', last: '2024-03' },
    explained: 'matched 3 of 3 signals: routing rule, header names, column count',
  })
  const other = only([medical('MC_202403.dat')], { rules, submitter: { id: 'b', state: 'MA' } })
  expect(other).toMatchObject({ fileType: 'pharmacy', code: 'LAYOUT_MISMATCH' })
  const tie = [rule, { ...rule, fileType: 'pharmacy' }]
  expect(only([medical('MC_202403.dat')], { rules: tie })).toMatchObject({
    code: 'AMBIGUOUS_FILE_TYPE',
  })
})

test('the period is in the name or a control record, and both must agree', () => {
  const year = { first: '2024-01', last: '2024-12' }
  expect(only([medical(undefined, { controlPeriod: year })])).toMatchObject({ period: year })
  const layouts = [layout('medical/a/v1', { fileNames: ['mc.*'] })]
  const found = only([medical('mc.txt', { controlPeriod: year })], { layouts })
  expect(found).toMatchObject({ period: year })
  const may = { first: '2024-05', last: '2024-05' }
  const cases: readonly (readonly [string, Route])[] = [
    ['PERIOD_UNKNOWN', only([medical('mc.txt')], { layouts })],
    ['PERIOD_CONFLICT', only([medical(undefined, { controlPeriod: may })])],
    ['PERIOD_INVALID', only([medical('medical_202412_202401.csv')])],
    ['PERIOD_INVALID', only([medical('medical_202413_202413.csv')])],
    ['PERIOD_INVALID', only([medical('medical_201401_202401.csv')])],
  ]
  for (const [code, route_] of cases) expect(route_).toMatchObject({ code })
})

test('several files of one type are one submission, without a gap between them', () => {
  const halves = ['medical_202407_202412.csv', 'medical_202401_202406.csv'].map((name) =>
    medical(name),
  )
  expect(only(halves)).toMatchObject({
    files: ['medical_202401_202406.csv', 'medical_202407_202412.csv'],
    period: { first: '2024-01', last: '2024-12' },
  })
  const gap = [...halves, medical('medical_202502_202502.csv')]
  expect(only(gap)).toMatchObject({ code: 'PERIOD_GAP' })
  const marked = [medical(undefined, { testFlag: true }), medical('medical_202501_202501.csv')]
  expect(only(marked)).toMatchObject({ code: 'TEST_FLAG_CONFLICT' })
  expect(only(marked.slice(0, 1))).toMatchObject({ testFlag: true })
})

test('the route does not depend on the order of files, rules or layouts', () => {
  const files = ['medical_202401_202401.csv', 'medical_202402_202402.csv', 'x.csv'].map((name) =>
    medical(name),
  )
  const layouts = [MEDICAL, PHARMACY, layout('medical/old/v1', { effective: { to: '2020-12' } })]
  const shuffled = fc.tuple(
    fc.shuffledSubarray(files, { minLength: 3 }),
    fc.shuffledSubarray(layouts, { minLength: 3 }),
  )
  const expected = routes(files, { layouts })
  fc.assert(
    fc.property(shuffled, ([some, of]) => {
      expect(routes(some, { layouts: of })).toEqual(expected)
    }),
  )
})
