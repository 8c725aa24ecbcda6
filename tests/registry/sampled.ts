/** Files as the sampler hands them to masks and profiles: columns of texts. */
import { generateFile, sampleRecords, type SampledColumn } from '../../engine/index.ts'
import { openRegistry } from '../../registry/folder.ts'
import type { Layout } from '../../registry/layout.ts'
import { REPOSITORY } from '../support/road-folder.ts'

/** Columns of records; short records have no text at their end. */
export function columnsOf(
  records: readonly (readonly string[])[],
  names?: readonly string[],
): readonly SampledColumn[] {
  const count = Math.max(names?.length ?? 0, ...records.map((fields) => fields.length))
  return Array.from({ length: count }, (_, at) => ({
    name: names?.[at],
    texts: records.map((fields) => fields[at] ?? null),
    type: 'text',
  }))
}

/** Records of a delimited text, its header among them. */
export const recordsOf = (bytes: Buffer, { slices: { parse } }: Layout): readonly string[][] =>
  sampleRecords(bytes, parse, 10_000).map(({ fields }) => [...fields])

/** What a layout says of its files, filled by a seed. */
export function generatedColumns(layout: Layout, rows: number): readonly SampledColumn[] {
  const { parse } = layout.slices
  const blocks = generateFile({
    spec: { ...parse, control: [] },
    rows,
    months: ['2024-01', '2024-02'],
    seed: 'sampled',
    defects: 0,
    control: { submitter: 'north', fileType: 'T', layoutVersion: 'v1', isTest: false },
  })
  const records = recordsOf(Buffer.concat([...blocks].map(({ bytes }) => bytes)), layout)
  return parse.dialect.header ? columnsOf(records.slice(1), records[0]) : columnsOf(records)
}

/** Layouts that ship. */
export async function shippedLayouts(): Promise<readonly Layout[]> {
  const { registry } = await openRegistry(REPOSITORY)
  return registry.layouts
}
