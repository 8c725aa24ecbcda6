/**
 * Code sets: lists of codes that a publisher keeps, each version with its own effective months.
 *
 * `registry/code-sets/{name}[.{version}].json`, or `.csv` with the columns `code`, and, where they
 * differ from code to code, `from` and `to`. The versions of a name are one set: a code is allowed
 * in a month when a version that is effective then lists it. What measuring reads has neither
 * versions nor descriptions, so that a new version of the same codes is no edit.
 */
import { z } from 'zod'
import { hasInvisible } from '../engine/index.ts'
import { leaf } from './fields.ts'
import { LAYOUT_VERSION } from './names.ts'
import { monthAfter } from './period.ts'
import { closed, wholeDocument } from './shape.ts'

const CODES_MAX = 100_000
// Line ends separate codes on their way into SQL.
const code = z
  .string()
  .regex(/^.{1,64}$/u, 'a code is a text of 1 to 64 characters')
  .refine((text) => !hasInvisible(text) && text.isWellFormed(), 'a code is visible text')
const window = { from: leaf.month.exactOptional(), to: leaf.month.exactOptional() }

export const codeSetDocument = wholeDocument({
  version: z
    .string()
    .regex(LAYOUT_VERSION, 'a version is numbers with dots')
    .exactOptional()
    .describe('v1 unless the file name says another'),
  title: z.string().exactOptional(),
  source: z.string().exactOptional().describe('who publishes it, and where'),
  effective: closed(window).exactOptional().describe('the first and the last month it applies to'),
  codes: z
    .array(z.union([code, closed({ code, ...window })]))
    .min(1)
    .max(CODES_MAX),
})
export type CodeSetDocument = z.output<typeof codeSetDocument>

/** Inclusive months; without one it has no end on that side. */
export interface CodeWindow {
  readonly from?: string
  readonly to?: string
}

/** One version of a code set. */
export interface CodeSet {
  readonly name: string
  readonly version: string
  /** `revenue-codes/v1` */
  readonly id: string
  readonly effective: CodeWindow
  /** in the order of the file; each window is already within that of the version */
  readonly codes: readonly { readonly code: string; readonly window: CodeWindow }[]
}

/** What measuring reads of a set: the codes of each window, both sorted; codes differ as texts. */
export type CodeSetSlice = readonly (CodeWindow & { readonly codes: readonly string[] })[]

const FIRST = '0000-01'
const LAST = '9999-12'
export const firstMonth = ({ from = FIRST }: CodeWindow): string => from
export const lastMonth = ({ to = LAST }: CodeWindow): string => to

export const codeSetOf = (document: CodeSetDocument, name: string, named: string): CodeSet => {
  const { version = named } = document
  const effective = bounded(document.effective ?? {})
  const codes = document.codes.map((entry) =>
    typeof entry === 'string'
      ? { code: entry, window: effective }
      : { code: entry.code, window: within(effective, entry) },
  )
  return { name, version, id: `${name}/${version}`, effective, codes }
}

/** A window without what says nothing. */
const bounded = ({ from, to }: CodeWindow): CodeWindow => ({
  ...(from !== undefined && from !== FIRST && { from }),
  ...(to !== undefined && to !== LAST && { to }),
})

function within(outer: CodeWindow, inner: CodeWindow): CodeWindow {
  const [from] = [firstMonth(outer), firstMonth(inner)].toSorted().toReversed()
  const [to] = [lastMonth(outer), lastMonth(inner)].toSorted()
  return bounded({ ...(from !== undefined && { from }), ...(to !== undefined && { to }) })
}

/** All versions of one name as measuring reads them. */
export function codeSetSlice(versions: readonly CodeSet[]): CodeSetSlice {
  const byCode = Map.groupBy(
    versions.flatMap(({ codes }) => codes),
    (entry) => entry.code,
  )
  const entries = [...byCode].flatMap(([text, found]) =>
    joined(found.map((entry) => entry.window)).map((one) => ({ code: text, window: one })),
  )
  const byWindow = Map.groupBy(
    entries,
    (entry) => `${firstMonth(entry.window)} ${lastMonth(entry.window)}`,
  )
  return [...byWindow]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([, [first, ...rest]]) =>
      first === undefined
        ? []
        : [{ ...first.window, codes: [first, ...rest].map((entry) => entry.code).toSorted() }],
    )
}

/** Windows in order, each that begins where one ends or before made one with it. */
function joined(windows: readonly CodeWindow[]): readonly CodeWindow[] {
  const sorted = windows.toSorted((a, b) => (firstMonth(a) < firstMonth(b) ? -1 : 1))
  const found: CodeWindow[] = []
  for (const one of sorted) {
    const before = found.at(-1)
    const end = before === undefined ? undefined : lastMonth(before)
    if (before === undefined || end === undefined || isApart(end, firstMonth(one))) {
      found.push(one)
      continue
    }
    const { from } = before
    const to = [end, lastMonth(one)].toSorted().at(-1)
    found[found.length - 1] = bounded({
      ...(from !== undefined && { from }),
      ...(to !== undefined && { to }),
    })
  }
  return found
}

const isApart = (last: string, first: string): boolean => last !== LAST && monthAfter(last) < first

/** The slices of these names, in their order. */
export const codeSetSlices = (
  all: readonly CodeSet[],
  names: readonly string[],
): ReadonlyMap<string, CodeSetSlice> =>
  new Map(names.map((wanted) => [wanted, codeSetSlice(all.filter(({ name }) => name === wanted))]))
