/** What is masked of real and generated files: by the layout's classes, and by detection alone. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { firstDeliveries } from '../../assets/demo-data.ts'
import type { SampledColumn } from '../../engine/index.ts'
import type { Layout } from '../../registry/layout.ts'
import { columnFacts } from '../../registry/sample-facts.ts'
import { decideMasks, maskColumns, type MaskDecision } from '../../registry/sample-mask.ts'
import { readScenario } from '../support/scenario.ts'
import { columnsOf, generatedColumns, recordsOf, shippedLayouts } from './sampled.ts'

const KEY = Buffer.alloc(32, 7)
let layouts: readonly Layout[]
beforeAll(async () => {
  layouts = await shippedLayouts()
})
const layoutOf = (id: string): Layout => {
  const layout = layouts.find((one) => one.id === id)
  if (layout === undefined) throw new TypeError(`no layout ${id}`)
  return layout
}

const decisions = (columns: readonly SampledColumn[], layout?: Layout): readonly MaskDecision[] =>
  decideMasks(columns.map(columnFacts), layout)

const zeros = (text: string): number => /^0*/.exec(text)?.[0].length ?? 0
const isAllZeros = (text: string): boolean => /^0+$/.test(text)

/** Columns of `classes` by the layout that tell something; named by number, never by a value. */
function survivors(columns: readonly SampledColumn[], layout: Layout): readonly string[] {
  const masks = maskColumns({ key: KEY, submitter: 'north', layout })(columns)
  return decisions(columns, layout).flatMap(({ class: phi, kind, by }, at) => {
    const column = columns[at]
    if (column === undefined || by !== 'layout' || phi === 'none') return []
    const mask = masks[at] ?? ((text: string) => text)
    const texts = column.texts.flatMap((text) => (text === null || text === '' ? [] : [text]))
    const originals = new Set(texts)
    const isExhausted = originals.size >= 9 && texts.some((text) => text.length === 1)
    const faults = texts.flatMap((text) => {
      const own = mask(text)
      const survives = kind === 'date' || isExhausted ? own === text : originals.has(own)
      const sameLength = Array.from(own).length === Array.from(text).length
      const sameZeros = kind !== 'token' || isAllZeros(text) || zeros(own) === zeros(text)
      return [
        ...(survives ? ['a value survives'] : []),
        ...(sameLength ? [] : ['a length differs']),
        ...(sameZeros ? [] : ['leading zeros differ']),
      ]
    })
    return [...new Set(faults)].map((fault) => `column ${at + 1} (${phi}, ${kind}): ${fault}`)
  })
}

/** Columns that the layout calls direct and detection leaves. */
const undetected = (columns: readonly SampledColumn[], layout: Layout): readonly string[] => {
  const bare = columns.map((column) => ({ ...column, name: undefined }))
  return [columns, bare].flatMap((own) => {
    const found = decisions(own)
    return decisions(columns, layout).flatMap(({ class: phi }, at) => {
      const isFilled = own[at]?.texts.some((text) => text !== null && text !== '') === true
      const isLeft = phi === 'direct' && isFilled && found[at]?.kind === 'kept'
      return isLeft ? [`column ${at + 1}`] : []
    })
  })
}

describe('no value of a personal column survives, lengths and leading zeros do', () => {
  test('in the demo; detection alone finds the direct columns', () => {
    const claims = firstDeliveries().filter(({ text }) => /^HD[|*]/.test(text))
    expect(claims.length).toBeGreaterThan(10)
    for (const { path, text } of claims) {
      const isCdl = text.startsWith('HD|')
      const layout = layoutOf(isCdl ? 'medical_claim/cdl/v1' : 'medical_claim/star/v1')
      const all = recordsOf(Buffer.from(text), layout).slice(1, -1)
      const columns = isCdl ? columnsOf(all.slice(1), all[0]) : columnsOf(all)
      expect([path, survivors(columns, layout)]).toEqual([path, []])
      expect([path, undetected(columns, layout)]).toEqual([path, []])
    }
  })

  test('in the scenario of nine submitters; detection alone finds the direct columns', (context) => {
    const scenario = readScenario()
    if (scenario === undefined) return context.skip()
    const wave = scenario.submissions.filter(({ wave: number }) => number === 1)
    for (const { submission, file_type: fileType } of wave) {
      const year = submission.slice(-4)
      const name = `${fileType}_${year}01_${year}12.csv`
      const layout = layoutOf(`${fileType}/synthea/v1`)
      const bytes = readFileSync(join(scenario.folder, 'wave1/inbox', submission, name))
      const records = recordsOf(bytes, layout)
      const columns = columnsOf(records.slice(1, 101), records[0])
      expect([submission, survivors(columns, layout)]).toEqual([submission, []])
      expect([submission, undetected(columns, layout)]).toEqual([submission, []])
    }
  })

  test('in generated files of every layout that is written as text', () => {
    const textual = layouts.filter(
      ({ slices: { parse, phi } }) => parse.format === undefined && Object.keys(phi).length > 0,
    )
    expect(textual.length).toBeGreaterThan(8)
    for (const layout of textual) {
      const columns = generatedColumns(layout, 60)
      expect([layout.id, survivors(columns, layout)]).toEqual([layout.id, []])
      expect([layout.id, undetected(columns, layout)]).toEqual([layout.id, []])
    }
  })
})

const column = (name: string | undefined, texts: readonly (string | null)[]): SampledColumn => ({
  name,
  texts,
  type: 'text',
})
const detected = (name: string | undefined, texts: readonly (string | null)[]): string => {
  const [found] = decisions([column(name, texts)])
  return `${found?.class} ${found?.kind} ${found?.by}`
}
const times = (count: number, ...texts: string[]): string[] =>
  texts.flatMap((text) => Array.from({ length: count }, () => text))

describe('without a layout', () => {
  test.for<readonly [string, string | undefined, readonly string[], string]>([
    ['a name that says so', 'Member_ID', ['1', '2'], 'direct token name'],
    ['a path ends in the name', 'patient.address', ['1 Main St'], 'direct token name'],
    ['a birth date', 'dob', ['01/02/1990'], 'quasi date name'],
    ['dates', 'seen', ['20240102', '20240103'], 'quasi date content'],
    ['some moments', undefined, ['2024-01-02T03:04:05+01:00', ''], 'quasi date content'],
    ['mail addresses', 'contact', ['jane@example.test'], 'direct token content'],
    ['telephone numbers', undefined, ['(555) 010-0199'], 'direct token content'],
    ['nine digits', undefined, ['999-00-1234'], 'direct token content'],
    ['long numbers, though repeated', undefined, times(9, '123456'), 'direct token content'],
    ['mixed identifiers', undefined, times(9, 'AB12'), 'direct token content'],
    ['names, though repeated', undefined, times(9, 'Smith'), 'direct token content'],
    ['free text', 'note', ['was seen twice here'], 'direct drop content'],
    ['two words of health', 'diagnosis text', ['Lyme disease'], 'sensitive drop name'],
    ['amounts under another name', 'x1', ['10.50', '7.25'], 'direct token content'],
    ['numbers of four digits, though repeated', 'x', times(9, '8812'), 'direct token content'],
    [
      'many short codes',
      'x',
      times(9, ...'A B C D E F G H I J K'.split(' ')),
      'direct token content',
    ],
    ['codes of few records', 'kind', [...times(9, 'A1'), '07', '123'], 'direct token content'],
  ])('%s are masked', ([, name, texts, expected]) => {
    expect(detected(name, texts)).toBe(expected)
  })

  test.each([
    ['amounts under a name that says so', 'paid_amount', ['10.50', '7']],
    ['repeated short codes', undefined, times(5, 'MC', '45')],
    ['words of truth', undefined, ['Y', 'N', 'true']],
    ['numbers of two digits', 'line', ['1', '22', '-3']],
    ['nothing', 'spare', ['', null, ' ']],
  ])('%s stay', (_, name, texts) => {
    expect(detected(name, texts)).toBe('none kept content')
  })
})

describe('with a layout', () => {
  test('names are matched without case, blanks and byte order mark; the unknown are detected', () => {
    const names = ['\ufeffstart', ' PATIENT ', 'Code', 'Id', 'EXTRA']
    const wanted = layoutOf('medical/synthea/v1').slices.parse.columns.map(({ name }) => name)
    const all = [...names, ...wanted.filter((name) => !/^(START|PATIENT|CODE|Id)$/.test(name))]
    const columns = all.map((name) => column(name, ['2024-01-02T03:04:05Z']))
    const found = decisions(columns, layoutOf('medical/synthea/v1')).slice(0, 5)
    expect(found.map(({ class: phi, by }) => `${phi} ${by}`)).toEqual([
      'quasi layout',
      'direct layout',
      'sensitive layout',
      'quasi content',
      'quasi content',
    ])
  })

  test('records of another length: what is personal there is masked, the rest detected', () => {
    const layout = layoutOf('medical_claim/star/v1')
    const whole = generatedColumns(layout, 40)
    const by = (columns: readonly SampledColumn[]) =>
      decisions(columns, layout).map((one) => `${one.class} ${one.by}`)
    expect(by(whole)).toContain('none layout')
    const texts = whole[0]?.texts.map(() => 'M0000123') ?? []
    const longer = by([...whole, column(undefined, texts)])
    expect(longer).not.toContain('none layout')
    expect(longer.filter((one) => one.endsWith('layout'))).toEqual(
      by(whole).filter((one) => one.endsWith('layout') && !one.startsWith('none')),
    )
    expect(longer).toContain('direct content')
  })
})
