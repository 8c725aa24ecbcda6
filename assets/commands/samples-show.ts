/** `samples show`: one sample, and what its columns hold; no value of it. */
import { join } from 'node:path'
import type { CommandCall } from '../../engine/index.ts'
import { EXIT, alignColumns, countText, timeText } from '../../engine/index.ts'
import { chosen } from '../samples/chosen.ts'
import type { SampleRow } from '../samples/ledger-tables.ts'
import { openLedger } from '../samples/open-sampler.ts'
import type { ProfileFile } from '../samples/profile-file.ts'
import { profileFileAt } from '../samples/profile-file.ts'
import type { OpenedPlatform } from './opened.ts'
import { sampleJson } from './samples-list.ts'

/** Files of one name that are shown: of several places, say. */
const SHOWN_MAX = 20

/** Runs `samples show`. */
export async function runSamplesShow(call: CommandCall<OpenedPlatform>): Promise<number> {
  const { terminal } = call
  const { platform, ledgerAt } = await call.open({ sync: false })
  await using ledger = await openLedger(platform, ledgerAt)
  const prefix = platform.config.staging.prefix.value
  const rows = await chosen(ledger, { names: call.words }, SHOWN_MAX)
  const shown = await Promise.all(
    rows.map(async (row) => {
      const isMade = row.path !== null && row.status === 'MADE'
      const path = isMade ? join(prefix, row.place, 'samples', row.path ?? '') : undefined
      return { row, path, file: path === undefined ? undefined : await profileFileAt(path) }
    }),
  )
  if (call.json) {
    const samples = shown.map(({ row, file }) => ({ ...sampleJson(prefix, row), ...file }))
    terminal.printJson({ format_version: '1.0', samples })
    return EXIT.done
  }
  for (const { row, path, file } of shown) print(call, row, { path, file })
  return EXIT.done
}

function print(
  { terminal }: CommandCall<OpenedPlatform>,
  row: SampleRow,
  { path, file }: { readonly path: string | undefined; readonly file: ProfileFile | undefined },
): void {
  const { bold, dim, yellow } = terminal.out
  const facts = [
    ['place', row.place],
    ['status', row.words === null ? row.status : `${row.status}: ${row.words}`],
    ['file', row.bronze],
    ...(row.size === null ? [] : [['size', `${countText(row.size)} bytes`]]),
    ['changed', timeText(row.mtime * 1000)],
    ...(path === undefined ? [] : [['sample', path]]),
    ...(row.records === null
      ? []
      : [
          [
            'holds',
            `${countText(row.records)} records, ${countText(row.read_bytes ?? 0)} bytes read`,
          ],
        ]),
    ...(row.raw_until_ms === null
      ? []
      : [['values', yellow(`as they are, until ${timeText(row.raw_until_ms)}`)]]),
  ]
  terminal.print(bold(row.raw))
  terminal.print(
    alignColumns(
      ['', ''],
      facts.map(([name = '', text = '']) => [`  ${name}`, text]),
    ).join('\n'),
  )
  if (file === undefined) return
  printColumns({ terminal }, file)
  printList({ terminal }, 'since the file before', driftWords(file))
  printList(
    { terminal },
    'layouts that come nearest',
    file.layouts.map(({ layout, why }) => `${layout}  ${dim(why)}`),
  )
}

type Printing = Pick<CommandCall<never>, 'terminal'>

function printColumns({ terminal }: Printing, { profile }: ProfileFile): void {
  if (profile.columns.length === 0) return
  const right = (title: string) => ({ title, align: 'right' }) as const
  const columns = ['  column', 'types', right('empty'), right('distinct'), 'length', 'masked']
  const rows = profile.columns.map((column, at) => [
    `  ${column.name ?? `column ${at + 1}`}`,
    Object.keys(column.types).join(' '),
    countText(column.empty + column.nulls),
    countText(column.distinct),
    column.lengths === null ? '' : lengthText(column.lengths),
    column.mask.kind === 'kept' ? '' : `${column.mask.kind}, ${column.mask.class}`,
  ])
  terminal.print(`\n${alignColumns(columns, rows, terminal.out.dim).join('\n')}`)
}

const lengthText = ({ min, max }: { readonly min: number; readonly max: number }): string =>
  min === max ? String(min) : `${min}–${max}`

function driftWords({ drift }: ProfileFile): readonly string[] {
  if (drift === null) return []
  if (drift.changes.length === 0) return [`nothing moved (${drift.against})`]
  return drift.changes.map(({ words }) => words)
}

function printList({ terminal }: Printing, title: string, lines: readonly string[]): void {
  if (lines.length === 0) return
  terminal.print(`\n  ${terminal.out.dim(title)}\n${lines.map((line) => `  ${line}`).join('\n')}`)
}
