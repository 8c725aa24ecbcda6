/** A diff of two versions as a person reads it. */
import type { KeptVersion } from '../catalog/versions.ts'
import type { NodeName } from '../core/key.ts'
import { printableJson } from '../core/printable.ts'
import type { Comparison, DifferingRow } from '../table/compare.ts'
import { nodePath } from './node-name.ts'
import type { Colors } from './output.ts'
import { rowsIn } from './rollback.ts'
import { alignColumns, countText, counted, timeText } from './text.ts'

export interface Diff {
  readonly node: NodeName
  readonly from: KeptVersion
  readonly to: KeptVersion
  readonly key: readonly string[] | undefined
  readonly comparison: Comparison
  /** parts that are the same on both sides, and their rows */
  readonly sameParts: number
  readonly sameRows: number
}

/** The whole text, without a final line end. */
export function diffText(diff: Diff, out: Colors): string {
  const { node, from, to, key, comparison, sameParts, sameRows } = diff
  const { added, removed, changed, unchanged } = comparison
  const same =
    sameParts === 0 ? '' : `  ${out.dim(`${counted(sameParts, 'part')} the same, not read`)}`
  const by = key === undefined ? 'whole rows' : `rows by ${key.join(', ')}`
  const lines = [
    out.bold(nodePath(node)),
    ...alignColumns(
      ['', '', '', { title: '', align: 'right' }],
      [from, to].map((one) => [
        `  commit ${one.commitNumber}`,
        timeText(one.atMs),
        `run ${one.run}`,
        counted(rowsIn(one.parts), 'row'),
      ]),
    ),
    '',
    `  ${counts({ added, removed, changed, unchanged: unchanged + sameRows })}  ${out.dim(by)}${same}`,
    ...columnLines(diff, out),
    ...comparison.sample.map((row) => sampleLine(row, out)),
  ]
  return lines.join('\n')
}

const counts = (rows: Readonly<Record<string, number>>): string =>
  Object.entries(rows)
    .map(([name, count]) => `${countText(count)} ${name}`)
    .join(' · ')

function columnLines({ comparison, sameRows }: Diff, out: Colors): readonly string[] {
  const { columns, changed, unchanged, columnsAdded, columnsRemoved } = comparison
  const both = changed + unchanged + sameRows
  const unequal = columns.filter(({ equal }) => equal + sameRows < both)
  const only = (names: readonly string[], where: string): readonly string[] =>
    names.length === 0 ? [] : [`  only ${where}: ${names.join(', ')}`]
  const right = (title: string) => ({ title, align: 'right' }) as const
  const cells = unequal.map(({ name, equal, isApart }) => [
    `  ${name}`,
    countText(equal + sameRows),
    `${(Math.floor(((equal + sameRows) / both) * 1000) / 10).toFixed(1)} %`,
    isApart ? 'lineage: does not make a row changed' : '',
  ])
  const rest = columns.length - unequal.length
  return [
    ...only(columnsRemoved, 'before'),
    ...only(columnsAdded, 'after'),
    ...(unequal.length === 0
      ? []
      : ['', ...alignColumns(['  column', right('equal'), right('match'), ''], cells, out.dim)]),
    ...(unequal.length > 0 && rest > 0
      ? [out.dim(`  and ${counted(rest, 'column')} equal in every row`)]
      : []),
    ...(comparison.sample.length === 0 ? [] : ['']),
  ]
}

const SIGNS = { added: '+', removed: '-', changed: '~' } as const

function sampleLine({ kind, key, columns }: DifferingRow, out: Colors): string {
  const paint = { added: out.green, removed: out.red, changed: out.yellow }[kind]
  const names = Object.entries(key).map(([name, value]) => `${name}=${valueText(value)}`)
  const changes = columns.map(
    ({ column, from, to }) => `${column}: ${valueText(from)} → ${valueText(to)}`,
  )
  const detail = changes.length === 0 ? '' : `  ${changes.join(', ')}`
  return `  ${paint(SIGNS[kind])} ${names.join(' ')}${detail}`
}

/** As JSON writes it: an empty text and nothing are two things, and no mark moves the cursor. */
const valueText = (value: string | null): string => (value === null ? 'null' : printableJson(value))
