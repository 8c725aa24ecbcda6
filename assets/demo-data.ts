/**
 * The demo's deliveries: three submitters' medical claims in two layouts, and one trouble of each
 * kind. All of it is made up here, from a seed: the same bytes every time.
 */

/** A file of the inbox: `{submitter}/{drop}/{name}`. */
export interface DemoFile {
  readonly path: string
  readonly text: string
}

/** One claim line, before it is written in a submitter's layout. */
interface Line {
  readonly claim: string
  readonly line: number
  readonly member: string
  readonly born: string
  /** `YYYYMMDD` */
  readonly served: string
  readonly paidOn: string
  readonly diagnosis: string
  readonly procedure: string
  readonly place: string
  readonly charge: string
  readonly allowed: string
  readonly paid: string
  readonly npi: string
  readonly denied: boolean
}

/** The drops whose trouble needs a closer look. */
export const DEMO_DROPS = {
  badRecord: 'acme_health/2024-02',
  outOfPeriod: 'acme_health/2024-04',
  held: 'gamma_plan/2024-05-short',
  corrected: 'acme_health/2024-02-corrected',
} as const

interface MonthFile {
  readonly submitter: string
  /** `YYYYMM` */
  readonly month: string
  readonly lines: readonly Line[]
}

const ACME = {
  submitter: 'acme_health',
  months: ['202401', '202402', '202403', '202404'],
  lines: 180,
}
const BETA = {
  submitter: 'beta_mutual',
  months: ['202401', '202402', '202403', '202404', '202405', '202406'],
  lines: 120,
}
const GAMMA = {
  submitter: 'gamma_plan',
  months: ['202403', '202404', '202405', '202406'],
  lines: 100,
}

const BAD_MONTH = '202402'
const STRAY_LINES = 3
const SHORT_LINES = 30

/** What lies in the inbox of a new demo: every month once, and the troubles. */
export function firstDeliveries(): readonly DemoFile[] {
  const acme = ACME.months.map((month) => monthFile(ACME, month))
  const beta = BETA.months.map((month) => monthFile(BETA, month))
  const gamma = GAMMA.months.map((month) => monthFile(GAMMA, month))
  return [
    ...acme.flatMap((file) => delivery(file, drop(file), cdl(withTrouble(file)))),
    ...beta.flatMap((file) => delivery(file, drop(file), star(file))),
    ...gamma.flatMap((file) => delivery(file, drop(file), star(file))),
    ...troubles({ beta, gamma }),
  ]
}

/** Acme's February again, with its bad record put right. */
export function correctedDelivery(): readonly DemoFile[] {
  const file = monthFile(ACME, BAD_MONTH)
  return delivery(file, `${drop(file)}-corrected`, cdl(file))
}

/** Bytes sent twice, an extract cut short, a name nobody knows, a web page named .csv. */
function troubles({
  beta,
  gamma,
}: {
  readonly beta: readonly MonthFile[]
  readonly gamma: readonly MonthFile[]
}): readonly DemoFile[] {
  const of = (files: readonly MonthFile[], month: string): MonthFile[] =>
    files.filter((file) => file.month === month)
  return [
    ...of(beta, '202403').flatMap((file) => delivery(file, `${drop(file)}-again`, star(file))),
    ...of(gamma, '202405').flatMap((file) => {
      const short = { ...file, lines: file.lines.slice(0, SHORT_LINES) }
      return delivery(file, `${drop(file)}-short`, star(short))
    }),
    ...of(gamma, '202406').flatMap((file) =>
      inDrop('gamma_plan/notes', 'final_v2.txt', star(file)),
    ),
    ...inDrop('beta_mutual/2024-07', 'medical_claim_202407_202407.csv', SIGN_IN_PAGE),
  ]
}

const SIGN_IN_PAGE = `<!DOCTYPE html>
<html><head><title>Sign in</title></head>
<body><p>Your session has ended. Sign in again to download this file.</p></body></html>
`

const drop = ({ month }: MonthFile): string => `${month.slice(0, 4)}-${month.slice(4)}`

const delivery = ({ submitter, month }: MonthFile, name: string, text: string): DemoFile[] =>
  inDrop(`${submitter}/${name}`, `medical_claim_${month}_${month}.txt`, text)

/** A drop closed by its marker, so that nothing waits for the folder to fall quiet. */
const inDrop = (folder: string, name: string, text: string): DemoFile[] => [
  { path: `${folder}/${name}`, text },
  { path: `${folder}/_SUCCESS`, text: '' },
]

const SEED = 20_240_131
const DIAGNOSES = ['E119', 'I10', 'J069', 'M545', 'Z0000', 'F411', 'N390', 'K219']
const PROCEDURES = ['99213', '99214', '80053', '83036', '93000', '71046', '36415']
const PLACES = ['11', '22', '23', '81']

/** mulberry32: small, seeded, the same everywhere. */
function random(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

function monthFile(
  { submitter, lines }: { readonly submitter: string; readonly lines: number },
  month: string,
): MonthFile {
  const next = random(SEED ^ (Number(month) * 31 + submitter.length * 7919))
  const below = (count: number): number => Math.floor(next() * count)
  const pick = (list: readonly string[]): string => list[below(list.length)] ?? ''
  const two = (number: number): string => String(number).padStart(2, '0')
  const prefix = submitter.slice(0, 1).toUpperCase()
  return {
    submitter,
    month,
    lines: Array.from({ length: lines }, (_, at): Line => {
      const chargeCents = 4_000 + below(60_000)
      const allowedCents = Math.floor(chargeCents * (0.4 + next() * 0.4))
      const denied = next() < 0.08
      const day = 1 + below(28)
      return {
        claim: `${prefix}${month}${String(Math.floor(at / 2)).padStart(5, '0')}`,
        line: (at % 2) + 1,
        member: `${prefix}M${String(below(400)).padStart(6, '0')}`,
        born: `${1940 + below(70)}${two(1 + below(12))}${two(1 + below(28))}`,
        served: `${month}${two(1 + below(day))}`,
        paidOn: `${month}${two(day)}`,
        diagnosis: pick(DIAGNOSES),
        procedure: pick(PROCEDURES),
        place: pick(PLACES),
        charge: amount(chargeCents),
        allowed: denied ? '' : amount(allowedCents),
        paid: denied ? '0.00' : amount(Math.floor(allowedCents * 0.8)),
        // No provider has a number that starts with 9.
        npi: `9999${String(below(1_000_000)).padStart(6, '0')}`,
        denied,
      }
    }),
  }
}

const amount = (cents: number): string =>
  `${Math.floor(cents / 100)}.${String(cents % 100).padStart(2, '0')}`

/** February has an amount that is no number; the last lines of April were paid in May. */
function withTrouble(file: MonthFile): MonthFile {
  if (file.month === BAD_MONTH) {
    const lines = file.lines.map((line, at) => (at === 40 ? { ...line, charge: '1O5.50' } : line))
    return { ...file, lines }
  }
  if (file.month !== '202404') return file
  const stray = file.lines.length - STRAY_LINES
  const lines = file.lines.map((line, at) => (at < stray ? line : { ...line, paidOn: '20240502' }))
  return { ...file, lines }
}

/** 165 element codes: 163 numbers, one unassigned, the record type. */
const CDL_CODES = [...Array.from({ length: 163 }, (_, at) => at + 1), 'XXX', 899].map(
  (code) => `CDLMC${String(code).padStart(3, '0')}`,
)

/** Common data layout: `|`, a record of element codes, the count in the trailer. */
function cdl({ submitter, month, lines }: MonthFile): string {
  const code = submitter.slice(0, 8)
  const records = lines.map((line) => {
    const claim = { 1: code, 2: 'P01', 5: line.claim, 6: String(line.line), 7: '0' }
    const member = { 19: line.born, 22: '80202', 161: line.member }
    const service = { 33: line.place, 36: '0', 37: line.diagnosis, 88: line.procedure }
    const dates = { 24: line.paidOn, 119: line.served, 120: line.served }
    const money = { 121: '1.00', 123: line.charge, 125: line.paid, 131: line.allowed }
    const others = { 135: line.npi, 156: '1', 157: line.denied ? '04' : '01', 165: 'MC' }
    const values: Readonly<Record<number, string>> = {
      ...claim,
      ...member,
      ...service,
      ...dates,
      ...money,
      ...others,
    }
    return CDL_CODES.map((_, at) => values[at + 1] ?? '').join('|')
  })
  const header = `HD|${code}|P01||MC|${month}|${month}|P|`
  const trailer = `TR|${code}|P01||MC|${month}28||${lines.length}`
  return `${[header, CDL_CODES.join('|'), ...records, trailer].join('\n')}\n`
}

/** Asterisk-separated: no column names, the count in the header. */
function star({ submitter, month, lines }: MonthFile): string {
  const code = submitter.slice(0, 8)
  const records = lines.map((line) => {
    const claim = ['P02', line.claim, line.line, 0, '', line.member, line.born, '001', line.paidOn]
    const service = ['', line.place, line.diagnosis, '', '', line.procedure, '']
    const money = [line.served, line.served, '1.00', line.charge, line.paid, line.allowed]
    const others = [line.npi, line.denied ? 'D' : 'P']
    return [claim, service, money, others].flat().join('*')
  })
  const header = `HD*${code}*P02*MC*${month}*${month}*${lines.length}*`
  const trailer = `TR*${code}*P02*MC*${month}*${month}*${month}28`
  return `${[header, ...records, trailer].join('\n')}\n`
}
