/**
 * Chooses the file type, layout, state and period of a delivery's files, and explains the choice.
 *
 * Pure, and never a guess: whatever is unknown, contradictory or fits two layouts equally well is
 * NEEDS_REVIEW with a reason a person can act on. The steps:
 *  1. file type, by name: routing rules; else the layouts' own patterns and the seed's convention
 *     `{file_type}_{YYYYMM}_{YYYYMM}.{csv|txt|…}[.gz|.zip]`. Content alone never decides it;
 *  2. layout: of the active ones of that type, the one whose signals fit best. Another header,
 *     header version, state or window rules a layout out; so does content that fits in nothing;
 *  3. period: from the name's groups and the control record, which must agree.
 * Files of one type become one submission; each type of a drop is routed for itself, and files of
 * unknown type together are one NEEDS_REVIEW. Source: design §6.1, §6.4; seed 003 intake.
 */
import { assert } from '../engine/index.ts'
import {
  explainFit,
  fitFault,
  fitOf,
  fitScore,
  includes,
  type FirstRecords,
  type Fit,
  type RoutedLayout,
} from './layout-fit.ts'
import { fileNamePattern } from './pattern.ts'
import { monthAfter, monthsOf, PERIOD_MONTHS_MAX, samePeriod, type Period } from './period.ts'
import { matchRouting, monthOf, type RoutingRule } from './routing.ts'
import type { Submitter } from './submitter.ts'

export interface DeliveredFile extends FirstRecords {
  /** base name */
  readonly name: string
  /** by layout id, where that layout's dialect reads the first records otherwise */
  readonly byLayout?: Readonly<Record<string, FirstRecords>>
}

export type RoutedSubmitter = Pick<Submitter, 'id' | 'state' | 'fileTypes' | 'layouts'>

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
  /^(?<type>[a-z0-9_]{1,64}?)_(?<begin>\d{6})_(?<end>\d{6})\.(?:(?:csv|txt|psv|tsv|dat|asc|jsonl|ndjson|xlsx|parquet)(?:\.(?:gz|zip))?|gz|zip|tar|tar\.gz|tgz)$/i

/** The months that a file's name declares; undefined: none, or no sound ones. */
export function namedPeriod(
  name: string,
  by: Pick<RouteRequest, 'submitter' | 'rules' | 'layouts'>,
): Period | undefined {
  const { period } = nameFile({ name }, { ...by, files: [] })
  return period === undefined || monthsOf(period).length === 0 ? undefined : period
}

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
  const isOne = others.every((other) => samePeriod(other, period))
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
  const { layouts: allowed } = submitter
  const candidates = layouts
    .filter((layout) => isActive(layout) && layout.fileType === fileType)
    .filter((layout) => allowed === undefined || includes(allowed, layout))
  if (candidates.length === 0) {
    return fault('NO_ACTIVE_LAYOUT', `no active layout reads ${fileType} of this submitter`)
  }
  const fit = sharedFit(files.map((file) => bestFit(file, candidates, submitter)))
  if (isFault(fit)) return fit
  const records = files.map(({ file }) => firstRecords(file, fit.layout))
  const state = stateOf(files.map((file) => statesOf(file, fit.layout, submitter)).flat())
  if (isFault(state)) return state
  const period = unionOf(files.map((file) => periodOf(file, fit.layout)))
  if (isFault(period)) return period
  const testFlag = testFlagOf(records)
  if (isFault(testFlag)) return testFlag
  return { layoutId: fit.layout.id, state, period, testFlag, explained: explainFit(fit) }
}

const firstRecords = (file: DeliveredFile, layout: RoutedLayout): FirstRecords =>
  file.byLayout?.[layout.id] ?? file

const LAYOUTS_NAMED_MAX = 5

/** Step 2: the one layout that a file fits best. */
function bestFit(
  named: NamedFile,
  candidates: readonly RoutedLayout[],
  submitter: RoutedSubmitter,
): Fit | Fault {
  const fits = candidates.map((layout) =>
    fitOf(
      {
        name: named.file.name,
        records: firstRecords(named.file, layout),
        period: named.period,
        ordered: named.rules.flatMap((rule) => rule.layout ?? []),
        states: statesOf(named, layout, submitter),
      },
      layout,
    ),
  )
  const possible = fits.filter((fit) => fitFault(fit) === undefined)
  if (possible.length === 0) {
    const why = fits.map((fit) => fitFault(fit)).slice(0, LAYOUTS_NAMED_MAX)
    return fault('LAYOUT_MISMATCH', `the file fits no active layout: ${why.join('; ')}`)
  }
  const most = Math.max(...possible.map(fitScore))
  const best = possible.filter((fit) => fitScore(fit) === most)
  const [fit] = best
  if (fit !== undefined && best.length === 1) return fit
  const ids = best.map(({ layout }) => layout.id).toSorted()
  return fault('AMBIGUOUS_LAYOUT', `the file fits ${ids.join(' and ')} equally well: route it`)
}

/** The one layout that all files of a type fit. */
function sharedFit(fits: readonly (Fit | Fault)[]): Fit | Fault {
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

/** Step 3: the one period a file declares. */
function periodOf(named: NamedFile, layout: RoutedLayout): Period | Fault {
  const { controlPeriod } = firstRecords(named.file, layout)
  const period = named.period ?? controlPeriod
  if (period === undefined) {
    const words =
      'neither the file name nor a control record declares a period: route it with --period'
    return fault('PERIOD_UNKNOWN', words)
  }
  if ([period, controlPeriod ?? period].some((given) => monthsOf(given).length === 0)) {
    const words = `a period is declared that is none, or over ${PERIOD_MONTHS_MAX} months long`
    return fault('PERIOD_INVALID', words)
  }
  const { first, last } = controlPeriod ?? period
  if (samePeriod(period, { first, last })) return period
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
    if (next.first > monthAfter(last)) {
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
function statesOf(
  named: NamedFile,
  layout: RoutedLayout,
  { state }: RoutedSubmitter,
): readonly string[] {
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
