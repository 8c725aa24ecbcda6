/**
 * Reads a whole registry from texts: every document, or every error of every file at once.
 *
 * Pure. Identity comes from the path, and each kind of document has one place: PLACES. Shapes are
 * checked first (zod), then what each document says of itself and of others (checks.ts). An issue
 * names properties and columns of registry files; it never holds anything of a data file.
 */
import type { z } from 'zod'
import { compareText, printable } from '../engine/index.ts'
import type { Json } from '../engine/index.ts'
import { canonicalColumns, canonicalSchemaDocument, schemaSlice } from './canonical-schema.ts'
import { checkRegistry } from './checks.ts'
import { codeSetDocument, codeSetOf, codeSetSlice } from './code-set.ts'
import { readCodeSetCsv } from './code-set-csv.ts'
import { FILE_TYPE, ID, LAYOUT, LAYOUT_VERSION, VERSION, compareVersions } from './names.ts'
import { layoutDocument, layoutSlices } from './layout.ts'
import { mappingColumns, mappingDocument, mappingSlice, mappingTestDocument } from './mapping.ts'
import type { DocumentKind, Draft, Loaded, Registry } from './registry.ts'
import { routingDocument, routingRules } from './routing.ts'
import { judgeSlice, measureSlice, ruleSetDocument } from './rule-set.ts'
import { shapeIssues } from './shape-issues.ts'
import { entrySource, readSource } from './source.ts'
import type { Issue, RegistryFile, Source } from './source.ts'
import { submitterOf, submitterSlice, submittersDocument } from './submitter.ts'
import { varianceDocument, varianceOf, varianceSlice } from './variance.ts'

type Lists = { [Name in Exclude<keyof Draft, 'broken'>]: Draft[Name][number][] }

interface Place {
  readonly what: DocumentKind
  /** what people see when a path is almost right */
  readonly form: string
  /** its groups are the names that make the identity */
  readonly path: RegExp
  /** adds the document to its list, or says what is wrong with its shape */
  readonly load: (source: Source, names: readonly string[], lists: Lists) => readonly Issue[]
}

const group = (form: RegExp): string => `(${form.source.slice(1, -1)})`
const pathPattern = (form: string, endings = 'json|yaml|yml'): RegExp => {
  const names = form
    .replaceAll('{file_type}', group(FILE_TYPE))
    .replaceAll('[.{version}]', `(?:\\.${group(LAYOUT_VERSION)})?`)
    .replaceAll('v{n}', group(VERSION))
    .replaceAll('{layout}', group(LAYOUT))
    .replaceAll('{code_set}', group(LAYOUT))
    .replaceAll('{name}', group(ID))
  return new RegExp(`^${names}\\.(?:${endings})$`)
}

interface Compiled<Value> {
  readonly id: string
  readonly value: Value
  readonly slices: Readonly<Record<string, unknown>>
}

/** Each submitter is a document of its own: so a diff names whom it is about. */
function loadSubmitters(
  source: Source,
  _: readonly string[],
  { submitters }: Lists,
): readonly Issue[] {
  const parsed = submittersDocument.safeParse(source.json)
  if (!parsed.success) return shapeIssues(parsed.error, source)
  const entries = (source.json as { readonly submitters: readonly Json[] }).submitters
  for (const [at, document] of parsed.data.submitters.entries()) {
    const value = submitterOf(document)
    submitters.push({
      what: 'submitter',
      id: value.id,
      value,
      document,
      source: entrySource(source, ['submitters', at], entries[at] ?? null),
      pointer: `/submitters/${at}`,
      slices: { submitter: submitterSlice(value) },
    })
  }
  return []
}

/** A kind of document: where it lies, its shape, its list, and how it compiles. */
function place<Schema extends z.ZodType, Value>(kind: {
  readonly what: DocumentKind
  readonly form: string
  /** of its files' names */
  readonly endings?: string
  readonly schema: Schema
  readonly list: (lists: Lists) => Loaded<Value, z.output<Schema>>[]
  readonly compile: (document: z.output<Schema>, names: readonly string[]) => Compiled<Value>
}): Place {
  return {
    what: kind.what,
    form: `${kind.form}.json`,
    path: pathPattern(kind.form, kind.endings),
    load: (source, names, lists) => {
      const parsed = kind.schema.safeParse(source.json)
      if (!parsed.success) return shapeIssues(parsed.error, source)
      const compiled = kind.compile(parsed.data, names)
      kind.list(lists).push({ what: kind.what, source, document: parsed.data, ...compiled })
      return []
    },
  }
}

// The order is the order of kinds in diffs. A test's form also ends like a mapping's: it is first.
const PLACES: readonly Place[] = [
  place({
    what: 'layout',
    form: 'registry/layouts/{file_type}/{layout}[.{version}]',
    schema: layoutDocument,
    list: ({ layouts }) => layouts,
    compile: (document, [fileType = '', layout = '', named = 'v1']) => {
      const { version = named } = document
      const slices = layoutSlices(document)
      const id = `${fileType}/${layout}/${version}`
      return { id, value: { fileType, layout, version, id, slices }, slices: { ...slices } }
    },
  }),
  {
    what: 'submitter',
    form: 'registry/submitters.json',
    path: pathPattern('registry/submitters'),
    load: loadSubmitters,
  },
  place({
    what: 'routing',
    form: 'registry/routing/{name}',
    schema: routingDocument,
    list: ({ routing }) => routing,
    compile: (document, [name = '']) => {
      const value = routingRules(document)
      return { id: name, value, slices: { route: value } }
    },
  }),
  place({
    what: 'schema',
    form: 'schemas/{file_type}/v{n}',
    schema: canonicalSchemaDocument,
    list: ({ schemas }) => schemas,
    compile: (document, [fileType = '', version = '']) => {
      const columns = canonicalColumns(document)
      const id = `${fileType}/${version}`
      const value = { fileType, version, id, status: document.status, columns, key: document.key }
      return { id, value, slices: { schema: schemaSlice(value), status: document.status } }
    },
  }),
  place({
    what: 'mapping_test',
    form: 'mappings/{file_type}/{layout}/v{n}.test',
    schema: mappingTestDocument,
    list: ({ mappingTests }) => mappingTests,
    compile: (document, names) => ({ id: names.join('/'), value: document, slices: {} }),
  }),
  place({
    what: 'mapping',
    form: 'mappings/{file_type}/{layout}/v{n}',
    schema: mappingDocument,
    list: ({ mappings }) => mappings,
    compile: (document, [fileType = '', layout = '', version = '']) => {
      const { schema, status } = document
      const id = `${fileType}/${layout}/${version}`
      const columns = mappingColumns(document)
      const value = { fileType, layout, version, id, schema, status, columns }
      return { id, value, slices: { mapping: mappingSlice(value), status } }
    },
  }),
  place({
    what: 'code_set',
    form: 'registry/code-sets/{code_set}[.{version}]',
    endings: 'json|yaml|yml|csv',
    schema: codeSetDocument,
    list: ({ codeSets }) => codeSets,
    compile: (document, [name = '', named = 'v1']) => {
      const value = codeSetOf(document, name, named)
      return { id: value.id, value, slices: { codes: codeSetSlice([value]) } }
    },
  }),
  place({
    what: 'rules',
    form: 'registry/rules/{file_type}/{name}',
    schema: ruleSetDocument,
    list: ({ ruleSets }) => ruleSets,
    compile: (document, [fileType = '']) => {
      const { layout } = document
      const id = layout === undefined ? fileType : `${fileType}/${layout}`
      const slices = { measure: measureSlice(document), judge: judgeSlice(document) }
      const value = { fileType, id, ...slices, ...(layout !== undefined && { layout }) }
      return { id, value, slices }
    },
  }),
  place({
    what: 'variance',
    form: 'registry/variances/{name}',
    schema: varianceDocument,
    list: ({ variances }) => variances,
    compile: (document) => {
      const value = varianceOf(document)
      const id = `${value.submitter}/${value.fileType}/${value.rule}`
      return { id, value, slices: { variance: varianceSlice(value) } }
    },
  }),
]

/**
 * The registry of some files, or everything that is wrong with them.
 *
 * Warnings come with either; there is a registry exactly when no issue is an error. Issues are in
 * order of file and position.
 */
export function readRegistry(files: readonly RegistryFile[]): {
  readonly registry?: Registry
  readonly issues: readonly Issue[]
} {
  const lists: Lists = {
    layouts: [],
    submitters: [],
    routing: [],
    schemas: [],
    mappings: [],
    mappingTests: [],
    codeSets: [],
    ruleSets: [],
    variances: [],
  }
  const issues: Issue[] = []
  const broken = new Set<DocumentKind>()
  for (const file of files) {
    const found = PLACES.find(({ path }) => path.test(file.path))
    const faults = found === undefined ? [misplaced(file)] : loadFile(file, found, lists)
    if (faults.length > 0 && found !== undefined) broken.add(found.what)
    issues.push(...faults)
  }
  issues.push(...checkRegistry({ ...lists, broken }))
  const sorted = issues.toSorted(byPosition)
  return sorted.some(({ kind }) => kind === 'error')
    ? { issues: sorted }
    : { registry: registryOf(lists), issues: sorted }
}

function loadFile(file: RegistryFile, { path, load }: Place, lists: Lists): readonly Issue[] {
  const source = file.path.endsWith('.csv') ? readCodeSetCsv(file) : readSource(file)
  if ('faults' in source) return source.faults
  return load(source, path.exec(file.path)?.slice(1) ?? [], lists)
}

function misplaced({ path }: RegistryFile): Issue {
  // Any name may lie in a folder: only here it is not one of ours.
  const file = printable(path)
  const near = PLACES.find(({ form }) => file.startsWith(form.split(/[{.]/, 1)[0] ?? ''))
  const forms = near === undefined ? PLACES.map(({ form }) => form) : [near.form]
  const text = `no registry file has its place here; expected ${forms.join(', ')}`
  return { file, line: 1, column: 1, kind: 'error', text }
}

function registryOf(lists: Lists): Registry {
  const values = <Value>(list: readonly Loaded<Value, unknown>[]): readonly Value[] =>
    list.toSorted(byId).map(({ value }) => value)
  const tests = new Map(lists.mappingTests.map(({ id, value }) => [id, value]))
  return {
    layouts: values(lists.layouts),
    submitters: values(lists.submitters),
    routing: values(lists.routing).flat(),
    schemas: values(lists.schemas),
    mappings: values(lists.mappings).map((mapping) => {
      const test = tests.get(mapping.id)
      return test === undefined ? mapping : { ...mapping, tests: test }
    }),
    codeSets: values(lists.codeSets),
    ruleSets: values(lists.ruleSets),
    variances: values(lists.variances),
    documents: Object.values(lists)
      .flat()
      .map(({ what, id, source, pointer = '', slices }) => ({
        what,
        id,
        path: source.path,
        pointer,
        json: source.json,
        slices,
      }))
      .toSorted((a, b) => kindOrder(a.what) - kindOrder(b.what) || byId(a, b)),
  }
}

const kindOrder = (what: DocumentKind): number => PLACES.findIndex((kind) => kind.what === what)

/** By the names of an id, and by its last part as a version. */
function byId({ id: a }: { readonly id: string }, { id: b }: { readonly id: string }): number {
  const [left, right] = [a, b].map((id) => id.slice(0, id.lastIndexOf('/') + 1))
  if (left !== right) return compareText(left ?? '', right ?? '')
  const numbered = [a, b].every((id) => LAYOUT_VERSION.test(id.slice(id.lastIndexOf('/') + 1)))
  return numbered
    ? compareVersions(a.slice(left?.length), b.slice(right?.length))
    : compareText(a, b)
}

const byPosition = (a: Issue, b: Issue): number =>
  compareText(a.file, b.file) ||
  a.line - b.line ||
  a.column - b.column ||
  compareText(a.text, b.text)
