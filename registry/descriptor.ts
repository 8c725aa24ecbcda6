/**
 * A Frictionless descriptor, or a CMS data dictionary, as a drafted layout.
 *
 * Read: a data package, one of its resources, a resource, a table schema, and the dictionaries of
 * data.cms.gov and Open Payments (`data.fields`). Of the Table Schema v1 and v2 types those that
 * have no counterpart here become text, and are named. https://datapackage.org/standard/table-schema/
 */
import { z } from 'zod'
import type { FieldDraft, LayoutDraft } from './draft.ts'
import { monthDoubt, PERSONAL } from './field-list.ts'
import { guessMonth } from './month-guess.ts'
import { guessPhi } from './phi-guess.ts'

const FIELDS_MAX = 2000

const field = z.object({
  name: z.string().min(1).max(256),
  title: z.string().optional(),
  description: z.string().optional(),
  type: z.string().optional(),
  format: z.string().optional(),
  constraints: z.record(z.string(), z.unknown()).optional(),
})
type FieldDescriptor = z.output<typeof field>
const fields = z.array(field).min(1).max(FIELDS_MAX)
const dialect = z.object({
  delimiter: z.string().length(1).optional(),
  quoteChar: z.string().nullable().optional(),
  header: z.boolean().optional(),
})
const resource = z.object({
  name: z.string().optional(),
  title: z.string().optional(),
  path: z.union([z.string(), z.array(z.string())]).optional(),
  dialect: dialect.optional(),
  schema: z.object({ fields, missingValues: z.array(z.unknown()).optional() }),
})
type Resource = z.output<typeof resource>

/** Why a document is no descriptor, in words. */
export interface DescriptorFault {
  readonly reason: string
}

/** A package with several resources needs the name of one. */
export function readDescriptor(
  document: unknown,
  { title, name }: { readonly title: string; readonly name: string | undefined },
): LayoutDraft | DescriptorFault {
  const found = resourceOf(document, name)
  return 'reason' in found ? found : draftOf(found, title)
}

const packaged = z.object({ resources: z.array(z.unknown()).min(1).max(1000) })
const named = z.object({ name: z.string() })
const dictionary = z.object({ data: z.object({ title: z.string().optional(), fields }) })
const bare = z.object({ fields, missingValues: z.array(z.unknown()).optional() })

function resourceOf(document: unknown, name: string | undefined): Resource | DescriptorFault {
  const pack = packaged.safeParse(document)
  if (pack.success) return oneOf(pack.data.resources, name)
  const list = dictionary.safeParse(document)
  if (list.success) {
    const { title, fields: own } = list.data.data
    return { ...(title !== undefined && { title }), schema: { fields: own } }
  }
  const schema = bare.safeParse(document)
  if (schema.success) return { schema: schema.data }
  return whole(document)
}

function oneOf(
  resources: readonly unknown[],
  name: string | undefined,
): Resource | DescriptorFault {
  const names = resources.map((one) => named.safeParse(one).data?.name ?? '')
  const at = name === undefined && resources.length === 1 ? 0 : names.indexOf(name ?? '')
  if (at >= 0) return whole(resources[at])
  return { reason: `name one of its resources with --resource: ${names.join(', ')}` }
}

function whole(document: unknown): Resource | DescriptorFault {
  const read = resource.safeParse(document)
  if (read.success) return read.data
  const [issue] = read.error.issues
  const path = (issue?.path ?? []).map(String).join('/')
  return { reason: `no table schema: ${issue?.message ?? 'not an object'} at /${path}` }
}

const TYPES: Readonly<Record<string, FieldDraft['type']>> = {
  string: 'string',
  text: 'string',
  any: 'string',
  integer: 'integer',
  year: 'integer',
  number: 'number',
  date: 'date',
  datetime: 'datetime',
  boolean: 'boolean',
  yearmonth: 'date',
}
const KEPT = ['required', 'maxLength']

function draftOf(found: Resource, title: string): LayoutDraft {
  const { schema, dialect: written = {}, path } = found
  const listed = schema.fields.map(fieldOf)
  const drafts = listed.map(({ draft }) => draft)
  const month = guessMonth(drafts)
  const example = [path ?? []].flat()[0]
  const missing = (schema.missingValues ?? []).filter((value) => value !== '')
  return {
    title: found.title ?? title,
    fields: drafts,
    format: 'csv',
    dialect: {
      delimiter: written.delimiter ?? ',',
      quoteChar: written.quoteChar === null ? null : '"',
      header: written.header ?? true,
    },
    ...(month !== undefined && { month }),
    ...(example !== undefined && { path: example.split('/').at(-1) ?? example }),
    verify: [
      ...(found.dialect === undefined ? ['The delimiter, taken to be a comma.'] : []),
      ...(missing.length > 0
        ? [
            `missingValues has ${missing.length} texts besides the empty one: here only the empty text is missing.`,
          ]
        : []),
      ...monthDoubt(month),
      ...PERSONAL,
      ...listed.flatMap(({ doubts }) => doubts),
    ],
  }
}

function fieldOf(descriptor: FieldDescriptor): {
  readonly draft: FieldDraft
  readonly doubts: readonly string[]
} {
  const { name, title, constraints = {}, type: written = 'string' } = descriptor
  const known = TYPES[written]
  const type = known ?? 'string'
  const length = constraints['maxLength']
  const phi = guessPhi(name, title)
  const left = Object.keys(constraints).filter((one) => !KEPT.includes(one))
  return {
    draft: {
      label: name,
      ...(title !== undefined && { title }),
      type,
      ...dateFormat(descriptor, type),
      ...(type === 'number' && { decimal: { precision: 18, scale: 2 } }),
      ...(typeof length === 'number' && length > 0 && { maxLength: length }),
      ...(constraints['required'] === true && { required: true }),
      ...(phi !== undefined && { phi }),
    },
    doubts: [
      ...(known === undefined ? [`${name}: its type has no counterpart and is read as text.`] : []),
      ...(type === 'number' ? [`${name}: 18 digits, 2 of them decimals.`] : []),
      ...(left.length > 0 ? [`${name}: constraints left out: ${left.join(', ')}.`] : []),
    ],
  }
}

const WORDED: Readonly<Record<string, string>> = {
  'MM/DD/YYYY': '%m/%d/%Y',
  'YYYY-MM-DD': '%Y-%m-%d',
  YYYYMMDD: '%Y%m%d',
}

function dateFormat(
  { format, type: written }: FieldDescriptor,
  type: FieldDraft['type'],
): { readonly format?: string } {
  if (type !== 'date' && type !== 'datetime') return {}
  if (written === 'yearmonth') return { format: '%Y-%m' }
  const text = format === undefined ? undefined : (WORDED[format.toUpperCase()] ?? format)
  return text?.includes('%') === true ? { format: text } : {}
}
