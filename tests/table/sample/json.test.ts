/** Samples of JSON and JSON lines hold values as they are written. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { plainName } from '../../../engine/table/sample/hidden-text.ts'
import { READ_BYTES_MAX, sampleBytes } from './sampling.ts'

const seed = 20240229
const reasonOf = ({ bytes }: { readonly bytes: Buffer }): unknown =>
  (JSON.parse(bytes.toString()) as { reason?: unknown }).reason

/** A list, each element written in its own way, and what JSON.parse makes of it. */
// a name that looks like data would be hidden
const written = fc
  .array(fc.tuple(fc.jsonValue({ maxDepth: 3 }), fc.constantFrom(undefined, 1, '\t')), {
    maxLength: 12,
  })
  .map((elements) => elements.map(([value, indent]) => JSON.stringify(value, null, indent)))
  .filter((elements) => !elements.some((element) => /@|\d{2}/.test(element)))

/** Every name and text of a JSON text. */
const namesIn = (text: string): string[] =>
  Array.from(text.matchAll(/"(?:[^"\\]|\\.)*"/g), ([token]) => plainName(String(JSON.parse(token))))

test('the first elements of a list are there byte for byte', async () => {
  await fc.assert(
    fc.asyncProperty(written, fc.integer({ min: 1, max: 8 }), async (elements, records) => {
      const bytes = Buffer.from(` [ ${elements.join(' ,\n')} ]\n`)
      const sample = await sampleBytes('x.json', bytes, { records })
      const first = elements.slice(0, records)
      const isWhole = elements.length <= records
      expect([sample.format, sample.records, sample.isWhole]).toEqual([
        'json',
        first.length,
        isWhole,
      ])
      expect(sample.bytes.toString()).toBe(
        isWhole ? bytes.toString() : `[\n${first.join(',\n')}\n]\n`,
      )
    }),
    { numRuns: 200, seed },
  )
})

test('a mask that changes nothing leaves every element as it is written', async () => {
  await fc.assert(
    fc.asyncProperty(written, async (elements) => {
      const same = (text: string): string => text
      const mask = Object.assign(
        (columns: readonly unknown[]) => columns.map((_, at) => (at % 2 ? null : same)),
        { ownNames: new Set(elements.flatMap(namesIn)) },
      )
      const lines = elements.map((element) => element.replaceAll(/[\n\t]/g, ' '))
      const bytes = Buffer.from(
        lines.map((line) => `{"a":${line.replaceAll(/true/g, 'false')}}\n`).join(''),
      )
      const sample = await sampleBytes('x.jsonl', bytes, { mask })
      expect(sample.bytes).toEqual(bytes)
      expect(sample.records).toBe(lines.length)
    }),
    { numRuns: 200, seed },
  )
})

test('what a mask gives stands in the place of a value, at any depth, and stays of its type', async () => {
  const bytes = Buffer.from(
    '[{"id": 7, "name": "A\\"b", "address": {"zip": ["02118", "02119"], "x": null}, "dead": true, "sum": 12.50}]',
  )
  const { bytes: out, columns } = await sampleBytes('x.json', bytes, {
    mask: (found) =>
      found.map(
        ({ type }) =>
          (text) =>
            type === 'number' ? 'no' : `<${text}>`,
      ),
  })
  expect(out.toString()).toBe(
    '[\n{"id": 1, "name": "<A\\"b>", "address": {"zip": ["<02118>", "<02119>"], "x": null}, "dead": false, "sum": 11.11}\n]\n',
  )
  expect(columns.map(({ name, type, texts }) => [name, type, texts])).toEqual([
    ['id', 'number', ['7']],
    ['name', 'text', ['A"b']],
    ['address.zip', 'text', ['02118', '02119']],
    ['address.x', 'text', [null]],
    ['dead', 'boolean', ['true']],
    ['sum', 'number', ['12.50']],
  ])
})

test('a name of a member that looks like data is hidden, masked or told of', async () => {
  const bytes = Buffer.from('{"900-11-2233": {"paid": 1}}\n{"x": \n')
  const { bytes: out, columns } = await sampleBytes('x.jsonl', bytes, { mask: () => [null] })
  expect(out.toString()).toBe('{"000-00-0000": {"paid": 1}}\n{"x": \n')
  expect(columns.map(({ name }) => name)).toEqual(['000-00-0000.paid'])
})

test('a line that is no JSON keeps its shape alone when something is masked', async () => {
  const bytes = Buffer.from('{"a":"Q"}\n{"a":"Ann 19"\n')
  const { bytes: out } = await sampleBytes('x.jsonl', bytes, { mask: () => [null] })
  expect(out.toString()).toBe('{"a":"Q"}\n{"x":"Xxx 00"\n')
})

test('lines that are no JSON, and those with other members than most, are the rejects', async () => {
  const lines = ['{"a":1,"b":2}', '{"a":1,"b":2}', '{"a":1}', '{"a":', '{"a":1,"b":3}']
  const sample = await sampleBytes('x.jsonl', Buffer.from(lines.join('\n')), {
    strategy: 'rejects',
  })
  expect(sample.bytes.toString()).toBe('{"a":1}\n{"a":\n')
})

describe('what is no list', () => {
  test('an object is shown whole', async () => {
    const sample = await sampleBytes('x.json', Buffer.from('\ufeff{"a": [1, 2]}'), { records: 1 })
    expect([sample.bytes.toString(), sample.records, sample.isWhole]).toEqual([
      '\ufeff{"a": [1, 2]}',
      1,
      true,
    ])
  })

  test('objects line by line are JSON lines, whatever the name says', async () => {
    const sample = await sampleBytes('x.json', Buffer.from('{"a":1}\n{"a":2}\n'), { records: 1 })
    expect([sample.format, sample.bytes.toString()]).toEqual(['jsonl', '{"a":1}\n'])
  })
})

const deep = '['.repeat(100_000)
test.for([
  ['an element that is no JSON', '[1, x]', 'json-invalid'],
  ['a list that is not closed', '[1, 2', 'json-invalid'],
  ['something behind the list', '[1] 2', 'json-invalid'],
  ['an empty element', '[1,,2]', 'json-invalid'],
  ['a comma before the end', '[1,]', 'json-invalid'],
  ['a string without an end', '["a', 'json-invalid'],
  ['nothing at all', ' \n ', 'json-invalid'],
  ['brackets that do not match', '[{]}]', 'json-invalid'],
  ['lists nested without end', deep, 'json-depth'],
  ['objects nested without end', `{"a":${deep}`, 'json-invalid'],
  ['bytes that are no UTF-8', '["\xff"]', 'encoding'],
  ['an object over the limit', `{"a": "${'x'.repeat(READ_BYTES_MAX)}"}`, 'json-too-large'],
] as const)('%s: only described', async ([, text, reason]) => {
  const sample = await sampleBytes('x.json', Buffer.from(text, 'latin1'))
  expect([sample.format, reasonOf(sample)]).toEqual(['described', reason])
})

test('an element that the limit cuts is not shown', async () => {
  const bytes = Buffer.from(`[1, "${'x'.repeat(READ_BYTES_MAX)}", 2]`)
  const sample = await sampleBytes('x.json', bytes)
  expect([sample.bytes.toString(), sample.isCut, sample.readBytes]).toEqual([
    '[\n1\n]\n',
    true,
    READ_BYTES_MAX,
  ])
})

test('the last elements, and any of them, keep their order', async () => {
  const bytes = Buffer.from(JSON.stringify(Array.from({ length: 500 }, (_, n) => n)))
  const tail = await sampleBytes('x.json', bytes, { strategy: 'tail', records: 3 })
  expect(JSON.parse(tail.bytes.toString())).toEqual([497, 498, 499])
  const any = await sampleBytes('x.json', bytes, { strategy: 'reservoir', records: 5 })
  const numbers = JSON.parse(any.bytes.toString()) as number[]
  expect(numbers).toEqual(numbers.toSorted((a, b) => a - b))
  expect(new Set(numbers).size).toBe(5)
})
