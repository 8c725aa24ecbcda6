/**
 * What shapes cannot say: identities that occur twice, references to nothing, windows that
 * overlap, and everything layouts, mappings and rules must know of each other.
 *
 * A reference to a kind of document of which some file could not be read is not judged: its
 * error would only repeat that file's.
 */
import { canonicalJson } from '../engine/index.ts'
import { compareVersions } from './names.ts'
import { shown } from '../engine/index.ts'
import { LINEAGE_COLUMNS } from './canonical-schema.ts'
import { checkCodeSets } from './code-set-checks.ts'
import { checkLayout } from './layout-checks.ts'
import type { Layout } from './layout.ts'
import { checkMapping, checkMappingTest } from './mapping-checks.ts'
import { highestMapping } from './mapping.ts'
import { groupNames } from './pattern.ts'
import type { Draft, Loaded } from './registry.ts'
import { unknownName } from './report.ts'
import type { Report } from './report.ts'
import { checkRuleSet } from './rule-checks.ts'
import { LAYOUT_REJECTS } from './judge.ts'
import type { Issue, Path, Source } from './source.ts'

/** Everything wrong with documents that have the right shape, in no order. */
export function checkRegistry(draft: Draft): readonly Issue[] {
  const issues: Issue[] = []
  const report: Report = (at, text, kind = 'error') => void issues.push({ ...at, kind, text })
  const all: readonly Loaded<unknown, unknown>[] = [
    ...draft.layouts,
    ...draft.submitters,
    ...draft.routing,
    ...draft.schemas,
    ...draft.mappings,
    ...draft.mappingTests,
    ...draft.codeSets,
    ...draft.ruleSets,
    ...draft.variances,
  ]
  checkIdentities(all, report)
  checkPaths(draft, report)
  for (const layout of draft.layouts) checkLayout(layout, report)
  checkWindows(draft, report)
  checkSchemas(draft, report)
  for (const mapping of draft.mappings) checkMapping(mapping, draft, report)
  for (const test of draft.mappingTests) checkMappingTest(test, draft, report)
  checkCodeSets(draft.codeSets, report)
  for (const ruleSet of draft.ruleSets) checkRuleSet(ruleSet, draft, report)
  checkRouting(draft, report)
  checkSubmitters(draft, report)
  checkVariances(draft, report)
  checkMapped(draft, report)
  return issues
}

const TOP: Path = []

function checkIdentities(all: readonly Loaded<unknown, unknown>[], report: Report): void {
  const first = new Map<string, Source>()
  for (const { what, id, source } of all) {
    const earlier = first.get(`${what} ${id}`)
    if (earlier === undefined) first.set(`${what} ${id}`, source)
    else if (earlier.path !== source.path) {
      report(source.at(TOP), `${what} ${id} is defined by ${earlier.path} too`)
    } else report(source.at(['id']), `${what} ${id} is defined above already`)
  }
}

/** A document that repeats what its path says must say the same. */
function checkPaths({ layouts, codeSets, schemas, ruleSets }: Draft, report: Report): void {
  for (const { id, source } of [...layouts, ...codeSets]) {
    const [, named] = /\.(.+)\.[a-z]+$/.exec(source.path.slice(source.path.lastIndexOf('/'))) ?? []
    if (named === undefined || id.endsWith(`/${named}`)) continue
    report(source.at(['version']), `the file name says version ${named}`)
  }
  for (const { document, value, source } of [...schemas, ...ruleSets]) {
    if ((document.file_type ?? value.fileType) !== value.fileType) {
      report(source.at(['file_type']), `the path says file type ${value.fileType}`)
    }
  }
  for (const { document, value, source } of schemas) {
    if ((document.version ?? value.version) !== value.version) {
      report(source.at(['version']), `the path says version ${value.version}`)
    }
  }
}

/** Two ACTIVE versions of a layout that files could not be told apart by. */
function checkWindows({ layouts }: Draft, report: Report): void {
  const active = layouts
    .filter(({ value }) => value.slices.route.status === 'ACTIVE')
    .toSorted((a, b) => compareVersions(a.value.version, b.value.version))
  for (const [at, later] of active.entries()) {
    const twin = active
      .slice(0, at)
      .find(({ value }) => sameFiles(value, later.value) && windowsOverlap(value, later.value))
    if (twin === undefined) continue
    report(
      later.source.at(['x-ingest', 'effective']),
      `the effective window overlaps that of ${twin.id}, and both detect the same files`,
    )
  }
}

function sameFiles(a: Layout, b: Layout): boolean {
  const signals = ({ slices: { route } }: Layout): string => {
    const { status: _, effective: __, ...detection } = route
    return canonicalJson(detection)
  }
  return a.fileType === b.fileType && a.layout === b.layout && signals(a) === signals(b)
}

function windowsOverlap(a: Layout, b: Layout): boolean {
  const [one, other] = [a.slices.route.effective, b.slices.route.effective]
  const [latest, earliest] = ['9999-12', '0000-01']
  return (
    (one.from ?? earliest) <= (other.to ?? latest) && (other.from ?? earliest) <= (one.to ?? latest)
  )
}

function checkSchemas({ schemas }: Draft, report: Report): void {
  const lineage: readonly string[] = LINEAGE_COLUMNS
  for (const { value, source } of schemas) {
    const names = value.columns.map(({ name }) => name.toLowerCase())
    for (const [at, name] of names.entries()) {
      const fault = (text: string): void => report(source.at(['columns', at, 'name']), text)
      if (names.indexOf(name) < at) fault(`column ${name} is there twice (case is ignored)`)
      if (lineage.includes(name)) fault(`every canonical row has a column ${name} already`)
    }
    for (const [at, name] of (value.key ?? []).entries()) {
      if (names.includes(name.toLowerCase())) continue
      report(source.at(['key', at]), `there is no column ${name} to tell rows apart by`)
    }
  }
  const active = schemas.filter(({ value }) => value.status === 'ACTIVE')
  for (const { value, source } of active) {
    const other = active.find(
      (schema) => schema.value.fileType === value.fileType && schema.source !== source,
    )
    if (other === undefined) continue
    report(source.at(['status']), `${other.id} is ACTIVE too; one version of a file type may be`)
  }
}

/** A layout in use must have a mapping to the active schema, or its months are blocked. */
function checkMapped({ layouts, schemas, mappings, broken }: Draft, report: Report): void {
  if (broken.has('schema') || broken.has('mapping')) return
  for (const { value, source } of layouts) {
    if (value.slices.route.status !== 'ACTIVE') continue
    const { fileType, layout } = value
    const schema = schemas.find(
      (one) => one.value.fileType === fileType && one.value.status === 'ACTIVE',
    )
    if (schema === undefined) {
      report(source.at(TOP), `file type ${fileType} has no ACTIVE canonical schema`, 'warning')
      continue
    }
    const all = mappings.map((mapping) => mapping.value)
    if (highestMapping(all, { fileType, layout, schema: schema.id }) !== undefined) continue
    const text = `layout ${fileType}/${layout} has no ACTIVE mapping to ${schema.id}`
    report(source.at(TOP), `${text}: months it wins are blocked`, 'warning')
  }
}

function checkRouting({ routing, layouts, submitters, broken }: Draft, report: Report): void {
  const known = {
    fileTypes: new Set(layouts.map(({ value }) => value.fileType)),
    layouts: layoutNames(layouts),
    submitters: new Set(submitters.map(({ id }) => id)),
  }
  for (const { document, source } of routing) {
    for (const [at, rule] of document.rules.entries()) {
      const refer = (name: keyof typeof rule, names: ReadonlySet<string>, what: string): void => {
        const value = rule[name]
        if (typeof value !== 'string' || names.has(value)) return
        report(source.at(['rules', at, name]), unknownName(what, value, [...names]))
      }
      if (!broken.has('layout')) {
        refer('file_type', known.fileTypes, 'file type with a layout')
        refer('layout', known.layouts, 'layout')
      }
      if (!broken.has('submitter')) refer('submitter', known.submitters, 'submitter')
      if (rule.layout !== undefined && !rule.layout.startsWith(`${rule.file_type}/`)) {
        report(source.at(['rules', at, 'layout']), `not a layout of ${rule.file_type}`)
      }
      for (const text of periodFaults(rule.pattern)) {
        report(source.at(['rules', at, 'pattern']), text)
      }
    }
  }
}

function periodFaults(pattern: string): readonly string[] {
  const groups = groupNames(pattern)
  const other = groups.find((name) => name !== 'begin' && name !== 'end')
  return [
    ...(other === undefined
      ? []
      : [`the named groups are begin and end (YYYYMM), not ${shown(other)}`]),
    ...(groups.includes('end') && !groups.includes('begin')
      ? ['a pattern with a group end needs a group begin']
      : []),
  ]
}

function checkSubmitters({ submitters, layouts, broken }: Draft, report: Report): void {
  if (broken.has('layout')) return
  const fileTypes = new Set(layouts.map(({ value }) => value.fileType))
  const names = layoutNames(layouts)
  for (const { document, source } of submitters) {
    for (const [at, name] of (document.file_types ?? []).entries()) {
      if (fileTypes.has(name)) continue
      report(
        source.at(['file_types', at]),
        unknownName('file type with a layout', name, [...fileTypes]),
      )
    }
    for (const [at, name] of (document.layouts ?? []).entries()) {
      if (names.has(name)) continue
      report(source.at(['layouts', at]), unknownName('layout', name, [...names]))
    }
  }
}

function checkVariances({ variances, submitters, ruleSets, broken }: Draft, report: Report): void {
  const people = submitters.map(({ id }) => id)
  for (const { value, source } of variances) {
    if (!broken.has('submitter') && !people.includes(value.submitter)) {
      report(source.at(['submitter']), unknownName('submitter', value.submitter, people))
    }
    const rules = ruleSets
      .filter((set) => set.value.fileType === value.fileType)
      .flatMap((set) => set.value.measure.map(({ id }) => id))
    if (broken.has('rules') || [LAYOUT_REJECTS, ...rules].includes(value.rule)) continue
    report(source.at(['rule']), unknownName(`rule of ${value.fileType}`, value.rule, rules))
  }
}

/** `file_type/layout` and `file_type/layout/version` of every layout. */
const layoutNames = (layouts: Draft['layouts']): ReadonlySet<string> =>
  new Set(layouts.flatMap(({ id, value }) => [id, `${value.fileType}/${value.layout}`]))
