/** Synthetic files: the same seed, the same bytes; sound where nothing is planted; else just that. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { generateFile } from '../../engine/index.ts'
import type { ParseSpec, PlantedDefect } from '../../engine/index.ts'
import { openRegistry } from '../../registry/folder.ts'
import { REPOSITORY } from '../support/road-folder.ts'
import { Bench } from './parsing.ts'

let bench: Bench
beforeAll(async () => {
  bench = await Bench.open(2)
})
afterAll(() => bench.close())

const { registry } = await openRegistry(REPOSITORY)
const LAYOUTS = registry.layouts
  .filter(({ slices: { parse } }) => {
    const { preamble, headerRows, columnCodes } = parse.rows ?? {}
    const isTable = parse.format === 'xlsx' || parse.format === 'parquet'
    return !isTable && !headerRows && !columnCodes && !(preamble && 'until' in preamble)
  })
  .map(({ id, slices }) => [id, slices.parse] as const)

interface How {
  readonly seed?: string
  readonly defects?: number
  readonly rows?: number
  readonly isTest?: boolean
  readonly keys?: readonly (readonly string[])[]
}

function generate(
  spec: ParseSpec,
  { seed = '1', defects = 0, rows = 600, isTest = false, ...how }: How = {},
): { readonly bytes: Buffer; readonly planted: readonly PlantedDefect[] } {
  const control = { submitter: 'SYN', fileType: 'x', layoutVersion: 'v1', isTest }
  const months = ['2024-01', '2024-02', '2024-03']
  const blocks = [...generateFile({ spec, rows, months, seed, defects, control, ...how })]
  return {
    bytes: Buffer.concat(blocks.map((block) => block.bytes)),
    planted: blocks.flatMap((block) => block.planted),
  }
}

test('nearly every layout that ships can be generated, fixed width too', () => {
  expect(LAYOUTS.length).toBeGreaterThan(18)
  expect(LAYOUTS.filter(([, { format }]) => format === 'fixed').length).toBe(4)
})

describe.each(LAYOUTS)('%s', (_, spec) => {
  test('a file without defects is accepted whole, and its counts agree', async () => {
    const { bytes } = generate(spec)
    const { outcome, rejects } = await bench.parse(bytes, spec)
    expect([rejects, outcome.report?.accepted]).toEqual([[], 600])
    const reconciled = outcome.report?.files.flatMap((file) => file.reconciliation) ?? []
    expect(reconciled.filter(({ agrees }) => !agrees)).toEqual([])
  })

  test('what is planted is what is rejected: line, reason, column', async () => {
    const { bytes, planted } = generate(spec, { defects: 0.2 })
    const { rejects } = await bench.parse(bytes, spec)
    const found = rejects.map(({ line, reasons }) => ({
      line,
      ...(reasons.length === 1 ? { kind: reasons[0]?.code, column: reasons[0]?.column } : {}),
    }))
    expect(found).toEqual(planted.map(({ line, kind, column }) => ({ line, kind, column })))
    expect(new Set(planted.map(({ kind }) => kind)).size).toBeGreaterThanOrEqual(7)
  })
})

const [, CDL] = LAYOUTS.find(([id]) => id.startsWith('medical_claim/cdl')) ?? []

test('a seed gives the same bytes, another seed others, and a test says that it is one', () => {
  if (CDL === undefined) throw new Error('no layout medical_claim/cdl')
  const [one, again, other] = ['a', 'a', 'b'].map((seed) => generate(CDL, { seed }).bytes)
  expect(one?.equals(again ?? Buffer.alloc(0))).toBe(true)
  expect(one?.equals(other ?? Buffer.alloc(0))).toBe(false)
  const first = (isTest: boolean) => generate(CDL, { isTest }).bytes.toString().split('\n')[0] ?? ''
  expect([first(true).split('|').includes('T'), first(false).split('|').includes('T')]).toEqual([
    true,
    false,
  ])
})

test('no two rows agree on a key, where a column of it can tell them apart', () => {
  if (CDL === undefined) throw new Error('no layout medical_claim/cdl')
  const keys = [['CDLMC005', 'CDLMC006', 'CDLMC007'], ['CDLMC161']]
  const [header = [], ...records] = generate(CDL, { keys, rows: 2_000 })
    .bytes.toString()
    .split('\n')
    .slice(1)
    .map((line) => line.split('|'))
  const data = records.filter((fields) => fields.length === header.length)
  expect(data.length).toBeGreaterThan(1_900)
  for (const column of ['CDLMC005', 'CDLMC161']) {
    const at = header.indexOf(column)
    expect(new Set(data.map((fields) => fields[at])).size).toBe(data.length)
  }
})
