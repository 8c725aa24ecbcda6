/** A small sound registry as texts, for tests to break one thing at a time. */
import type { RegistryFile } from '../../registry/source.ts'

export const LAYOUT = 'registry/layouts/visits/clinic.json'
export const SCHEMA = 'schemas/visits/v1.json'
export const MAPPING = 'mappings/visits/clinic/v1.json'
export const MAPPING_TEST = 'mappings/visits/clinic/v1.test.json'
export const RULES = 'registry/rules/visits/default.json'
export const SUBMITTERS = 'registry/submitters.json'
export const ROUTING = 'registry/routing/names.json'
export const VARIANCE = 'registry/variances/north-visit.json'

const documents = {
  [LAYOUT]: {
    description: 'visits of one clinic',
    resources: [
      {
        name: 'visits',
        dialect: { delimiter: '|', quoteChar: null, header: true },
        schema: {
          fields: [
            { name: 'visit', type: 'string', constraints: { required: true, maxLength: 20 } },
            { name: 'seen', type: 'date', format: '%Y%m%d', description: 'day of the visit' },
            { name: 'paid', type: 'number', 'x-decimal': { precision: 18, scale: 2 } },
            { name: 'code', type: 'string', 'x-phi': 'sensitive' },
            { name: 'home_state', type: 'string', 'x-header': 'STATE' },
          ],
        },
      },
    ],
    'x-ingest': {
      status: 'ACTIVE',
      effective: { from: '2020-01' },
      control: [
        { role: 'header', prefix: 'HD', fields: { 1: 'submitter', 2: 'layoutVersion' } },
        { role: 'trailer', prefix: 'TR', fields: { 1: 'recordCount' } },
      ],
      month: { column: 'seen' },
      reject: { share: 0.05 },
      detect: { fileNames: ['visits_.*'] },
    },
  },
  [SCHEMA]: {
    status: 'ACTIVE',
    columns: [
      { name: 'visit_id', type: 'VARCHAR', required: true },
      { name: 'day', type: 'DATE' },
      { name: 'amount', type: 'DECIMAL(18,2)' },
      { name: 'kind', type: 'VARCHAR' },
      { name: 'month', type: 'VARCHAR' },
    ],
  },
  [MAPPING]: {
    schema: 'visits/v1',
    status: 'ACTIVE',
    columns: {
      visit_id: { source: 'visit', description: 'as delivered' },
      day: { source: 'seen' },
      amount: { source: 'paid' },
      kind: [{ const: 'unknown' }, { coalesce: ['code', 'home_state'], since: '2024-07' }],
      month: { month: { source: 'seen' } },
    },
  },
  [MAPPING_TEST]: {
    rows: [{ visit: 'a', seen: '2024-01-31', paid: '1.50', code: 'x' }],
    expect: [{ visit_id: 'a', day: '2024-01-31', amount: '1.50', kind: 'unknown' }],
  },
  [RULES]: {
    rules: [
      {
        id: 'visit_unique',
        kind: 'UNIQUE_KEY',
        params: { columns: ['visit'] },
        severity: 'HARD',
        threshold: { count: 0 },
        description: 'one row a visit',
      },
      {
        id: 'code_form',
        kind: 'REGEX',
        params: { column: 'code', pattern: '^[A-Z]{2}$' },
        severity: 'SOFT',
        threshold: { share: 0.02 },
      },
    ],
  },
  [SUBMITTERS]: { submitters: [{ id: 'north', name: 'North', state: 'MA', kind: 'delivers' }] },
  [ROUTING]: {
    rules: [{ pattern: 'visits_(?<begin>[0-9]{6})_(?<end>[0-9]{6})[.]txt', file_type: 'visits' }],
  },
  [VARIANCE]: {
    submitter: 'north',
    file_type: 'visits',
    rule: 'code_form',
    threshold: { share: 0.5 },
    expires: '2024-12-31',
    reason: 'new system',
  },
}

/** The sound files, with some texts replaced or added. */
export function sampleFiles(
  changed: Readonly<Record<string, string>> = {},
): readonly RegistryFile[] {
  const texts = Object.entries(documents).map(
    ([path, document]) => [path, JSON.stringify(document, null, 2)] as const,
  )
  const files = new Map([...texts, ...Object.entries(changed)])
  return [...files].map(([path, text]) => ({ path, text }))
}

/** The text of one sound file. */
export const sampleText = (path: string): string =>
  sampleFiles().find((file) => file.path === path)?.text ?? ''

/** The text of one sound file with one passage replaced, which must be there exactly once. */
export function edited(path: string, from: string, to: string): Record<string, string> {
  const text = sampleText(path)
  if (text.split(from).length !== 2) throw new Error(`${path} has not exactly one ${from}`)
  return { [path]: text.replace(from, () => to) }
}
