/** The shipped APCD family beside what is published of it. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ColumnSpec } from '../../engine/index.ts'
import { openRegistry } from '../../registry/folder.ts'
import { REPOSITORY } from '../support/road-folder.ts'
import { dataFolder } from '../support/scenario.ts'
import { Bench, codes } from '../table/parsing.ts'

interface SourceColumn {
  readonly name: string
}
const tuva = dataFolder('real/tuva-schema')

describe.runIf(tuva)('beside the published Tuva Input Layer', () => {
  test.each([
    ['medical_claim', 4],
    ['pharmacy_claim', 4],
    ['eligibility', 0],
  ])('%s has its columns in its order, then %i of our own', async (fileType, own) => {
    const text = readFileSync(join(tuva ?? '', 'tuva-input-layer-columns.json'), 'utf8')
    const { tables } = JSON.parse(text) as { tables: Record<string, readonly SourceColumn[]> }
    const { registry } = await openRegistry(REPOSITORY)
    const schema = registry.schemas.find(({ id }) => id === `${fileType}/v1`)
    const names = schema?.columns.map(({ name }) => name) ?? []
    const theirs = (tables[fileType] ?? []).map(({ name }) =>
      name === 'state' ? 'member_state' : name,
    )
    expect(theirs.length).toBeGreaterThan(20)
    expect(names.slice(0, theirs.length)).toEqual(theirs)
    expect(names.length - theirs.length).toBe(own)
  })
})

const apcd = dataFolder('real/apcd-layouts')

test.runIf(apcd)('the medical layout has the published codes, in order and length', async () => {
  const text = readFileSync(join(apcd ?? '', 'tx-apcd-cdl-v2-fields.json'), 'utf8')
  const { medical } = JSON.parse(text) as {
    medical: readonly { code: string; maxLength: number; type: string }[]
  }
  const { registry } = await openRegistry(REPOSITORY)
  const layout = registry.layouts.find(({ id }) => id === 'medical_claim/cdl/v1')
  const columns = layout?.slices.parse.columns ?? []
  expect(columns.map(({ name }) => name)).toEqual(medical.map(({ code }) => code))
  expect(columns).toHaveLength(165)
  const texts = medical.flatMap(({ code, maxLength, type }, at) =>
    type === 'text' && columns[at]?.type === 'string' ? [{ code, maxLength }] : [],
  )
  expect(texts.length).toBeGreaterThan(140)
  expect(
    texts.map(({ code }) => ({
      code,
      maxLength: columns.find(({ name }) => name === code)?.maxLength,
    })),
  ).toEqual(texts)
})

const YEAR_AND_MONTH: Readonly<Record<string, string>> = { CDLME005: '2024', CDLME006: '1' }

describe('a record as wide as its layout allows', () => {
  let bench: Bench
  beforeAll(async () => {
    bench = await Bench.open()
  })
  afterAll(() => bench.close())

  /** The longest text that a column takes. */
  function widest(column: ColumnSpec): string {
    const { type, enum: values, maxLength = 1, precision = 18, scale = 2 } = column
    if (values !== undefined) return values[0] ?? ''
    if (type === 'string') return 'x'.repeat(maxLength)
    if (type === 'date') return '20240131'
    return type === 'decimal' ? `-${'9'.repeat(precision - scale)}.${'9'.repeat(scale)}` : '9999'
  }

  test.each(['medical_claim', 'pharmacy_claim', 'eligibility', 'provider'])(
    '%s: is a row; one character more in any text is a reject that names it',
    async (fileType) => {
      const { registry } = await openRegistry(REPOSITORY)
      const layout = registry.layouts.find(({ id }) => id === `${fileType}/cdl/v1`)
      const spec = layout?.slices.parse
      if (spec === undefined) throw new Error(`no layout of ${fileType}`)
      const cells = spec.columns.map((column) => YEAR_AND_MONTH[column.name] ?? widest(column))
      const limited = spec.columns.flatMap(({ maxLength, enum: values }, at) =>
        maxLength === undefined || values !== undefined ? [] : [at],
      )
      const longer = limited.map((at) =>
        cells.map((cell, index) => (index === at ? `${cell}x` : cell)).join('|'),
      )
      const names = spec.columns.map((column) => column.header ?? column.name).join('|')
      const text = `${[names, cells.join('|'), ...longer].join('\n')}\n`
      const { outcome, rejects } = await bench.parse(text, spec)
      expect(outcome).toMatchObject({ report: { accepted: 1, rejected: limited.length } })
      expect(codes(rejects)).toEqual(
        limited.map((at) => `MAX_LENGTH:${spec.columns[at]?.name ?? ''}`),
      )
      if (fileType === 'medical_claim') expect(cells.join('').length).toBeGreaterThan(1800)
    },
  )
})
