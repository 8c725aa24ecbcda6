/** What a mapping must know of its layout and its schema before a build may use it. */
import type { ColumnSpec } from '../engine/index.ts'
import { castFault, silverType } from './canonical-schema.ts'
import type { CanonicalColumn } from './canonical-schema.ts'
import type { Scalar } from './fields.ts'
import { readExpression } from './expression.ts'
import type { DatedRule, Mapping, MappingDocument, MappingTest, RuleDocument } from './mapping.ts'
import type { Draft, Loaded } from './registry.ts'
import { unknownName } from './report.ts'
import type { Report } from './report.ts'
import { SILVER_COLUMNS } from './silver-columns.ts'
import type { Path } from './source.ts'

type MapRule = Extract<DatedRule, { map: unknown }>
type LoadedMapping = Loaded<Mapping, MappingDocument>

/** A mapping that is not ACTIVE is history and is not judged. */
export function checkMapping(mapping: LoadedMapping, draft: Draft, report: Report): void {
  const { value, source } = mapping
  if (value.status !== 'ACTIVE') return
  const schema = draft.schemas.find(({ id }) => id === value.schema)
  if (!value.schema.startsWith(`${value.fileType}/`)) {
    report(source.at(['schema']), `not a schema of file type ${value.fileType}`)
  } else if (schema === undefined && !draft.broken.has('schema')) {
    const known = draft.schemas.map(({ id }) => id)
    report(source.at(['schema']), unknownName('canonical schema', value.schema, known))
  }
  checkSources(mapping, draft, report)
  checkDates(mapping, report)
  if (schema === undefined) return
  const layouts = layoutsOf(value, draft).filter(
    (layout) => layout.value.slices.route.status === 'ACTIVE',
  )
  checkTargets({ mapping, columns: schema.value.columns, layouts }, report)
}

interface RuleAt {
  readonly target: string
  /** 0-based among the target's rules */
  readonly at: number
  readonly rule: DatedRule
  /** the rule as written */
  readonly document: RuleDocument
  readonly path: Path
}

/** Every rule with its place; a target's rules stand alone or in a list. */
const rulesOf = ({ value, document }: LoadedMapping): readonly RuleAt[] =>
  Object.entries(value.columns).flatMap(([target, rules]) =>
    rules.flatMap((rule, at) => {
      const path = ['columns', target]
      const written = document.columns[target]
      const isList = Array.isArray(written)
      const one = isList ? written[at] : written
      return one === undefined
        ? []
        : [{ target, at, rule, document: one, path: isList ? [...path, at] : path }]
    }),
  )

function checkSources(mapping: LoadedMapping, draft: Draft, report: Report): void {
  const { value, source } = mapping
  const versions = layoutsOf(value, draft)
  if (versions.length === 0 && !draft.broken.has('layout')) {
    report(source.at([]), `no layout ${value.fileType}/${value.layout}`)
  }
  const named = rulesOf(mapping).flatMap((one) =>
    sourcesAt(one).map(({ name, path, offset }) => {
      const whole = [...one.path, ...path]
      return {
        name,
        at: () => (offset === undefined ? source.at(whole) : source.within(whole, offset)),
      }
    }),
  )
  for (const { id, value: layout } of versions) {
    const names = layout.slices.parse.columns.map(({ name }) => name)
    // Submissions in a layout that is no longer ACTIVE may still win months.
    const kind = layout.slices.route.status === 'ACTIVE' ? 'error' : 'warning'
    const unknown = named.filter(
      (one) => !names.includes(one.name) && !Object.hasOwn(SILVER_COLUMNS, one.name),
    )
    for (const { name, at } of unknown) {
      report(at(), `${unknownName('column', name, names)} (layout ${id})`, kind)
    }
  }
}

const layoutsOf = ({ fileType, layout }: Mapping, draft: Draft): Draft['layouts'] =>
  draft.layouts.filter(({ value }) => value.fileType === fileType && value.layout === layout)

interface SourceAt {
  readonly name: string
  readonly path: Path
  /** of an expression: where in its text */
  readonly offset?: number
}

/** The layout columns a rule reads, each with its place in the rule. */
function sourcesAt({ rule, document }: Pick<RuleAt, 'rule' | 'document'>): readonly SourceAt[] {
  if ('source' in rule) return [{ name: rule.source, path: ['source'] }]
  if ('coalesce' in rule) {
    return rule.coalesce.map((name, at) => ({ name, path: ['coalesce', at] }))
  }
  if ('map' in rule) return [{ name: rule.map.source, path: ['map', 'source'] }]
  if ('month' in rule) return [{ name: rule.month.source, path: ['month', 'source'] }]
  const read = readExpression(document.expr ?? '')
  return 'problem' in read ? [] : read.columns.map((one) => ({ ...one, path: ['expr'] }))
}

function checkDates(mapping: LoadedMapping, report: Report): void {
  for (const { target, at, rule, path } of rulesOf(mapping)) {
    const before = mapping.value.columns[target]?.[at - 1]
    if (before === undefined || (rule.since ?? '') > (before.since ?? '')) continue
    const where = mapping.source.at([...path, 'since'])
    report(where, 'each further rule of a column has a later since')
  }
}

interface Targets {
  readonly mapping: LoadedMapping
  readonly columns: readonly CanonicalColumn[]
  readonly layouts: Draft['layouts']
}

function checkTargets({ mapping, columns, layouts }: Targets, report: Report): void {
  const { value, source } = mapping
  const names = columns.map(({ name }) => name)
  for (const target of Object.keys(value.columns)) {
    if (names.includes(target)) continue
    const text = `${unknownName('column', target, names)} (schema ${value.schema})`
    report(source.at(['columns', target], 'key'), text)
  }
  // Several layouts of one mapping mostly have the same fault: it is said once.
  const said = new Set<string>()
  for (const { rule, document, target, path } of rulesOf(mapping)) {
    const column = columns.find(({ name }) => name === target)
    const faults = layouts.flatMap(({ value: layout }) =>
      column === undefined
        ? []
        : ruleFaults({ rule, document, column, specs: layout.slices.parse.columns }),
    )
    for (const { path: below, text } of faults) {
      const key = JSON.stringify([target, ...path, ...below, text])
      if (!said.has(key)) report(source.at([...path, ...below]), text)
      said.add(key)
    }
  }
  for (const { name } of columns.filter(({ required }) => required)) {
    const [first] = value.columns[name] ?? []
    if (first !== undefined && first.since === undefined) continue
    const text = `required column ${name} of ${value.schema} has no rule for every month`
    report(source.at(['columns'], 'key'), text)
  }
}

interface Fault {
  readonly path: Path
  readonly text: string
}

/** Why the values a rule gives do not become the column's type. */
function ruleFaults({
  rule,
  document,
  column,
  specs,
}: Pick<RuleAt, 'rule' | 'document'> & {
  readonly column: CanonicalColumn
  readonly specs: readonly ColumnSpec[]
}): readonly Fault[] {
  const typeOf = (name: string): string | undefined => {
    const spec = specs.find((one) => one.name === name)
    return spec === undefined ? SILVER_COLUMNS[name] : silverType(spec)
  }
  const { cast } = rule
  const last = cast === undefined ? undefined : castFault(cast, column.type, false)
  const lastFault: readonly Fault[] = last === undefined ? [] : [{ path: ['cast'], text: last }]
  const type = cast ?? column.type
  if ('const' in rule) return [...scalarFaults([[['const'], rule.const]], type), ...lastFault]
  if ('map' in rule) return [...scalarFaults(mapScalars(rule.map), type), ...lastFault]
  // The type of an expression is found by running it: its mapping's test does, on every plan.
  if ('expr' in rule) return lastFault
  if ('month' in rule && cast !== undefined) {
    return [{ path: ['cast'], text: 'a month is text and has no cast' }]
  }
  const isMonth = 'month' in rule
  const sources = sourcesAt({ rule, document }).flatMap(({ name, path }) => {
    const from = typeOf(name)
    if (from === undefined) return []
    if (isMonth) return monthFaults({ from, path, name }, column)
    const text = castFault(from, type, cast !== undefined)
    return text === undefined ? [] : [{ path, text: `column ${name}: ${text}` }]
  })
  return [...sources, ...lastFault]
}

/** What a lookup writes, with places in the rule. */
function mapScalars({ values, default: other }: MapRule['map']): readonly [Path, Scalar][] {
  const scalars = Object.entries(values).map(([key, to]): [Path, Scalar] => [
    ['map', 'values', key],
    to,
  ])
  return other === undefined ? scalars : [...scalars, [['map', 'default'], other]]
}

function monthFaults(
  { from, path, name }: { readonly from: string; readonly path: Path; readonly name: string },
  column: CanonicalColumn,
): readonly Fault[] {
  const faults: Fault[] = []
  if (from !== 'DATE' && from !== 'TIMESTAMP') {
    faults.push({ path, text: `column ${name} is no date: a month needs one` })
  }
  if (column.type !== 'VARCHAR') {
    faults.push({
      path: ['month'],
      text: `a month is text; column ${column.name} is ${column.type}`,
    })
  }
  return faults
}

const LITERALS: Readonly<Record<string, RegExp>> = {
  INTEGER: /^-?\d{1,9}$/,
  BIGINT: /^-?\d{1,18}$/,
  DECIMAL: /^-?\d{1,38}(?:\.\d{1,38})?$/,
  DATE: /^\d{4}-\d{2}-\d{2}$/,
  TIMESTAMP: /^\d{4}-\d{2}-\d{2}(?: \d{2}:\d{2}:\d{2})?$/,
  BOOLEAN: /^(?:true|false)$/,
}

function scalarFaults(
  scalars: readonly (readonly [Path, Scalar])[],
  type: string,
): readonly Fault[] {
  const form = LITERALS[type.replace(/\(.*/, '')]
  if (form === undefined) return []
  return scalars
    .filter(([, scalar]) => !form.test(String(scalar)))
    .map(([path]) => ({ path, text: `this value is no ${type}` }))
}

/** A test names columns that exist, and one canonical row for each row. */
export function checkMappingTest(
  { id, document, source }: Loaded<MappingTest, MappingTest>,
  draft: Draft,
  report: Report,
): void {
  const mapping = draft.mappings.find((one) => one.id === id)
  if (mapping === undefined) {
    if (!draft.broken.has('mapping')) report(source.at([]), `no mapping ${id} beside this test`)
    return
  }
  if (document.rows.length !== document.expect.length) {
    const text = `${document.rows.length} rows give as many canonical rows, not`
    report(source.at(['expect']), `${text} ${document.expect.length}`)
  }
  const layouts = layoutsOf(mapping.value, draft)
  const columns = layouts.flatMap(({ value }) => value.slices.parse.columns.map(({ name }) => name))
  const schema = draft.schemas.find((one) => one.id === mapping.value.schema)
  const names = (rows: MappingTest['rows'], list: 'rows' | 'expect', known: readonly string[]) => {
    for (const [at, name] of rows.flatMap((row, index) =>
      Object.keys(row).map((key) => [index, key] as const),
    )) {
      if (known.includes(name)) continue
      report(source.at([list, at, name], 'key'), unknownName('column', name, known))
    }
  }
  if (layouts.length > 0) names(document.rows, 'rows', columns)
  if (schema !== undefined) {
    names(
      document.expect,
      'expect',
      schema.value.columns.map(({ name }) => name),
    )
  }
}
