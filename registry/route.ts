/**
 * Chooses the file type, layout, state and period of a delivery's files, and explains the choice.
 *
 * Pure, and never a guess: whatever is unknown, contradictory or fits two layouts equally well is
 * NEEDS_REVIEW with a reason a person can act on. The steps:
 *  1. file type, by name: routing rules; else the layouts' own patterns and the seed's convention
 *     `{file_type}_{YYYYMM}_{YYYYMM}.{csv|txt|…}[.gz]`. Content alone never decides it;
 *  2. layout: of the active ones of that type, the one whose signals fit best. Another header,
 *     header version, state or window rules a layout out; so does content that fits in nothing;
 *  3. period: from the name's groups and the control record, which must agree.
 * Files of one type become one submission; each type of a drop is routed for itself, and files of
 * unknown type together are one NEEDS_REVIEW. Source: design §6.1, §6.4; seed 003 intake.
 */
import { assert } from '../engine/index.ts'
import type { LayoutRoute } from './layout.ts'
import { fileNamePattern } from './pattern.ts'
import { matchRouting, monthOf, type RoutingRule } from './routing.ts'
import type { Submitter } from './submitter.ts'

/** Inclusive months, `YYYY-MM`. */
export interface Period {
  readonly first: string
  readonly last: string
}

/** What the first records say, read in some layout's dialect. Absent: not there or not read. */
export interface FirstRecords {
  /** the first record that is no control record, split */
  readonly headerNames?: readonly string[]
  /** fields of the first record that is no control record */
  readonly columnCount?: number
  readonly controlVersion?: string
  readonly controlPeriod?: Period
  /** the submitter's own code, e.g. `MC` */
  readonly controlFileType?: string
  readonly controlState?: string
  readonly testFlag?: boolean
}

export interface DeliveredFile extends FirstRecords {
  /** base name */
  readonly name: string
  /** by layout id, where that layout's dialect reads the first records otherwise */
  readonly byLayout?: Readonly<Record<string, FirstRecords>>
}

export type RoutedSubmitter = Pick<Submitter, 'id' | 'state' | 'fileTypes' | 'layouts'>

/** What routing reads of a layout; a registry Layout is one. */
export interface RoutedLayout {
  /** `medical/encounters/v1` */
  readonly id: string
  readonly fileType: string
  readonly slices: {
    readonly route: LayoutRoute & {
      /** what control records call the file type; absent: not compared */
      readonly controlFileTypes?: readonly string[]
    }
  }
}

export type ReviewCode =
  | 'UNKNOWN_SUBMITTER'
  | 'UNKNOWN_NAME'
  | 'AMBIGUOUS_FILE_TYPE'
  | 'FILE_TYPE_NOT_EXPECTED'
  | 'NO_ACTIVE_LAYOUT'
  | 'LAYOUT_MISMATCH'
  | 'AMBIGUOUS_LAYOUT'
  | 'PERIOD_UNKNOWN'
  | 'PERIOD_CONFLICT'
  | 'PERIOD_INVALID'
  | 'PERIOD_GAP'
  | 'TEST_FLAG_CONFLICT'
  | 'STATE_CONFLICT'

export type Route =
  | {
      readonly status: 'READY_FOR_PARSE'
      readonly fileType: string
      readonly files: readonly string[]
      readonly layoutId: string
      readonly state: string
      readonly period: Period
      readonly testFlag: boolean
      /** `matched 3 of 4 signals: …` */
      readonly explained: string
    }
  | {
      readonly status: 'NEEDS_REVIEW'
      /** UNKNOWN_FILE_TYPE while it is not known */
      readonly fileType: string
      readonly files: readonly string[]
      readonly code: ReviewCode
      readonly words: string
    }

export interface RouteRequest {
  readonly files: readonly DeliveredFile[]
  /** undefined: the folder's name is in no registry */
  readonly submitter: RoutedSubmitter | undefined
  readonly rules: readonly RoutingRule[]
  readonly layouts: readonly RoutedLayout[]
}

export const UNKNOWN_FILE_TYPE = 'unknown'
export const PERIOD_MONTHS_MAX = 120

/** Routes a delivery: one route per file type, by file type. */
export function route(request: RouteRequest): readonly Route[] {
  const named = request.files.map((file) => nameFile(file, request))
  return [...Map.groupBy(named, ({ fileType }) => fileType)]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([fileType, group]): Route => {
      const files = group.map(({ file }) => file.name).toSorted()
      const chosen = choose(group, request)
      return isFault(chosen)
        ? { status: 'NEEDS_REVIEW', fileType, files, ...chosen }
        : { status: 'READY_FOR_PARSE', fileType, files, ...chosen }
    })
}

/** Why a file cannot be routed. */
interface Fault {
  readonly code: ReviewCode
  readonly words: string
}
const fault = (code: ReviewCode, words: string): Fault => ({ code, words })
const isFault = (found: unknown): found is Fault =>
  typeof found === 'object' && found !== null && 'code' in found && 'words' in found

interface NamedFile {
  readonly file: DeliveredFile
  readonly fileType: string
  /** the rules of the best tier that match, when any does */
  readonly rules: readonly RoutingRule[]
  /** as the name declares it, perhaps no sound one */
  readonly period?: Period
  readonly fault?: Fault
}

const CONVENTION =
  /^(?<type>[a-z0-9_]{1,64}?)_(?<begin>\d{6})_(?<end>\d{6})\.(?:(?:csv|txt|psv|tsv|dat|asc)(?:\.gz)?|gz)$/i

/** Step 1: the file type and period that a file's name declares. */
function nameFile(file: DeliveredFile, { submitter, rules, layouts }: RouteRequest): NamedFile {
  const matches = matchRouting(rules, { name: file.name, submitter: submitter?.id ?? '' })
  const ruled = matches.map(({ rule, period }) => ({ fileType: rule.fileType, groups: period }))
  const hits = ruled.length > 0 ? ruled : byLayoutsAndConvention(file.name, layouts)
  const fileTypes = [...new Set(hits.map(({ fileType }) => fileType))]
  const [fileType] = fileTypes
  if (fileType === undefined) {
    const words = 'the file name matches no routing rule: route it, or add a rule for such names'
    return unknown(file, fault('UNKNOWN_NAME', words))
  }
  if (fileTypes.length > 1) {
    const words = `the file name fits several file types: ${fileTypes.toSorted().join(', ')}`
    return unknown(file, fault('AMBIGUOUS_FILE_TYPE', words))
  }
  const facts = { file, fileType, rules: matches.map(({ rule }) => rule) }
  const conventional = groupPeriod(CONVENTION.exec(file.name)?.groups)
  const [period = conventional, ...others] = hits.flatMap((hit) => groupPeriod(hit.groups) ?? [])
  if (period === undefined) return facts
  const isOne = others.every(({ first, last }) => first === period.first && last === period.last)
  if (isOne) return { ...facts, period }
  const words = 'the file name fits rules that read different periods from it'
  return { ...facts, fault: fault('PERIOD_CONFLICT', words) }
}

/** The months a name declares, as its pattern's groups have them. */
interface Groups {
  readonly begin?: string
  readonly end?: string
}
interface Hit {
  readonly fileType: string
  readonly groups: Groups | undefined
}

const unknown = (file: DeliveredFile, why: Fault): NamedFile => ({
  file,
  fileType: UNKNOWN_FILE_TYPE,
  rules: [],
  fault: why,
})

function byLayoutsAndConvention(name: string, layouts: readonly RoutedLayout[]): readonly Hit[] {
  const active = layouts.filter(isActive)
  const hits = active.flatMap(({ fileType, slices }) =>
    slices.route.fileNames.flatMap((pattern): readonly Hit[] => {
      const match = fileNamePattern(pattern).exec(name)
      return match === null ? [] : [{ fileType, groups: match.groups }]
    }),
  )
  const groups = CONVENTION.exec(name)?.groups
  const named = active.find(({ fileType }) => fileType === groups?.['type']?.toLowerCase())
  return named === undefined ? hits : [...hits, { fileType: named.fileType, groups }]
}

const isActive = ({ slices }: RoutedLayout): boolean => slices.route.status === 'ACTIVE'

/** The period in the groups of a layout's pattern or the convention, as written: see periodOf. */
function groupPeriod(groups: Groups | undefined): Period | undefined {
  const { begin, end = begin } = groups ?? {}
  if (begin === undefined || end === undefined) return undefined
  return { first: monthOf(begin) ?? begin, last: monthOf(end) ?? end }
}

/** Steps 2 and 3 for the files of one type. */
function choose(files: readonly NamedFile[], { submitter, layouts }: RouteRequest) {
  if (submitter === undefined) {
    const words = 'the folder is that of no registered submitter: add it to the registry'
    return fault('UNKNOWN_SUBMITTER', words)
  }
  const unnamed = files.find((file) => file.fault !== undefined)?.fault
  if (unnamed !== undefined) return unnamed
  const fileType = files[0]?.fileType ?? UNKNOWN_FILE_TYPE
  if (submitter.fileTypes?.includes(fileType) === false) {
    return fault('FILE_TYPE_NOT_EXPECTED', `the submitter is not registered for ${fileType}`)
  }
  const candidates = layouts.filter(
    (layout) =>
      isActive(layout) && layout.fileType === fileType && allows(submitter.layouts, layout),
  )
  if (candidates.length === 0) {
    return fault('NO_ACTIVE_LAYOUT', `no active layout reads ${fileType} of this submitter`)
  }
  const fit = commonFit(files.map((file) => bestFit(file, candidates, submitter.state)))
  if (isFault(fit)) return fit
  const records = files.map(({ file }) => firstRecords(file, fit.layout))
  const state = stateOf(files.map((file) => statesOf(file, fit.layout, submitter.state)).flat())
  if (isFault(state)) return state
  const period = unionOf(files.map((file) => periodOf(file, fit.layout)))
  if (isFault(period)) return period
  const testFlag = testFlagOf(records)
  if (isFault(testFlag)) return testFlag
  return { layoutId: fit.layout.id, state, period, testFlag, explained: explain(fit) }
}

const allows = (references: readonly string[] | undefined, { id }: RoutedLayout): boolean =>
  references === undefined || references.some((of) => id === of || id.startsWith(`${of}/`))

const firstRecords = (file: DeliveredFile, layout: RoutedLayout): FirstRecords =>
  file.byLayout?.[layout.id] ?? file

/** `out` rules a layout out, `miss` counts against it. */
interface Signal {
  readonly name: string
  readonly outcome: 'match' | 'miss' | 'out'
  /** of the file's content, not of its name, dates or origin */
  readonly content: boolean
}

interface Fit {
  readonly layout: RoutedLayout
  readonly signals: readonly Signal[]
}

/** Only the signals that both the layout and the file can speak to. */
function signalsOf(named: NamedFile, layout: RoutedLayout, state: string): readonly Signal[] {
  const { effective, fileNames, states, ...wanted } = layout.slices.route
  const found = firstRecords(named.file, layout)
  const signals: Signal[] = []
  const says = (name: string, holds: boolean, otherwise: 'miss' | 'out', content = false): void => {
    signals.push({ name, outcome: holds ? 'match' : otherwise, content })
  }
  const ordered = named.rules.flatMap((rule) => rule.layout ?? [])
  if (ordered.length > 0) says('routing rule', allows(ordered, layout), 'out')
  if (states.length > 0) {
    const given = statesOf(named, layout, state)
    says(
      'state',
      given.every((one) => states.includes(one)),
      'out',
    )
  }
  if (fileNames.length > 0) {
    const fits = fileNames.some((pattern) => fileNamePattern(pattern).test(named.file.name))
    says('file name', fits, 'miss')
  }
  const period = found.controlPeriod ?? named.period
  const isBounded = (effective.from ?? effective.to) !== undefined
  if (isBounded && period !== undefined && monthsOf(period).length > 0) {
    says('effective window', inWindow(period, effective), 'out')
  }
  if (wanted.headerNames !== null && found.headerNames !== undefined) {
    says('header names', sameNames(found.headerNames, wanted.headerNames), 'out', true)
  }
  if (found.columnCount !== undefined) {
    says('column count', found.columnCount === wanted.columnCount, 'miss', true)
  }
  if (wanted.headerVersion !== null) {
    const otherwise = found.controlVersion === undefined ? 'miss' : 'out'
    says('header version', found.controlVersion === wanted.headerVersion, otherwise, true)
  }
  if (wanted.controlFileTypes !== undefined && found.controlFileType !== undefined) {
    const fits = wanted.controlFileTypes.includes(found.controlFileType)
    says('file type code', fits, 'out', true)
  }
  return signals
}

const inWindow = ({ first, last }: Period, { from, to }: LayoutRoute['effective']): boolean =>
  (from === undefined || from <= last) && (to === undefined || to >= first)

/** The same names in any order; a byte order mark and outer blanks do not count. */
function sameNames(found: readonly string[], wanted: readonly string[]): boolean {
  const names = new Set(found.map((name) => name.replace(/^\ufeff/, '').trim()))
  return (
    names.size === found.length &&
    names.size === wanted.length &&
    wanted.every((name) => names.has(name))
  )
}

/** A layout is out when a signal says so, or when it can be seen in no part of the content. */
function fitFault({ layout, signals }: Fit): string | undefined {
  const out = signals.filter(({ outcome }) => outcome === 'out').map(({ name }) => name)
  if (out.length > 0) return `${layout.id} has another ${out.join(', ')}`
  const content = signals.filter((signal) => signal.content)
  const isSeen = content.length === 0 || content.some(({ outcome }) => outcome === 'match')
  return isSeen
    ? undefined
    : `${layout.id} has another ${content.map(({ name }) => name).join(', ')}`
}

const net = ({ signals }: Fit): number =>
  signals.reduce((sum, { outcome }) => sum + (outcome === 'match' ? 1 : -1), 0)

const LAYOUTS_NAMED_MAX = 5

function bestFit(
  named: NamedFile,
  candidates: readonly RoutedLayout[],
  state: string,
): Fit | Fault {
  const fits = candidates.map((layout) => ({ layout, signals: signalsOf(named, layout, state) }))
  const possible = fits.filter((fit) => fitFault(fit) === undefined)
  if (possible.length === 0) {
    const why = fits.map((fit) => fitFault(fit)).slice(0, LAYOUTS_NAMED_MAX)
    return fault('LAYOUT_MISMATCH', `the file fits no active layout: ${why.join('; ')}`)
  }
  const most = Math.max(...possible.map(net))
  const best = possible.filter((fit) => net(fit) === most)
  const [fit] = best
  if (fit !== undefined && best.length === 1) return fit
  const ids = best.map(({ layout }) => layout.id).toSorted()
  return fault('AMBIGUOUS_LAYOUT', `the file fits ${ids.join(' and ')} equally well: route it`)
}

/** The one layout that all files of a type fit. */
function commonFit(fits: readonly (Fit | Fault)[]): Fit | Fault {
  const wrong = fits.find(isFault)
  if (wrong !== undefined) return wrong
  const good = fits.filter((fit): fit is Fit => !isFault(fit))
  const ids = [...new Set(good.map(({ layout }) => layout.id))]
  const [fit] = good
  assert(fit, 'a file type has a file')
  if (ids.length === 1) return fit
  const words = `files of one type fit different layouts: ${ids.toSorted().join(', ')}`
  return fault('AMBIGUOUS_LAYOUT', words)
}

function explain({ signals }: Fit): string {
  const named = (outcome: Signal['outcome']): string[] =>
    signals.filter((signal) => signal.outcome === outcome).map(({ name }) => name)
  const [matched, missed] = [named('match'), named('miss')]
  if (signals.length === 0) return 'the only active layout of the file type; no signal to compare'
  const not = missed.length === 0 ? '' : `; not ${missed.join(', ')}`
  return `matched ${matched.length} of ${signals.length} signals: ${matched.join(', ')}${not}`
}

/** Step 3: the one period a file declares. */
function periodOf(named: NamedFile, layout: RoutedLayout): Period | Fault {
  const { controlPeriod } = firstRecords(named.file, layout)
  const period = named.period ?? controlPeriod
  if (period === undefined) {
    const words = 'neither the file name nor a control record declares a period: route it with one'
    return fault('PERIOD_UNKNOWN', words)
  }
  if ([period, controlPeriod ?? period].some((given) => monthsOf(given).length === 0)) {
    const words = `a period is declared that is none, or over ${PERIOD_MONTHS_MAX} months long`
    return fault('PERIOD_INVALID', words)
  }
  const { first, last } = controlPeriod ?? period
  if (period.first === first && period.last === last) return period
  const words = `the file name declares ${period.first} to ${period.last}, its control record`
  return fault('PERIOD_CONFLICT', `${words} ${first} to ${last}`)
}

/** The months of several files as one period; they must leave no gap. */
function unionOf(periods: readonly (Period | Fault)[]): Period | Fault {
  const wrong = periods.find(isFault)
  if (wrong !== undefined) return wrong
  const sound = periods.filter((period): period is Period => !isFault(period))
  const [earliest, ...later] = sound.toSorted((a, b) => (a.first < b.first ? -1 : 1))
  assert(earliest, 'a file type has a file')
  let { last } = earliest
  for (const next of later) {
    if (monthIndex(next.first) > monthIndex(last) + 1) {
      return fault('PERIOD_GAP', `no file declares the month after ${last}: deliver them apart`)
    }
    if (next.last > last) last = next.last
  }
  const union = { first: earliest.first, last }
  if (monthsOf(union).length > 0) return union
  return fault('PERIOD_INVALID', `the files declare more than ${PERIOD_MONTHS_MAX} months`)
}

function testFlagOf(records: readonly FirstRecords[]): boolean | Fault {
  const flags = new Set(records.map(({ testFlag }) => testFlag ?? false))
  if (flags.size === 1) return flags.has(true)
  return fault('TEST_FLAG_CONFLICT', 'some files are marked as test and some are not')
}

/** The control record's state, else those of the rules, else the submitter's. */
function statesOf(named: NamedFile, layout: RoutedLayout, state: string): readonly string[] {
  const { controlState } = firstRecords(named.file, layout)
  if (controlState !== undefined) return [controlState]
  const ruled = named.rules.flatMap((rule) => rule.state ?? [])
  return ruled.length > 0 ? ruled : [state]
}

function stateOf(given: readonly string[]): string | Fault {
  const [state = '', ...others] = new Set(given)
  if (others.length === 0 && /^[A-Z]{2}$/.test(state)) return state
  return fault('STATE_CONFLICT', 'the files, rules and submitter do not give one state')
}

const MONTH = /^(?:19|20|21)\d{2}-(?:0[1-9]|1[0-2])$/

/** Months since year 0: the next month is one more. */
const monthIndex = (month: string): number =>
  Number(month.slice(0, 4)) * 12 + Number(month.slice(5)) - 1

const monthAt = (index: number): string =>
  `${Math.floor(index / 12)}-${String((index % 12) + 1).padStart(2, '0')}`

/**
 * The months of a period in order: none when it is no period (first after last, a month out of
 * form, or more than PERIOD_MONTHS_MAX months).
 */
export function monthsOf({ first, last }: Period): readonly string[] {
  if (!MONTH.test(first) || !MONTH.test(last)) return []
  const from = monthIndex(first)
  const count = monthIndex(last) - from + 1
  if (count < 1 || count > PERIOD_MONTHS_MAX) return []
  return Array.from({ length: count }, (_, at) => monthAt(from + at))
}
