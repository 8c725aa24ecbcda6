/** The 327 data files that frictionless-py is tested with, each as a delivered file. */
import { readdir, readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ParseOutcome } from '../../engine/index.ts'
import type { ParseSpec } from '../../engine/table/spec.ts'
import { askTable } from '../../engine/table/table-process.ts'
import { dataFolder } from '../support/scenario.ts'
import { anyLayout } from './any-layout.ts'
import { expectConservation } from './conservation.ts'
import { Bench } from './parsing.ts'

let bench: Bench
beforeAll(async () => {
  bench = await Bench.open()
})
afterAll(() => bench.close())

/** Fields that a layout may have, as registry/layout.ts says. */
const FIELDS_MAX = 2000

/** The text that is read of a file; null for a package, whose members are its content. */
function contentOf(bytes: Buffer): Buffer | null {
  if (bytes.subarray(0, 4).equals(Buffer.from('PK\u0003\u0004'))) return null
  return bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes) : bytes
}

/** A layout of text columns, as many as the first row of a workbook's first sheet has. */
async function sheetLayout(path: string): Promise<ParseSpec> {
  const request = { task: 'rows' as const, path, sheet: undefined, rowsMax: 1000, cellsMax: 2000 }
  const found = await askTable(request)
  if ('fault' in found) throw new Error(`${basename(path)}: ${found.what}`)
  const cells = found.rows[0]?.cells ?? ['']
  return anyLayout(Buffer.from(cells.map((_, at) => `c${at}`).join(',')), ',')
}

test('327 files of every kind: none is a crash, and each keeps its records', async (context) => {
  const folder = dataFolder('suites/frictionless/data')
  if (folder === undefined) {
    return context.skip('the folder ../shared/data is not beside this clone')
  }
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const paths = entries.filter((entry) => entry.isFile()).map((e) => join(e.parentPath, e.name))
  expect(paths.length).toBe(327)
  const tooWide: string[] = []
  const ends: Record<string, number> = {}
  const workbooks: Record<string, number> = {}
  const add = (counts: Record<string, number>, { kind, ...failed }: ParseOutcome): void => {
    const end = 'code' in failed ? failed.code : kind
    counts[end] = (counts[end] ?? 0) + 1
    if ('detail' in failed) expect(failed.detail).not.toBe('')
  }
  for (const path of paths) {
    const bytes = await readFile(path)
    const content = contentOf(bytes)
    const layout = anyLayout(content ?? bytes, ',')
    if (layout.columns.length > FIELDS_MAX) {
      tooWide.push(basename(path))
      continue
    }
    const parsed = await bench.parse(bytes, layout)
    const { outcome } = parsed
    if (outcome.report !== undefined) expectConservation(content, parsed)
    add(ends, outcome)
    if (outcome.kind === 'parsed' || outcome.code !== 'FORMAT_DIFFERS') continue
    const sheet = await bench.parse(bytes, { ...(await sheetLayout(path)), format: 'xlsx' })
    if (sheet.outcome.report !== undefined) expectConservation(null, sheet)
    add(workbooks, sheet.outcome)
  }
  expect(tooWide).toEqual(['wide.csv'])
  // workbooks, archives of several files; texts of other alphabets and single lines
  expect(ends).toEqual({
    parsed: 285,
    FORMAT_DIFFERS: 19,
    PACKAGE_MEMBERS: 6,
    NOTHING_ACCEPTED: 16,
  })
  // five begin with a title or with names over two rows, which are other fields than their data
  expect(workbooks).toEqual({ parsed: 14, NOTHING_ACCEPTED: 5 })
})
