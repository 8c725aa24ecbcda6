/** `samples list`: what was sampled, what waits, what could not be. With `--json` an object. */
import { join } from 'node:path'
import type { Catalog, CommandCall } from '../../engine/index.ts'
import {
  EXIT,
  alignColumns,
  countText,
  isoText,
  textOption,
  timeText,
  wholeNumber,
} from '../../engine/index.ts'
import { chosen } from '../samples/chosen.ts'
import type { SampleRow, SampleStatus } from '../samples/ledger-tables.ts'
import { ledgerTables } from '../samples/ledger-tables.ts'
import { openLedger } from '../samples/open-sampler.ts'
import type { OpenedPlatform } from './opened.ts'

const LIMIT = '50'

/** Runs `samples list`. */
export async function runSamplesList(call: CommandCall<OpenedPlatform>): Promise<number> {
  const { terminal } = call
  const { platform, ledgerAt } = await call.open({ sync: false })
  await using ledger = await openLedger(platform, ledgerAt)
  const limit = wholeNumber('--limit', textOption(call, 'limit') ?? LIMIT, 1_000_000)
  const status = textOption(call, 'status')?.toUpperCase() as SampleStatus | undefined
  const prefix = platform.config.staging.prefix.value
  const rows = await chosen(ledger, { prefix, place: textOption(call, 'place'), status }, limit)
  const counts = await countsByStatus(ledger)
  if (call.json) {
    const samples = rows.map((row) => sampleJson(prefix, row))
    terminal.printJson({ format_version: '1.0', counts: Object.fromEntries(counts), samples })
    return EXIT.done
  }
  if (rows.length > 0) printRows(call, rows)
  else if (counts.size > 0) terminal.print('No file is like that')
  else terminal.print('No sample:  tributary samples make')
  const told = [...counts].map(([name, count]) => `${countText(count)} ${name}`)
  if (told.length > 0) terminal.note(told.join(', '))
  return EXIT.done
}

async function countsByStatus({ db }: Pick<Catalog, 'db'>): Promise<ReadonlyMap<string, number>> {
  const rows = await ledgerTables(db)
    .selectFrom('sample')
    .select(['status', ({ fn }) => fn.countAll<number>().as('count')])
    .groupBy('status')
    .orderBy('status')
    .execute()
  return new Map(rows.map(({ status, count }) => [status.toLowerCase(), count]))
}

function printRows({ terminal }: CommandCall<OpenedPlatform>, rows: readonly SampleRow[]): void {
  const right = (title: string) => ({ title, align: 'right' }) as const
  const columns = ['file', 'place', 'status', right('records'), right('bytes'), 'made', 'sample']
  const cells = rows.map((row) => [
    row.raw,
    row.place,
    row.is_raw === 1 ? `${row.status}, not masked` : row.status,
    row.records === null ? '' : countText(row.records),
    row.bytes === null ? '' : countText(row.bytes),
    row.made_ms === null ? '' : timeText(row.made_ms),
    row.status === 'MADE' ? (row.path ?? '') : (row.words ?? ''),
  ])
  terminal.print(alignColumns(columns, cells, terminal.out.dim).join('\n'))
}

/** A sample for programs; paths are absolute. */
export const sampleJson = (prefix: string, row: SampleRow): object => {
  const isThere = row.path !== null && row.made_ms !== null && row.status !== 'PURGED'
  const at = (ms: number | null): string | null => (ms === null ? null : isoText(ms))
  return {
    place: row.place,
    raw: row.raw,
    bronze: row.bronze,
    mtime: row.mtime,
    size: row.size,
    sha256: row.sha256,
    seq: row.seq,
    status: row.status,
    code: row.code,
    words: row.words,
    sample: isThere ? join(prefix, row.place, 'samples', row.path ?? '') : null,
    format: row.format,
    records: row.records,
    bytes: row.bytes,
    read_bytes: row.read_bytes,
    masked: row.is_raw === 0,
    raw_until: at(row.raw_until_ms),
    made_at: at(row.made_ms),
  }
}
