/** `samples show`: one sample, and what its columns hold; no value of it. */
import { join } from 'node:path'
import type { CommandCall } from '../../engine/index.ts'
import { EXIT, alignColumns, countText, counted, timeText } from '../../engine/index.ts'
import { chosen } from '../samples/chosen.ts'
import type { SampleRow } from '../samples/ledger-tables.ts'
import { callingsOf } from '../samples/named-files.ts'
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
  const names = await callingsOf(platform, call)
  const rows = await chosen(ledger, { names, prefix }, SHOWN_MAX)
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
            `${counted(row.records, 'record')}, ${counted(row.read_bytes ?? 0, 'byte')} read`,
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
  printColumns({ terminal }, file, row.is_raw === 1 ? 'not masked, would be' : 'masked')
  printList({ terminal }, 'since the file before', driftWords(file))
  printList({ terminal }, 'layouts that come nearest', layoutWords(file, dim))
}

type Printing = Pick<CommandCall<never>, 'terminal'>

/** Columns that hold something; of the others how many there are: wide layouts are mostly empty. */
function printColumns({ terminal }: Printing, { profile }: ProfileFile, mask: string): void {
  if (profile.columns.length === 0) return
  const { dim } = terminal.out
  const right = (title: string) => ({ title, align: 'right' }) as const
  const columns = ['  column', 'types', right('empty'), right('distinct'), 'length', mask]
  const rows = profile.columns.flatMap((column, at) =>
    column.lengths === null
      ? []
      : [
          [
            `  ${column.name ?? `column ${at + 1}`}`,
            Object.keys(column.types).join(' '),
            countText(column.empty + column.nulls),
            countText(column.distinct),
            lengthText(column.lengths),
            column.mask.kind === 'kept' ? '' : `${column.mask.kind}, ${column.mask.class}`,
          ],
        ],
  )
  if (rows.length > 0) terminal.print(`\n${alignColumns(columns, rows, dim).join('\n')}`)
  const empty = profile.columns.length - rows.length
  if (empty > 0) terminal.print(dim(`  ${counted(empty, 'column')} without a value`))
}

const lengthText = ({ min, max }: { readonly min: number; readonly max: number }): string =>
  min === max ? String(min) : `${min}–${max}`

/** Those that are possible, and of the others those that say what differs. */
const layoutWords = ({ layouts }: ProfileFile, dim: (text: string) => string): readonly string[] =>
  layouts.flatMap(({ layout, why, isPossible }) => {
    const own = `${layout} `
    if (!isPossible && !why.startsWith(own)) return []
    return [`${layout}  ${dim(why.startsWith(own) ? why.slice(own.length) : why)}`]
  })

function driftWords({ drift }: ProfileFile): readonly string[] {
  if (drift === null) return []
  if (drift.changes.length === 0) return [`nothing moved (${drift.against})`]
  return drift.changes.map(({ words }) => words)
}

function printList({ terminal }: Printing, title: string, lines: readonly string[]): void {
  if (lines.length === 0) return
  terminal.print(`\n  ${terminal.out.dim(title)}\n${lines.map((line) => `  ${line}`).join('\n')}`)
}
