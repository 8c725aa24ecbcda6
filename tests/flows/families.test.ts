/** The APCD families: what submitters send in two layouts a file type becomes one table a month. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { cdlFile, starFile } from '../support/deliveries.ts'
import type { Row } from '../support/deliveries.ts'
import { RoadProject } from '../support/project.ts'
import type { RanRoad } from '../support/project.ts'

const DIAGNOSES = Array.from({ length: 25 }, (_, at) => `D${10 + at}`)

/** A claim of three versions, paid in two months: the first, its reversal, what replaces it. */
const VERSIONS = [
  { version: 0, paid: '20240110', amount: '100.00', status: '01' },
  { version: 1, paid: '20240210', amount: '-100.00', status: '22' },
  { version: 2, paid: '20240211', amount: '80.00', status: '01' },
]
const claim = (at: number): Row => {
  const { version, paid, amount, status } = VERSIONS[at] ?? { version: 0 }
  const codes = Object.fromEntries(DIAGNOSES.map((code, index) => [`CDLMC0${37 + index}`, code]))
  return {
    CDLMC001: 'S1',
    CDLMC002: 'P1',
    CDLMC005: version === 2 ? 'C1-B' : 'C1',
    CDLMC006: 1,
    CDLMC007: version,
    ...(version === 2 && { CDLMC008: 'C1' }),
    ...codes,
    CDLMC013: 'Synthetic',
    CDLMC024: paid ?? '',
    CDLMC036: '0',
    CDLMC119: '20231230',
    CDLMC120: '20240102',
    CDLMC125: amount ?? '',
    CDLMC157: status ?? '',
    CDLMC161: 'm1',
    CDLMC899: 'MC',
  }
}
const fill = (paid: string, version: number, amount: string): Row => ({
  CDLPC005: 'R1',
  CDLPC006: 1,
  CDLPC007: version,
  CDLPC023: '20240105',
  CDLPC024: paid,
  CDLPC025: '00093721410',
  CDLPC032: '2.500',
  CDLPC033: 30,
  CDLPC037: amount,
  CDLPC065: version === 0 ? 'P' : 'R',
  CDLPC068: 'm1',
})
const coverage = (member: string, month: number): Row => ({
  CDLME002: 'P1',
  CDLME003: 'GOLD',
  CDLME005: 2024,
  CDLME006: String(month).padStart(2, '0'),
  CDLME018: 'F',
  CDLME019: '19800229',
  CDLME021: 'Synthetic',
  CDLME026: '00802',
  CDLME061: member,
})

let road: RoadProject
let ran: RanRoad
beforeAll(async () => {
  road = await RoadProject.create({ submitters: { cdl_plan: 'CO', star_plan: 'CO' } })
  const [january, february]: [Row[], Row[]] = [[claim(0)], [claim(1), claim(2)]]
  road.deliver('cdl_plan/2024-01', [
    cdlFile({ fileType: 'medical_claim', code: 'MC', months: '2024-01', rows: january }),
    cdlFile({
      fileType: 'pharmacy_claim',
      code: 'PC',
      months: ['2024-01', '2024-02'],
      rows: [fill('20240108', 0, '12.00'), fill('20240208', 1, '-12.00')],
    }),
    cdlFile({
      fileType: 'eligibility',
      code: 'ME',
      months: ['2024-01', '2024-02'],
      rows: [coverage('m1', 1), coverage('m1', 2), coverage('m2', 2)],
    }),
    cdlFile({
      fileType: 'provider',
      code: 'PV',
      months: ['2024-01', '2024-03'],
      rows: [{ CDLPV004: 'PR1', CDLPV006: '2', CDLPV007: '9999000001', CDLPV017: '00802' }],
    }),
  ])
  road.deliver('cdl_plan/2024-02', [
    cdlFile({ fileType: 'medical_claim', code: 'MC', months: '2024-02', rows: february }),
  ])
  const common = { payor_code: 'P2', member_key: 's1' }
  road.deliver('star_plan/2024-01', [
    starFile({
      fileType: 'pharmacy_claim',
      code: 'PC',
      months: '2024-01',
      rows: [
        {
          ...common,
          claim_number: 'R*9',
          claim_line: 1,
          filled_date: '20240120',
          paid_date: '20240131',
          ndc_code: '00093721410',
          status_code: 'P',
        },
      ],
    }),
    starFile({
      fileType: 'eligibility',
      code: 'ME',
      months: '2024-02',
      rows: [{ ...common, coverage_month: '202402', member_zip: '04101' }],
    }),
    starFile({
      fileType: 'provider',
      code: 'PV',
      months: '2024-03',
      rows: [{ provider_id: 'PR9', npi: '9999000009', entity_code: '1' }],
    }),
  ])
  ran = await road.run()
})
afterAll(async () => road[Symbol.asyncDispose]())

const lines = async (months: string | readonly string[], columns: string): Promise<string[]> =>
  (await road.canonicalRows(months, columns.split(' '))).map((row) =>
    Object.values(row).map(String).join(' '),
  )

test('every file is taken, and every file type has its months', () => {
  expect(ran.report.failures).toEqual([])
  expect(ran.brokenPromises).toEqual([])
  expect(ran.canonical).toEqual([
    'CO/eligibility/2024-01 built',
    'CO/eligibility/2024-02 built',
    'CO/medical_claim/2024-01 built',
    'CO/medical_claim/2024-02 built',
    'CO/pharmacy_claim/2024-01 built',
    'CO/pharmacy_claim/2024-02 built',
    'CO/provider/2024-03 built',
  ])
})

test('the layout of each file is chosen by its content', async () => {
  const rows = await road.submissions()
  expect(rows.map(({ file_type: type, layout_id: id, status }) => [type, id, status])).toEqual(
    [
      ['eligibility', 'cdl'],
      ['medical_claim', 'cdl'],
      ['pharmacy_claim', 'cdl'],
      ['provider', 'cdl'],
      ['medical_claim', 'cdl'],
      ['eligibility', 'star'],
      ['pharmacy_claim', 'star'],
      ['provider', 'star'],
    ].map(([type, layout]) => [type, `${type}/${layout}/v1`, expect.stringMatching(/^VALIDATED/)]),
  )
})

test('every version of a claim is kept, in the month it was paid', async () => {
  const columns =
    'claim_id claim_version paid_amount claim_status adjusted_from_claim_id service_month'
  expect(await lines('CO/medical_claim/2024-01', columns)).toEqual([
    'C1 0 100.00 paid null 2023-12',
  ])
  expect(await lines('CO/medical_claim/2024-02', columns)).toEqual([
    'C1 1 -100.00 reversed null 2023-12',
    'C1-B 2 80.00 paid C1 2023-12',
  ])
  const both = ['CO/pharmacy_claim/2024-01', 'CO/pharmacy_claim/2024-02']
  const fills = 'claim_id claim_version quantity paid_amount claim_status ndc_code'
  expect(await lines(both, fills)).toEqual([
    'R*9 null null null paid 00093721410',
    'R1 0 2.500 12.00 paid 00093721410',
    'R1 1 2.500 -12.00 reversed 00093721410',
  ])
})

test('25 diagnoses stay 25 columns', async () => {
  const names = DIAGNOSES.map((_, at) => `diagnosis_code_${at + 1}`).join(' ')
  expect(await lines('CO/medical_claim/2024-01', names)).toEqual([DIAGNOSES.join(' ')])
})

test('one eligibility record is one member-month, in the month it covers', async () => {
  const columns = 'member_id enrollment_start_date enrollment_end_date zip_code last_name state'
  expect(await lines('CO/eligibility/2024-01', columns)).toEqual([
    'm1 2024-01-01 2024-01-31 00802 null CO',
  ])
  expect(await lines('CO/eligibility/2024-02', columns)).toEqual([
    'm1 2024-02-01 2024-02-29 00802 null CO',
    'm2 2024-02-01 2024-02-29 00802 null CO',
    's1 2024-02-01 2024-02-29 04101 null CO',
  ])
})

test('a roster of providers belongs to the last month it declares', async () => {
  const columns = 'provider_id npi entity_type data_source source_layout_id'
  expect(await lines('CO/provider/2024-03', columns)).toEqual([
    'PR1 9999000001 organization CO:cdl_plan provider/cdl/v1',
    'PR9 9999000009 person CO:star_plan provider/star/v1',
  ])
})

test('rows say when their submission came in', async () => {
  const [row] = await road.canonicalRows('CO/medical_claim/2024-01', [
    "strftime(ingest_datetime, '%Y%m%dT%H%M%S') as instant",
    "strftime(file_date, '%Y%m%d') as day",
    'left(source_submission_id, 15) as received',
  ])
  expect(row?.['instant']).toBe(row?.['received'])
  expect(row?.['day']).toBe(String(row?.['received']).slice(0, 8))
})
