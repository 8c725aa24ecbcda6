import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isEngineError } from '../../engine/index.ts'
import { matches, parseSelection } from '../../engine/core/selection.ts'

const pieces = fc.constantFrom(
  'gold',
  'tag:phi',
  'kind:stored',
  '*',
  '+',
  '2+',
  '+1',
  '(',
  ')',
  ' and ',
  ' or ',
  ', ',
  'not ',
  '/CO/medical',
  '[state=CO]',
  '[a>=1,b!=2*]',
  '[',
  ']',
  '=',
  '/',
  ' ',
  '\n',
  '99999999999999999999+',
  '%',
  'é',
  '[[',
  'tag:',
  ':',
)
const hostile = fc.oneof(
  fc.array(pieces, { maxLength: 12 }).map((list) => list.join('')),
  fc.string({ maxLength: 40 }),
  fc.string({ maxLength: 20, unit: 'binary' }),
)

test('any text parses, or is refused with a place inside it', () => {
  fc.assert(
    fc.property(hostile, (text) => {
      try {
        parseSelection(text)
      } catch (error) {
        expect(isEngineError(error) && error.code).toBe('SELECTION_SYNTAX')
        const { column } = (error as { context: { column: number } }).context
        expect(column).toBeGreaterThanOrEqual(1)
        expect(column).toBeLessThanOrEqual(text.length + 1)
      }
    }),
    { numRuns: 5_000 },
  )
})

test('a very long and a very deep selection are refused quickly', () => {
  for (const text of [
    '('.repeat(9_000),
    'not '.repeat(2_000),
    'a'.repeat(20_000),
    `${'a/'.repeat(4_000)}[`,
  ]) {
    expect(() => parseSelection(text)).toThrow(/selection/)
  }
})

const asset = (name: string, more = {}) => ({
  type: 'asset',
  asset: name,
  predicates: [],
  prefix: [],
  column: 1,
  ...more,
})

test('the forms of the grammar mean what its table says', () => {
  expect(parseSelection('gold')).toEqual(asset('gold'))
  expect(parseSelection('gold/CO/medical')).toEqual(asset('gold', { prefix: ['CO', 'medical'] }))
  expect(parseSelection('+gold')).toEqual({
    type: 'spread',
    of: asset('gold', { column: 2 }),
    up: Infinity,
    down: 0,
  })
  expect(parseSelection('2+gold+1')).toEqual({
    type: 'spread',
    of: asset('gold', { column: 3 }),
    up: 2,
    down: 1,
  })
  expect(parseSelection('gold+')).toEqual({
    type: 'spread',
    of: asset('gold'),
    up: 0,
    down: Infinity,
  })
  expect(parseSelection('tag:phi')).toEqual({ type: 'tag', value: 'phi' })
  expect(parseSelection('kind:stored')).toEqual({ type: 'kind', value: 'stored' })
  expect(parseSelection('*')).toEqual({ type: 'all' })
  expect(parseSelection('gold[m>=2024-01, s=CO]')).toEqual(
    asset('gold', {
      predicates: [
        { dimension: 'm', operator: '>=', value: '2024-01', column: 6 },
        { dimension: 's', operator: '=', value: 'CO', column: 17 },
      ],
    }),
  )
})

test('and binds closer than or, not closer than both; a comma is an or', () => {
  const [a, b, c] = [asset('a'), asset('b'), asset('c')]
  const shape = (text: string): unknown =>
    JSON.parse(
      JSON.stringify(parseSelection(text), (name, value: unknown) =>
        name === 'column' ? 1 : value,
      ),
    )
  expect(shape('a or b and not c')).toEqual({
    type: 'or',
    of: [a, { type: 'and', of: [b, { type: 'not', of: c }] }],
  })
  expect(shape('(a, b) and c')).toEqual({ type: 'and', of: [{ type: 'or', of: [a, b] }, c] })
})

test('what is wrong is said with its column', () => {
  const column = (text: string): number | undefined => {
    try {
      parseSelection(text)
      return undefined
    } catch (error) {
      return (error as { context: { column: number } }).context.column
    }
  }
  expect(column('')).toBe(1)
  expect(column('a and')).toBe(6)
  expect(column('a b')).toBe(3)
  expect(column('(a')).toBe(3)
  expect(column('a[x]')).toBe(3)
  expect(column('a[x=1,y]')).toBe(7)
  expect(column('a ; b')).toBe(3)
})

test('a star in a predicate stands for any text, and only there', () => {
  const like = (value: string, actual: string): boolean =>
    matches({ dimension: 'd', operator: '=', value, column: 1 }, actual)
  expect(like('a*c', 'abc')).toBe(true)
  expect(like('a*c', 'ac')).toBe(true)
  expect(like('*b*', 'abc')).toBe(true)
  expect(like('a*a', 'a')).toBe(false)
  expect(like('a.c', 'abc')).toBe(false)
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom('a', 'b', '*'), { maxLength: 8 }),
      fc.array(fc.constantFrom('a', 'b'), { maxLength: 8 }),
      (pattern, text) => {
        const expression = new RegExp(`^${pattern.join('').replaceAll('*', '.*')}$`)
        expect(like(pattern.join(''), text.join(''))).toBe(expression.test(text.join('')))
      },
    ),
    { numRuns: 2_000 },
  )
})
