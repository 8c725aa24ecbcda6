/**
 * Parquet files of other programs, as drops: apache/parquet-testing (sound, odd, damaged, encrypted)
 * and the rows that hyparquet expects. Each is read whole or refused with a code; nothing else.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { askTable, type DuckRow } from '../../engine/index.ts'
import type { TableReplies } from '../../engine/table/table-protocol.ts'
import { dataFolder } from '../support/scenario.ts'
import { Bench, column, parseSpec } from './parsing.ts'

const suites = dataFolder('suites') ?? ''
const FOLDERS = [
  'parquet-testing/data',
  'parquet-testing/data/geospatial',
  'parquet-testing/data/aes256',
  'hyparquet-expected',
]
const files =
  suites === ''
    ? []
    : FOLDERS.flatMap((folder) => {
        const names = readdirSync(join(suites, folder)).filter((name) =>
          /[.]parquet([.]encrypted)?$/.test(name),
        )
        return names.map((name) => join(folder, name))
      })

/** Refused, by code and name, whichever folder they lie in. */
const REFUSED: Readonly<Record<string, string>> = {
  // damaged
  'datapage_v1-corrupt-checksum.parquet': 'TABLE_CORRUPT',
  'rle-dict-uncompressed-corrupt-checksum.parquet': 'TABLE_CORRUPT',
  'nation.dict-malformed.parquet': 'TABLE_CORRUPT', // a page reaches beyond its column
  'repeated_no_annotation.parquet': 'TABLE_CORRUPT', // its footer counts no rows, and there are six
  'dict-page-offset-zero.parquet': 'TABLE_CORRUPT', // a list of the footer has another type
  'strings.parquet': 'TABLE_CORRUPT', // so has this
  // written in a way that is not read
  'byte_stream_split_extended.gzip.parquet': 'TABLE_CORRUPT', // BYTE_STREAM_SPLIT of integers
  'hadoop_lz4_compressed.parquet': 'TABLE_CORRUPT', // the LZ4 that the format has given up
  'hadoop_lz4_compressed_larger.parquet': 'TABLE_CORRUPT',
  'non_hadoop_lz4_compressed.parquet': 'TABLE_CORRUPT',
  'map_no_value.parquet': 'TABLE_CORRUPT', // maps without values
  'large_string_map.brotli.parquet': 'TOO_LARGE', // a page of over 2 GB
  'shredded-bool.parquet': 'TABLE_CORRUPT', // a VARIANT, as all that are called so
}

/** Rows that cannot be text: they hold NUL bytes, and are rejects. */
const REJECTED: Readonly<Record<string, number>> = {
  'binary.parquet': 1,
  'fixed_length_byte_array.parquet': 460,
}
/** Read soundly, and shown otherwise than hyparquet shows it. */
const OTHERWISE = new Set([
  'geospatial.parquet', // geometries are well-known text
  'geoparquet.parquet',
  'nested_structs.rust.parquet', // a year past 9999
  'issue23.parquet', // bytes in a structure: `\\x0D`
])

const isRefused = (name: string): boolean =>
  Object.hasOwn(REFUSED, name) || name.endsWith('.encrypted') || name.startsWith('shredded-')

let bench: Bench
beforeAll(async () => {
  bench = await Bench.open()
})
afterAll(() => bench.close())

async function footerOf(path: string): Promise<TableReplies['footer']> {
  const footer = await askTable({ task: 'footer', path, pages: false })
  return 'columns' in footer ? footer : { columns: ['none'], rows: 0 }
}

async function parsed(file: string) {
  const path = join(suites, file)
  const footer = await footerOf(path)
  const columns = footer.columns.map((header, at) => column(`c${at}`, 'string', { header }))
  const dialect = { delimiter: ',', quoteChar: '"', header: true } as const
  const spec = parseSpec(dialect, { format: 'parquet', control: [], columns })
  return { footer, ...(await bench.parse(readFileSync(path), spec)) }
}

type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json }

const MOMENT = /^-?\d{4,6}-\d\d-\d\d(?:[T ][\d:.]+Z?)?$/
const instant = (text: string): number =>
  Date.parse(text.endsWith('Z') || text.length === 10 ? text : `${text}Z`)

/** Without nulls and empty lists, which the one writes and the other leaves out; members sorted. */
function plain(value: Json): unknown {
  if (Array.isArray(value)) return value.map((one: Json) => plain(one))
  if (typeof value === 'string' && MOMENT.test(value)) return instant(value)
  if (value === null || typeof value !== 'object') return value
  const members = Object.entries(value).filter(
    ([, one]) => one !== null && !(Array.isArray(one) && one.length === 0),
  )
  return Object.fromEntries(
    members.toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([name, one]) => [name, plain(one)]),
  )
}

/** Whether a text is the value; JSON has neither NaN nor the last digits of large integers. */
function isSame(text: string | null, value: Json | undefined): boolean {
  if (value === null || value === undefined || value === '')
    return text === null || text === 'nan' || text === '[]'
  if (text === null) return false
  if (typeof value === 'boolean') return text === String(value)
  if (typeof value === 'number')
    return Number(text) === value || Math.fround(Number(text)) === value
  if (typeof value === 'string')
    return text === value || (MOMENT.test(value) && instant(text) === instant(value))
  try {
    return JSON.stringify(plain(JSON.parse(text) as Json)) === JSON.stringify(plain(value))
  } catch {
    return false
  }
}

function differing(
  rows: readonly DuckRow[],
  wanted: readonly Json[],
  headers: readonly string[],
): string[] {
  return wanted.flatMap((row, at) =>
    headers.flatMap((header, place) => {
      const value = Array.isArray(row) ? row[place] : (row as Record<string, Json>)[header]
      const text = rows[at]?.[`c${place}`] ?? null
      return isSame(text === null ? null : String(text), value)
        ? []
        : [`row ${at}, column ${place}`]
    }),
  )
}

test.for(files)('%s is read whole, or refused with a code', async (file) => {
  const name = basename(file)
  const { outcome, rows, footer } = await parsed(file)
  if (outcome.kind === 'failed') {
    expect([outcome.code, isRefused(name)]).toEqual([REFUSED[name] ?? expect.any(String), true])
    expect(['TABLE_CORRUPT', 'TABLE_ENCRYPTED', 'FORMAT_DIFFERS', 'TOO_LARGE']).toContain(
      outcome.code,
    )
    return
  }
  expect(isRefused(name)).toBe(false)
  const { accepted, rejected } = outcome.report
  expect([accepted + rejected, rejected]).toEqual([footer.rows, REJECTED[name] ?? 0])
  const expected = join(suites, 'hyparquet-expected', name.replace(/[.]parquet$/, '.json'))
  if (!existsSync(expected) || OTHERWISE.has(name)) return
  const wanted = JSON.parse(readFileSync(expected, 'utf8')) as readonly Json[]
  expect(rows).toHaveLength(wanted.length)
  expect(differing(rows, wanted, footer.columns)).toEqual([])
})

test.runIf(suites !== '')('every file that is named here is there', () => {
  const there = new Set(files.map((file) => basename(file)))
  expect(
    [...Object.keys(REFUSED), ...Object.keys(REJECTED), ...OTHERWISE].filter(
      (name) => !there.has(name),
    ),
  ).toEqual([])
})
