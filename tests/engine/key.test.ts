import fc from 'fast-check'
import { expect, test } from 'vitest'
import { compareText, formatKey, nodeTextNamed, parseKey } from '../../engine/index.ts'
import { errorCode } from '../support/error-code.ts'

const value = fc.oneof(
  fc.string({ minLength: 1, maxLength: 12 }),
  fc.string({ minLength: 1, maxLength: 12, unit: 'grapheme' }),
  fc.constantFrom('.', '..', '/', '%', '%2F', 'a/b', "it's", 'é', '\u0000', '[', ']', '*'),
)

test('a key survives its text form, and the text form survives a key', () => {
  fc.assert(
    fc.property(fc.array(value, { maxLength: 4 }), (key) => {
      const text = formatKey(key)
      expect(parseKey(text)).toEqual(key)
      expect(formatKey(parseKey(text))).toBe(text)
    }),
    { numRuns: 2_000 },
  )
})

test('a text form holds no character that a path, a selection or a listing could take for its own', () => {
  fc.assert(
    fc.property(fc.array(value, { minLength: 1, maxLength: 4 }), (key) => {
      const segments = formatKey(key).split('/')
      expect(segments).toHaveLength(key.length)
      for (const segment of segments) {
        expect(segment).toMatch(/^[A-Za-z0-9_.~%-]+$/)
        expect(segment).not.toMatch(/^\.\.?$/)
      }
    }),
  )
})

test('a text with a broken encoding is read as it stands, and is no key’s text', () => {
  for (const text of ['%', 'a/%c0%ae', '%zz/b']) {
    expect(parseKey(text)).toEqual(text.split('/'))
    expect(formatKey(parseKey(text))).not.toBe(text)
  }
})

test('different keys have different texts', () => {
  fc.assert(
    fc.property(
      fc.array(value, { maxLength: 3 }),
      fc.array(value, { maxLength: 3 }),
      (one, two) => {
        expect(formatKey(one) === formatKey(two)).toBe(JSON.stringify(one) === JSON.stringify(two))
      },
    ),
  )
})

test('an empty value, a lone surrogate and a text over 512 bytes are refused', () => {
  expect(errorCode(() => formatKey(['a', '']))).toBe('KEY_INVALID')
  expect(errorCode(() => formatKey(['\ud800']))).toBe('KEY_INVALID')
  expect(errorCode(() => formatKey(['a'.repeat(513)]))).toBe('KEY_INVALID')
  expect(formatKey(['a'.repeat(512)])).toHaveLength(512)
})

test('keys sort by code unit, as both databases do', () => {
  expect(['b', 'B', 'a', 'ä', '_', '1'].toSorted(compareText)).toEqual([
    '1',
    'B',
    '_',
    'a',
    'b',
    'ä',
  ])
})

test('a node is shown with its dimensions by name', () => {
  const node = { asset: 'gold', key: formatKey(['MA', 'a b']) }
  expect(nodeTextNamed(node, ['state', 'type'])).toBe('gold[state=MA,type=a b]')
})
