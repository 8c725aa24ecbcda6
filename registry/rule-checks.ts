/** What a rule set must know of the layouts it measures. */
import type { ColumnSpec, ColumnType } from '../engine/index.ts'
import { readExpression } from './expression.ts'
import type { ExpressionOver } from './expression.ts'
import type { Layout } from './layout.ts'
import type { Draft, Loaded } from './registry.ts'
import { unknownName } from './report.ts'
import type { Report } from './report.ts'
import { LAYOUT_REJECTS } from './judge.ts'
import type { RuleDocument, RuleSet, RuleSetDocument } from './rule-set.ts'
import type { Path, Source } from './source.ts'

type LoadedRuleSet = Loaded<RuleSet, RuleSetDocument>

export function checkRuleSet(ruleSet: LoadedRuleSet, draft: Draft, report: Report): void {
  const { document, value, source } = ruleSet
  const layouts = layoutsOf(ruleSet, draft)
  if (layouts.length === 0 && !draft.broken.has('layout')) {
    report(source.at(value.layout === undefined ? [] : ['layout']), `no layout of ${value.id}`)
  }
  const seen = new Set<string>()
  for (const [at, rule] of document.rules.entries()) {
    if (seen.has(rule.id)) report(source.at(['rules', at, 'id']), `rule ${rule.id} is there twice`)
    if (rule.id === LAYOUT_REJECTS) {
      report(source.at(['rules', at, 'id']), 'this id means the layout’s reject threshold')
    }
    seen.add(rule.id)
    checkCodeSet({ rule, at, source }, draft, report)
    if (rule.kind === 'CROSS_FILE' && !draft.broken.has('layout')) {
      checkOtherFile({ params: rule.params, at, source }, { layouts, draft }, report)
    }
    for (const layout of layouts) checkRule({ rule, at, layout, source }, report)
  }
}

/** The ACTIVE layouts a set applies to: a layout with a set of its own has only that one. */
function layoutsOf({ value }: LoadedRuleSet, draft: Draft): readonly Layout[] {
  const own = new Set(
    draft.ruleSets
      .filter((set) => set.value.fileType === value.fileType)
      .map((set) => set.value.layout),
  )
  return draft.layouts
    .map((layout) => layout.value)
    .filter(
      ({ fileType, layout, slices }) =>
        fileType === value.fileType &&
        slices.route.status === 'ACTIVE' &&
        (value.layout === undefined ? !own.has(layout) : layout === value.layout),
    )
}

function checkCodeSet(
  { rule, at, source }: Omit<RuleAt, 'layout'>,
  { codeSets, broken }: Draft,
  report: Report,
): void {
  const name = rule.kind === 'ALLOWED_VALUES' ? rule.params.codeSet : undefined
  if (name === undefined || broken.has('code_set')) return
  const known = [...new Set(codeSets.map(({ value }) => value.name))]
  if (known.includes(name)) return
  report(source.at(['rules', at, 'params', 'codeSet']), unknownName('code set', name, known))
}

/**
 * Some layout of the other file type has the columns, and all that have them type them as this one
 * does: 5 and 5.00, or a day and its midnight, are not the same text. A submitter sends the layouts of one family, and another family's are as if they were not there.
 */
function checkOtherFile(
  { params, at, source }: Pick<RuleAt, 'at' | 'source'> & { readonly params: CrossFileParams },
  { layouts, draft }: { readonly layouts: readonly Layout[]; readonly draft: Draft },
  report: Report,
): void {
  const { columns, in: other } = params
  const all = draft.layouts.map(({ value }) => value)
  const ofType = all.filter(
    ({ fileType, slices }) => fileType === other.fileType && slices.route.status === 'ACTIVE',
  )
  const place = (path: Path) => source.at(['rules', at, 'params', 'in', ...path])
  if (ofType.length === 0) {
    const types = [...new Set(all.map(({ fileType }) => fileType))]
    report(place(['fileType']), unknownName('file type', other.fileType, types))
    return
  }
  const names = ofType.flatMap(({ slices }) => slices.parse.columns.map(({ name }) => name))
  const unknown = other.columns.filter((name) => !names.includes(name))
  for (const name of unknown) {
    const path = ['columns', other.columns.indexOf(name)]
    report(place(path), unknownName(`column of ${other.fileType}`, name, names))
  }
  const having = ofType.filter(({ slices }) =>
    other.columns.every((name) => typeIn(slices.parse.columns, name) !== undefined),
  )
  if (unknown.length === 0 && having.length === 0) {
    report(place(['columns']), `no layout of ${other.fileType} has all of these columns`)
  }
  for (const [index, name] of other.columns.entries()) {
    const own = layouts.flatMap((layout) => keyForm(layout, columns[index] ?? '') ?? [])
    const unlike = having.find((one) => own.some((form) => form !== keyForm(one, name)))
    if (unlike !== undefined) {
      report(place(['columns', index]), `not of the same type as this column in ${unlike.id}`)
    }
  }
}

type CrossFileParams = Extract<RuleDocument, { kind: 'CROSS_FILE' }>['params']

/** What decides how a value is written as text. undefined: there is no such column. */
function keyForm({ slices }: Layout, name: string): string | undefined {
  const spec = slices.parse.columns.find((one) => one.name === name)
  return spec?.type === 'decimal' ? `decimal of ${spec.scale}` : spec?.type
}

const typeIn = (columns: readonly ColumnSpec[], name: string): ColumnType | undefined =>
  columns.find((spec) => spec.name === name)?.type

interface RuleAt {
  readonly rule: RuleDocument
  readonly at: number
  readonly layout: Layout
  readonly source: Source
}

function checkRule({ rule, at, layout, source }: RuleAt, report: Report): void {
  const columns = layout.slices.parse.columns
  const fault = (path: Path, text: string, offset?: number): void => {
    const whole = ['rules', at, 'params', ...path]
    const place = offset === undefined ? source.at(whole) : source.within(whole, offset)
    report(place, `${text} (layout ${layout.id})`)
  }
  const names = columns.map(({ name }) => name)
  const missing = ruleColumns(rule).filter(({ name }) => !names.includes(name))
  for (const { name, path, offset } of missing) {
    fault(path, unknownName('column', name, names), offset)
  }
  if (missing.length > 0) return
  const typeOf = (name: string): ColumnType | undefined => typeIn(columns, name)
  if (rule.kind === 'RANGE') {
    const text = rangeFault(rule.params, typeOf(rule.params.column))
    if (text !== undefined) fault([], text)
  }
  if (rule.kind === 'CROSS_FIELD') {
    const [left, right] = [typeOf(rule.params.left), typeOf(rule.params.right)]
    if (comparable(left) !== comparable(right)) fault([], 'these columns are not comparable')
  }
  if (rule.kind === 'TREND') {
    const { figure, column = '', per } = rule.params
    const isSummed = figure === 'sum' && comparable(typeOf(column)) !== 'number'
    if (isSummed) fault(['column'], 'only a column of numbers has a sum')
    if (figure === 'filled' && per !== undefined) fault(['per'], 'a share is per row already')
  }
  if (rule.kind === 'TRAILER_COUNT' && !countsRecords(layout)) {
    report(source.at(['rules', at, 'kind']), `no control record of ${layout.id} counts records`)
  }
}

const countsRecords = (layout: Layout): boolean =>
  layout.slices.parse.control.some(({ fields }) => Object.values(fields).includes('recordCount'))

interface NamedColumn {
  readonly name: string
  readonly path: Path
  /** in an expression */
  readonly offset?: number
}

/** The layout columns a rule reads, and where it names them under `params`. */
function ruleColumns(rule: RuleDocument): readonly NamedColumn[] {
  switch (rule.kind) {
    case 'NOT_NULL':
    case 'RANGE':
    case 'ALLOWED_VALUES':
    case 'REGEX':
      return [{ name: rule.params.column, path: ['column'] }]
    case 'UNIQUE_KEY':
      return rule.params.columns.map((name, at) => ({ name, path: ['columns', at] }))
    case 'REQUIRED_UNLESS':
      return [
        { name: rule.params.column, path: ['column'] },
        { name: rule.params.unless.column, path: ['unless', 'column'] },
      ]
    case 'CROSS_FIELD':
      return [
        { name: rule.params.left, path: ['left'] },
        { name: rule.params.right, path: ['right'] },
      ]
    case 'CUSTOM_SQL':
      return [
        ...testColumns(['each'], rule.params.each, 'row'),
        ...testColumns(['overall'], rule.params.overall, 'rows'),
      ]
    case 'CROSS_FILE':
      return rule.params.columns.map((name, at) => ({ name, path: ['columns', at] }))
    case 'TREND': {
      const { column, per } = rule.params
      return [
        ...(column === undefined ? [] : [{ name: column, path: ['column'] }]),
        ...(per === undefined ? [] : [{ name: per, path: ['per'] }]),
      ]
    }
    case 'TRAILER_COUNT':
      return []
  }
}

function testColumns(
  path: Path,
  text: string | undefined,
  over: ExpressionOver,
): readonly NamedColumn[] {
  const read = text === undefined ? undefined : readExpression(text, over)
  if (read === undefined || 'problem' in read) return []
  return read.columns.map(({ name, offset }) => ({ name, path, offset }))
}

type Range = Extract<RuleDocument, { kind: 'RANGE' }>['params']

function rangeFault({ min, max }: Range, type: ColumnType | undefined): string | undefined {
  const bounds = [min, max].filter((bound) => bound !== undefined)
  if (bounds.length === 0) return 'a range has min, max or both'
  if (type === 'boolean') return 'a range of truth values says nothing'
  if (type === 'date' || type === 'datetime') {
    const days = bounds.every((bound) => /^\d{4}-\d{2}-\d{2}$/.test(String(bound)))
    return days ? undefined : 'a range of a date column is between days YYYY-MM-DD'
  }
  return bounds.every((bound) => typeof bound === 'number')
    ? undefined
    : 'a range of this column is between numbers'
}

function comparable(type: ColumnType | undefined): string | undefined {
  if (type === 'integer' || type === 'decimal') return 'number'
  return type === 'datetime' ? 'date' : type
}
