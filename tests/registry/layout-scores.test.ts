/** Which layouts a file comes nearest to. */
import { beforeAll, expect, test } from 'vitest'
import { firstDeliveries } from '../../assets/demo-data.ts'
import type { Layout } from '../../registry/layout.ts'
import { layoutScorer, type LayoutScore, type ScoredFile } from '../../registry/layout-scores.ts'
import { shippedLayouts } from './sampled.ts'

let layouts: readonly Layout[]
let score: (file: ScoredFile) => readonly LayoutScore[]
beforeAll(async () => {
  layouts = await shippedLayouts()
  score = layoutScorer({ layouts, rules: [], submitter: undefined })
})

const headerOf = (id: string): string => {
  const layout = layouts.find((one) => one.id === id)
  return (layout?.slices.route.headerNames ?? []).join(',')
}

test('a file whose name says nothing is told its layout, and at most five', () => {
  for (const { path, text } of firstDeliveries().filter((file) => /^HD[|*]/.test(file.text))) {
    const [best, ...others] = score({ name: 'final_v2.txt', head: Buffer.from(text) })
    const wanted = text.startsWith('HD|') ? 'medical_claim/cdl/v1' : 'medical_claim/star/v1'
    expect([path, best?.layout, best?.isPossible]).toEqual([path, wanted, true])
    expect(best?.why).toMatch(/^matched (\d) of \1 signals: /)
    expect(others).toHaveLength(4)
  }
})

test('a header with a wrong name is nearest to the layout it was meant for, and is told why', () => {
  const header = headerOf('medical/synthea/v1').replace('PATIENT', 'PATEINT')
  const [best] = score({ name: 'x.csv', head: Buffer.from(`${header}\n1\n`) })
  expect(best).toMatchObject({ layout: 'medical/synthea/v1', isPossible: false, matched: 1 })
  expect(best?.why).toContain('the header lacks PATIENT')
  expect(JSON.stringify(best)).not.toContain('PATEINT')
})

test('a table is told by the names of its columns', () => {
  const [best] = score({
    name: 'x.xlsx',
    head: Buffer.from('PK'),
    format: 'xlsx',
    names: headerOf('gpci/xlsx/v1').split(','),
  })
  expect(best?.isPossible).toBe(true)
  expect(headerOf('gpci/xlsx/v1')).toBe(headerOf(best?.layout ?? ''))
})

test('nothing, binary and endless first records have no layout', () => {
  const heads = [Buffer.alloc(0), Buffer.alloc(9000, 0xff), Buffer.from('x'.repeat(70_000))]
  for (const head of heads) {
    expect(score({ name: 'x', head }).filter(({ isPossible }) => isPossible)).toEqual([])
  }
})

test('the same head under another month has the same scores, and no layouts have none', () => {
  const head = Buffer.from(`${headerOf('medical/synthea/v1')}\n`)
  const first = score({ name: 'medical_202401_202401.csv', head })
  expect(score({ name: 'medical_202402_202402.csv', head })).toEqual(first)
  expect(
    layoutScorer({ layouts: [], rules: [], submitter: undefined })({ name: 'x', head }),
  ).toEqual([])
})
