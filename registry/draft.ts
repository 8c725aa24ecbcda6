/**
 * A drafted layout: what a guide's field list or a sample file says, as a layout document that
 * reads, INACTIVE, with what a person has to verify listed in it. Pure.
 */
import { NAME_PATTERN, assert } from '../engine/index.ts'
import type { ControlField } from '../engine/index.ts'
import { layoutDocument } from './layout.ts'
import type { FieldDocument, PhiClass } from './layout.ts'
import { SILVER_COLUMNS } from './silver-columns.ts'

/** One column as far as it is known. */
export interface FieldDraft {
  /** as the guide or the header writes it */
  readonly label: string
  readonly title?: string
  readonly type: FieldDocument['type']
  readonly format?: string
  readonly decimal?: { readonly precision: number; readonly scale: number; readonly implied?: true }
  readonly maxLength?: number
  readonly required?: boolean
  /** fixed width: 1-based first byte, and bytes */
  readonly at?: { readonly start: number; readonly length: number }
  readonly phi?: PhiClass
}

interface ControlDraft {
  readonly role: 'header' | 'trailer'
  readonly prefix: string
  readonly fields: Readonly<Record<string, ControlField>>
}

export interface LayoutDraft {
  readonly title: string
  readonly fields: readonly FieldDraft[]
  readonly format: 'csv' | 'fixed'
  readonly encoding?: 'utf-16' | 'windows-1252' | 'iso-8859-1'
  /** of delimited text */
  readonly dialect?: {
    readonly delimiter: string
    readonly quoteChar: '"' | null
    readonly header: boolean
  }
  readonly control?: readonly ControlDraft[]
  /** label of the column that dates a row; undefined: the declared period does */
  readonly month?: string | { readonly year: string; readonly month: string }
  /** the name of a sample file */
  readonly path?: string
  /** what a person has to look at before the layout is used, in words */
  readonly verify: readonly string[]
}

/** Names said in one line. */
const LABELS_MAX = 12

/** One line for each doubt, with the fields it is about. */
export function doubtLines(
  fields: readonly { readonly label: string; readonly doubt: string | undefined }[],
): readonly string[] {
  const doubtful = fields.filter(({ doubt }) => doubt !== undefined)
  return [...Map.groupBy(doubtful, ({ doubt }) => doubt)].map(([doubt, list]) => {
    const labels = list.slice(0, LABELS_MAX).map(({ label }) => label)
    const more = list.length > LABELS_MAX ? ` and ${list.length - LABELS_MAX} more` : ''
    const words = `${doubt?.slice(0, 1).toUpperCase()}${doubt?.slice(1)}`
    return `${words}: ${labels.join(', ')}${more}.`
  })
}

/** Records that a drafted layout lets be refused: a first value, named in what to verify. */
const REJECT_SHARE = 0.01

/** A draft as a document. Column names are made from labels: unique, and none that silver has. */
export function draftDocument(draft: LayoutDraft): object {
  const names = columnNames(draft.fields.map(({ label }) => label))
  const nameOf = (label: string): string => {
    const name = names[draft.fields.findIndex((field) => field.label === label)]
    assert(name !== undefined, 'a draft is dated by a column it has not')
    return name
  }
  const hasHeader = draft.format === 'csv' && draft.dialect?.header !== false
  const { month, control = [] } = draft
  const document = {
    $schema: '../../json-schema/layout.json',
    version: 'v1',
    title: draft.title,
    description: `Draft: verify before use. ${draft.verify.join(' ')}`,
    resources: [
      {
        name: 'records',
        type: 'table',
        ...(draft.path !== undefined && { path: draft.path }),
        ...(draft.format === 'fixed' && { format: 'fixed' }),
        ...(draft.encoding !== undefined && { encoding: draft.encoding }),
        ...(draft.dialect !== undefined && { dialect: draft.dialect }),
        schema: {
          fields: draft.fields.map((field, at) =>
            fieldDocument(field, names[at] ?? field.label, hasHeader),
          ),
        },
      },
    ],
    'x-ingest': {
      status: 'INACTIVE',
      ...(control.length > 0 && { control }),
      month:
        month === undefined
          ? { declared: 'last' }
          : typeof month === 'string'
            ? { column: nameOf(month) }
            : { columns: { year: nameOf(month.year), month: nameOf(month.month) } },
      reject: { share: REJECT_SHARE },
    },
  }
  layoutDocument.parse(document)
  return document
}

function fieldDocument(field: FieldDraft, name: string, hasHeader: boolean): object {
  const { label, title = '', type, format, at, phi } = field
  const limits = constraintsOf(field)
  return {
    name,
    ...(title !== '' && { title }),
    ...(hasHeader && label !== name && { 'x-header': label }),
    ...(at !== undefined && { 'x-at': { start: at.start, length: at.length } }),
    type,
    ...(format !== undefined && { format }),
    ...(type === 'number' && { 'x-decimal': field.decimal ?? { precision: 18, scale: 2 } }),
    ...(Object.keys(limits).length > 0 && { constraints: limits }),
    ...(phi !== undefined && { 'x-phi': phi }),
  }
}

const constraintsOf = ({ type, required = false, maxLength }: FieldDraft): object => ({
  ...(required && { required: true }),
  ...(maxLength !== undefined && type === 'string' && { maxLength }),
})

const NAME_CHARACTERS_MAX = 63

/** Column names of labels: as written where that is a name, else in small letters; `_2` for a second. */
function columnNames(labels: readonly string[]): readonly string[] {
  const taken = new Set(Object.keys(SILVER_COLUMNS))
  return labels.map((label, at) => {
    const words = label
      .normalize('NFKD')
      .replaceAll(/[^A-Za-z0-9]+/g, '_')
      .replaceAll(/^_+|_+$/g, '')
      .toLowerCase()
    const made = /^[a-z]/.test(words) ? words : `field_${words === '' ? at + 1 : words}`
    const first = (NAME_PATTERN.test(label) ? label : made).slice(0, NAME_CHARACTERS_MAX)
    let name = first
    for (let turn = 2; taken.has(name.toLowerCase()); turn++) name = `${first}_${turn}`
    taken.add(name.toLowerCase())
    return name
  })
}

const WIDTH = 100

/** A document as people write it here: small objects on one line. */
export function draftText(document: unknown): string {
  return `${written(document, 0, 0)}\n`
}

function written(value: unknown, indent: number, before: number): string {
  const line = oneLine(value)
  if (typeof value !== 'object' || value === null) return line
  if (indent > 0 && indent + before + line.length < WIDTH) return line
  const pad = ' '.repeat(indent + 2)
  const members = Array.isArray(value)
    ? value.map((one: unknown) => `${pad}${written(one, indent + 2, 0)}`)
    : Object.entries(value).map(([name, one]) => {
        const key = `${JSON.stringify(name)}: `
        return `${pad}${key}${written(one, indent + 2, key.length)}`
      })
  const [open, close] = Array.isArray(value) ? '[]' : '{}'
  return `${open}\n${members.join(',\n')}\n${' '.repeat(indent)}${close}`
}

function oneLine(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(oneLine).join(', ')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const members = Object.entries(value).map(
    ([name, one]) => `${JSON.stringify(name)}: ${oneLine(one)}`,
  )
  return members.length === 0 ? '{}' : `{ ${members.join(', ')} }`
}
