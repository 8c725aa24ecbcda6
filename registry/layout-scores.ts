/**
 * Which layouts a file comes nearest to, and why it has them or not: a hint for a person. Routing
 * decides for itself (route.ts), of one file type; here all active layouts are asked.
 *
 * Cost: a millisecond a file for thirty layouts. What was found is remembered for files that begin
 * with the same record and whose names differ in digits alone, under the same period: a header seen
 * before costs a tenth.
 */
import { createHash } from 'node:crypto'
import type { TableFormat } from '../engine/index.ts'
import { textRecords } from './first-records.ts'
import {
  explainFit,
  fitFault,
  fitOf,
  fitScore,
  type FirstRecords,
  type Fit,
  type FitFile,
} from './layout-fit.ts'
import type { Layout } from './layout.ts'
import { namedPeriod, type RoutedSubmitter } from './route.ts'
import { matchRouting, type RoutingRule } from './routing.ts'

export interface ScoredFile {
  /** without folders */
  readonly name: string
  /** first bytes of the content, unpacked; of a table none are read */
  readonly head: Buffer
  /** what the file is, where it is no text */
  readonly format?: TableFormat
  /** names of the columns, where the file is no text */
  readonly names?: readonly string[]
}

export interface LayoutScore {
  readonly layout: string
  /** matches less misses: the higher, the better; of routing's signals, ten at most */
  readonly score: number
  /** signals that match, of those that were compared */
  readonly matched: number
  readonly compared: number
  /** routing could choose it, and something speaks for it */
  readonly isPossible: boolean
  /** `matched 3 of 4 signals: …`, or `… differs in header names (the header lacks …)` */
  readonly why: string
}

export interface ScoreRequest {
  readonly layouts: readonly Layout[]
  readonly rules: readonly RoutingRule[]
  /** undefined: it is in no registry */
  readonly submitter: RoutedSubmitter | undefined
}

/** Layouts that are told. */
const SCORES_MAX = 5
/** Heads whose scores are remembered. */
const REMEMBERED_MAX = 1000
/** Bytes that are read first: whole records of them, else the whole head. */
const PROBE_BYTES = 4096
const LF = 0x0a

/** Scores the files of one submitter: the best first, then those that are ruled out. */
export function layoutScorer(request: ScoreRequest): (file: ScoredFile) => readonly LayoutScore[] {
  const layouts = request.layouts.filter(({ slices }) => slices.route.status === 'ACTIVE')
  const prefixes = layouts.flatMap(({ slices }) => slices.parse.control.map(({ prefix }) => prefix))
  const known = new Map<string, readonly LayoutScore[]>()
  return (file) => {
    const facts = nameFacts(file.name, { ...request, layouts })
    const key = keyOf(file, facts, prefixes)
    const before = known.get(key)
    if (before !== undefined) return before
    const scores = scoresOf(file, facts, layouts)
    if (known.size >= REMEMBERED_MAX) known.delete(known.keys().next().value ?? '')
    known.set(key, scores)
    return scores
  }
}

type NameFacts = Omit<FitFile, 'records'>

function nameFacts(name: string, { submitter, rules, layouts }: ScoreRequest): NameFacts {
  const matches = matchRouting(rules, { name, submitter: submitter?.id ?? '' })
  const ruled = matches.flatMap(({ rule }) => rule.state ?? [])
  return {
    name,
    period: namedPeriod(name, { submitter, rules, layouts }),
    ordered: matches.flatMap(({ rule }) => rule.layout ?? []),
    states: ruled.length > 0 || submitter === undefined ? ruled : [submitter.state],
  }
}

/** A digest: what a file begins with is not kept. */
function keyOf(
  { head, format, names }: ScoredFile,
  { name, period, ordered, states }: NameFacts,
  prefixes: readonly string[],
): string {
  const first = head.indexOf(LF) + 1
  const isControl = prefixes.some((prefix) =>
    head.subarray(0, prefix.length).equals(Buffer.from(prefix)),
  )
  const second = isControl ? head.indexOf(LF, first) + 1 : first
  const end = second === 0 ? PROBE_BYTES : second
  const told = [name.replaceAll(/\d/g, '0'), period, ordered, states, format, names]
  return createHash('sha256')
    .update(JSON.stringify(told))
    .update(format === undefined ? head.subarray(0, end) : '')
    .digest('base64')
}

function scoresOf(
  file: ScoredFile,
  facts: NameFacts,
  layouts: readonly Layout[],
): readonly LayoutScore[] {
  const fits = layouts.map((layout): Scored => {
    const records = recordsOf(file, layout)
    const fit = fitOf({ ...facts, records }, layout)
    const matched = [...fit.outcomes.values()].filter((outcome) => outcome === 'match').length
    return { fit, matched, fault: fitFault(fit), shared: sharedNames(records, layout) }
  })
  return fits.toSorted(byNearness).slice(0, SCORES_MAX).map(scoreOf)
}

interface Scored {
  readonly fit: Fit
  /** of the signals that were compared */
  readonly matched: number
  readonly fault: string | undefined
  /** share of the layout's names that the header has; 0 where there is no header */
  readonly shared: number
}

/** A layout that nothing speaks for is no better than one that is ruled out. */
const isPossible = ({ fault, matched }: Scored): boolean => fault === undefined && matched > 0

/** Possible ones, of them those with the best score; of the others those with most of the names. */
function byNearness(a: Scored, b: Scored): number {
  const possible = Number(isPossible(b)) - Number(isPossible(a))
  if (possible !== 0) return possible
  const near = isPossible(a) ? 0 : b.shared - a.shared
  const score = fitScore(b.fit) - fitScore(a.fit)
  return near || score || (a.fit.layout.id < b.fit.layout.id ? -1 : 1)
}

function scoreOf(scored: Scored): LayoutScore {
  const { fit, fault, matched } = scored
  return {
    layout: fit.layout.id,
    score: fitScore(fit),
    matched,
    compared: fit.outcomes.size,
    isPossible: isPossible(scored),
    why: fault ?? (matched === 0 ? 'no signal matches' : explainFit(fit)),
  }
}

function recordsOf({ head, format, names }: ScoredFile, { slices }: Layout): FirstRecords {
  if (format !== undefined) {
    const isOwn = format === slices.route.format && names !== undefined
    return { format, ...(isOwn && { headerNames: names, columnCount: names.length }) }
  }
  if (slices.route.format !== undefined) return {}
  const probe = head.subarray(0, head.subarray(0, PROBE_BYTES).lastIndexOf(LF) + 1)
  const found = textRecords(probe, slices.parse)
  const isFound = found.columnCount !== undefined || found.recordBytes !== undefined
  const isWhole = probe.length === head.length || slices.parse.format === 'jsonl'
  return isFound || isWhole ? found : textRecords(head, slices.parse)
}

const plain = (name: string): string =>
  name
    .replace(/^\ufeff/, '')
    .trim()
    .toLowerCase()

function sharedNames({ headerNames = [] }: FirstRecords, { slices }: Layout): number {
  const wanted = slices.route.headerNames ?? []
  if (wanted.length === 0 || headerNames.length === 0) return 0
  const found = new Set(headerNames.map(plain))
  return wanted.filter((name) => found.has(plain(name))).length / wanted.length
}
