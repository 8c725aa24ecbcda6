/**
 * Small synthetic deliveries in the shipped layouts, written in code: no real row, no generator.
 *
 * Everything is a function of its arguments, so two calls give the same bytes.
 */
import { readFileSync } from 'node:fs'

/** One file of a drop. */
export interface TextFile {
  readonly name: string
  readonly content: string | Buffer
}

/** A row by column name; what is left out is empty. */
export type Row = Readonly<Record<string, string | number>>

interface LayoutDocument {
  readonly resources: readonly {
    readonly schema: { readonly fields: readonly { readonly name: string; 'x-header'?: string }[] }
  }[]
}

const REPOSITORY = new URL('../../', import.meta.url)

/** Column names of a shipped layout, in order: what the file's header says, and the column. */
function columnsOf(layout: string): readonly { readonly name: string; readonly header: string }[] {
  const text = readFileSync(new URL(`registry/layouts/${layout}.json`, REPOSITORY), 'utf8')
  const { resources } = JSON.parse(text) as LayoutDocument
  const fields = resources[0]?.schema.fields ?? []
  return fields.map((field) => ({ name: field.name, header: field['x-header'] ?? field.name }))
}

/** A CSV file with a header in the columns of a shipped layout. */
function csv(layout: string, rows: readonly Row[]): string {
  const columns = columnsOf(layout)
  const lines = rows.map((row) => columns.map(({ name }) => row[name] ?? '').join(','))
  return [columns.map(({ header }) => header).join(','), ...lines, ''].join('\n')
}

/** `2024-01` → `202401` */
const compact = (month: string): string => month.replace('-', '')

/** Months a file declares: one, or the first and the last. */
export type Months = string | readonly [first: string, last: string]

export const fileName = (fileType: string, months: Months, ending = 'csv'): string => {
  const [first, last] = typeof months === 'string' ? [months, months] : months
  return `${fileType}_${compact(first)}_${compact(last)}.${ending}`
}

/** Encounters of one month: `count` rows whose ids start with `tag`. */
export const encounters = (month: string, count: number, tag = 'e'): readonly Row[] =>
  Array.from({ length: count }, (_, at) => ({
    Id: `${tag}-${month}-${at + 1}`,
    START: `${month}-10T09:00:00Z`,
    STOP: `${month}-10T09:30:00Z`,
    PATIENT: `p-${at + 1}`,
    ORGANIZATION: `org-${tag}`,
    PROVIDER: at % 2 === 0 ? `doc-${at + 1}` : '',
    PAYER: 'payer',
    ENCOUNTERCLASS: 'ambulatory',
    CODE: '00123',
    DESCRIPTION: 'office visit',
    BASE_ENCOUNTER_COST: '85.55',
    TOTAL_CLAIM_COST: '250.10',
    PAYER_COVERAGE: '0.00',
  }))

/** Medications of one month. */
export const medications = (month: string, count: number, tag = 'm'): readonly Row[] =>
  Array.from({ length: count }, (_, at) => ({
    START: `${month}-12T08:00:00Z`,
    PATIENT: `p-${at + 1}`,
    PAYER: 'payer',
    ENCOUNTER: `${tag}-${month}-${at + 1}`,
    CODE: '310798',
    DESCRIPTION: 'a tablet',
    BASE_COST: '4.00',
    PAYER_COVERAGE: '0.00',
    DISPENSES: 1,
    TOTALCOST: '4.00',
  }))

/** People of a roster; the columns that both `members` layouts have. */
export const people = (count: number, tag = 'p'): readonly Row[] =>
  Array.from({ length: count }, (_, at) => ({
    Id: `${tag}-${at + 1}`,
    BIRTHDATE: `19${50 + (at % 50)}-02-03`,
    FIRST: 'Synthetic',
    LAST: `Person${at + 1}`,
    RACE: 'white',
    ETHNICITY: 'nonhispanic',
    GENDER: at % 2 === 0 ? 'F' : 'M',
    ZIP: '01462',
  }))

/** One claim line, adjusted or not, in words both claim layouts have. */
export interface ClaimLine {
  readonly claim: string
  readonly line?: number
  readonly version?: number
  readonly member: string
  /** YYYY-MM */
  readonly paid: string
  readonly amount: string
}

export const claimLines = (paid: string, count: number, tag = 'c'): readonly ClaimLine[] =>
  Array.from({ length: count }, (_, at) => ({
    claim: `${tag}-${paid}-${at + 1}`,
    member: `p-${at + 1}`,
    paid,
    amount: '145.50',
  }))

export const medicalFile = (months: Months, rows: readonly Row[]): TextFile => ({
  name: fileName('medical', months),
  content: csv('medical/synthea', rows),
})

export const pharmacyFile = (months: Months, rows: readonly Row[]): TextFile => ({
  name: fileName('pharmacy', months),
  content: csv('pharmacy/synthea', rows),
})

/** A roster in the older export's 20 columns, or the newer one's 28. */
export const membersFile = (months: Months, columns: 20 | 28, rows: readonly Row[]): TextFile => ({
  name: fileName('members', months),
  content: csv(columns === 20 ? 'members/synthea-20' : 'members/synthea', rows),
})

const claimDay = (month: string): string => `${compact(month)}15`

interface ControlledFile {
  readonly fileType: string
  /** what control records call the file type, e.g. `MC` */
  readonly code: string
  readonly months: Months
  readonly rows: readonly Row[]
}

const bounds = (months: Months): readonly [string, string] =>
  typeof months === 'string' ? [months, months] : months

/** A file of the common data layout family: `|`, element codes, the count in its TR record. */
export function cdlFile({ fileType, code, months, rows }: ControlledFile): TextFile {
  const columns = columnsOf(`${fileType}/cdl`)
  const [first, last] = bounds(months)
  const records = rows.map((row) => columns.map(({ name }) => row[name] ?? '').join('|'))
  const head = `HD|S1|P1||${code}|${compact(first)}|${compact(last)}|P|`
  const tail = `TR|S1|P1||${code}|${claimDay(last)}||${rows.length}`
  const names = columns.map(({ header }) => header).join('|')
  const content = `${[head, names, ...records, tail].join('\n')}\n`
  return { name: fileName(fileType, months, 'txt'), content }
}

/** A file of the asterisk-separated family: no column names, the count in its HD record. */
export function starFile({ fileType, code, months, rows }: ControlledFile): TextFile {
  const columns = columnsOf(`${fileType}/star`)
  const [first, last] = bounds(months)
  const cell = (value: string | number): string =>
    /[*"]/.test(String(value)) ? `"${String(value).replaceAll('"', '""')}"` : String(value)
  const records = rows.map((row) => columns.map(({ name }) => cell(row[name] ?? '')).join('*'))
  const period = `${compact(first)}*${compact(last)}`
  const head = `HD*S1*P1*${code}*${period}*${rows.length}*`
  const tail = `TR*S1*P1*${code}*${period}*${claimDay(last)}`
  const content = `${[head, ...records, tail].join('\n')}\n`
  return { name: fileName(fileType, months, 'txt'), content }
}

/** Claims separated by `*`, with an HD record that declares their number and a TR record. */
export function starClaims(month: string, lines: readonly ClaimLine[]): TextFile {
  const rows = lines.map((line): Row => ({
    payor_code: 'P1',
    claim_number: line.claim,
    claim_line: line.line ?? 1,
    claim_version: line.version ?? 0,
    member_key: line.member,
    claim_type_code: '001',
    paid_date: claimDay(line.paid),
    diagnosis_1: 'E119',
    procedure_code: '99213',
    service_from: claimDay(line.paid),
    quantity: '1',
    charge_amount: line.amount,
    paid_amount: line.amount,
    allowed_amount: line.amount,
    status_code: 'P',
  }))
  return starFile({ fileType: 'medical_claim', code: 'MC', months: month, rows })
}

/** The same claims separated by `|` under their column names; the TR record declares the number. */
export function cdlClaims(month: string, lines: readonly ClaimLine[]): TextFile {
  const rows = lines.map((line): Row => ({
    CDLMC001: 'S1',
    CDLMC002: 'P1',
    CDLMC005: line.claim,
    CDLMC006: line.line ?? 1,
    CDLMC007: line.version ?? 0,
    CDLMC024: claimDay(line.paid),
    CDLMC037: 'E119',
    CDLMC088: '99213',
    CDLMC119: claimDay(line.paid),
    CDLMC120: claimDay(line.paid),
    CDLMC121: '1',
    CDLMC123: line.amount,
    CDLMC125: line.amount,
    CDLMC131: line.amount,
    CDLMC157: '01',
    CDLMC161: line.member,
  }))
  return cdlFile({ fileType: 'medical_claim', code: 'MC', months: month, rows })
}
