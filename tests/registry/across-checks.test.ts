/** Rules across files and months as a registry has them: what is read across, and what is refused. */
import { describe, expect, test } from 'vitest'
import { crossNeeds, readAcross } from '../../registry/cross-reads.ts'
import { readRegistry } from '../../registry/read.ts'
import { LAYOUT, RULES, sampleFiles, sampleText } from './sample-registry.ts'

describe('a registry with such rules', () => {
  const ROSTERS = 'registry/layouts/rosters/clinic.json'
  const read = (rule: object | readonly object[], rosters = sampleText(LAYOUT)) =>
    readRegistry(
      sampleFiles({
        [ROSTERS]: rosters,
        [RULES]: JSON.stringify({
          rules: [rule]
            .flat()
            .map((one) => ({ severity: 'SOFT', threshold: { count: 0 }, ...one })),
        }),
      }).filter(({ path }) => !path.includes('variances')),
    )
  const params = { columns: ['visit'], in: { fileType: 'rosters', columns: ['visit'] } }
  const lookUp = { id: 'known', kind: 'CROSS_FILE', params }

  test('says which file types are read across', () => {
    const { registry } = read(lookUp)
    expect(readAcross(registry?.ruleSets ?? [])).toEqual(['rosters'])
    expect(crossNeeds(registry?.ruleSets[0]?.measure ?? [])).toEqual({
      files: { rosters: 0 },
      historyMonths: 0,
    })
    const trend = { id: 't', kind: 'TREND', params: { figure: 'rows', within: 1 } }
    expect(readAcross(read(trend).registry?.ruleSets ?? [])).toEqual(['visits'])
  })

  test.for([
    [
      'an unknown file type',
      { ...params, in: { fileType: 'roster', columns: ['visit'] } },
      'no file type "roster"; did you mean rosters?',
    ],
    [
      'an unknown column there',
      { ...params, in: { fileType: 'rosters', columns: ['visi'] } },
      'no column of rosters "visi"; did you mean visit?',
    ],
    [
      'an unknown column here',
      { ...params, columns: ['visi'] },
      'no column "visi"; did you mean visit?',
    ],
    [
      'columns of two kinds',
      { ...params, columns: ['paid'] },
      'not of the same type as this column',
    ],
    [
      'more columns than there',
      { ...params, columns: ['visit', 'code'] },
      '2 columns cannot be found in 1',
    ],
    ['a look too far back', { ...params, backMonths: 13 }, '12'],
  ] as const)('%s is refused where it stands', ([, wrong, text]) => {
    const { issues } = read({ ...lookUp, params: wrong })
    const [issue] = issues.filter(({ kind }) => kind !== 'warning')
    expect(issue?.text).toContain(text)
    expect(issue?.file).toBe(RULES)
  })

  test.for([
    [
      'the sum of texts',
      { figure: 'sum', column: 'code', within: 1 },
      'only a column of numbers has a sum',
    ],
    ['rows of a column', { figure: 'rows', column: 'code', within: 1 }, 'rows have no column'],
    ['a sum of nothing', { figure: 'sum', within: 1 }, 'of which column is the sum?'],
    [
      'a share per something',
      { figure: 'filled', column: 'code', per: 'visit', within: 1 },
      'a share is per row already',
    ],
  ] as const)('%s is refused', ([, wrong, text]) => {
    const { issues } = read({ id: 't', kind: 'TREND', params: wrong })
    expect(
      issues
        .filter(({ kind }) => kind !== 'warning')
        .map((issue) => issue.text)
        .join(),
    ).toContain(text)
  })

  const errorsOf = ({ issues }: ReturnType<typeof read>) =>
    issues.filter(({ kind }) => kind !== 'warning').map(({ text }) => text)

  test('a key is looked up in a column of its own type and scale: 5 is not 5.00 as text', () => {
    const paid = {
      ...lookUp,
      params: { columns: ['paid'], in: { ...params.in, columns: ['paid'] } },
    }
    expect(errorsOf(read(paid))).toEqual([])
    const finer = sampleText(LAYOUT).replace(/"scale": 2/, '"scale": 4')
    expect(finer).not.toBe(sampleText(LAYOUT))
    expect(errorsOf(read(paid, finer))).toEqual([
      expect.stringContaining('not of the same type as this column in rosters/clinic'),
    ])
  })

  test('a column that is not here is told once', () => {
    expect(errorsOf(read({ ...lookUp, params: { ...params, columns: ['visi'] } }))).toHaveLength(1)
  })

  test('20 rules of a kind are read, and 21 are one too many', () => {
    const many = (count: number) =>
      Array.from({ length: count }, (_, at) => ({ ...lookUp, id: `known_${at}` }))
    expect(errorsOf(read(many(20)))).toEqual([])
    expect(errorsOf(read(many(21)))).toEqual([
      expect.stringContaining('a rule set has at most 20 rules of kind CROSS_FILE'),
    ])
  })

  test('a set looks into 5 other file types, and not into a sixth', () => {
    const types = Array.from({ length: 6 }, (_, at) => ({
      ...lookUp,
      id: `known_${at}`,
      params: { ...params, in: { fileType: `rosters_${at}`, columns: ['visit'] } },
    }))
    const limit = expect.stringContaining('look into at most 5 other file types')
    expect(errorsOf(read(types.slice(0, 5)))).not.toContainEqual(limit)
    expect(errorsOf(read(types))).toEqual([limit])
  })
})
