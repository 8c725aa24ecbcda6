/** What a file is says its first bytes; its name only helps where they leave it open. */
import { expect, test } from 'vitest'
import { tarOf, zipOf } from '../../support/zip.ts'
import { READ_BYTES_MAX, sampleBytes } from './sampling.ts'

const rows = 'a,b\n1,x\n2,y\n'

test.for([
  ['x.csv', zipOf({ 'in.csv': rows }), 'zip', '.zip'],
  ['x.csv', tarOf({ 'in.csv': rows }), 'tar', '.txt'],
  // What its name says of a text is not believed: no unzip is to open the sample.
  ['x.zip', Buffer.from(rows), 'text', '.txt'],
  ['x.csv.XLSX', Buffer.from(rows), 'text', '.txt'],
  ['x.csv.gz', Buffer.from(rows), 'text', '.csv'],
  ['x.parquet', Buffer.from('[1]'), 'json', '.json'],
  ['x.tar.gz', Buffer.from('{"a":1}\n{"a":2}\n'), 'jsonl', '.jsonl'],
  ['a.b.tsv', Buffer.from(rows), 'text', '.tsv'],
  ['x.JSONL', Buffer.from('{}\n'), 'jsonl', '.JSONL'],
  ['x', Buffer.from('{"a":1}\n{"a":2}\n'), 'jsonl', ''],
  ['x.xlsx', zipOf({ '[Content_Types].xml': '<x/>' }), 'described', '.meta.json'],
] as const)('%s', async ([name, bytes, format, extension]) => {
  const sample = await sampleBytes(name, bytes)
  expect([sample.format, sample.extension]).toEqual([format, extension])
  expect(sample.readBytes).toBe(bytes.length)
})

test('a member of an archive is sampled and masked as the file it is', async () => {
  const bytes = zipOf({ 'in.csv': `${rows}3,z\n` })
  const mask = () => [null, () => 'Q']
  const sample = await sampleBytes('x.zip', bytes, { records: 2, mask })
  expect(sample.records).toBe(2)
  const list = await sampleBytes('y.zip', sample.bytes, { records: 9 })
  expect(list.columns.map(({ texts }) => texts)).toEqual([
    ['1', '2'],
    ['Q', 'Q'],
  ])
})

test('no more is read than the limit, whatever lies in the file', async () => {
  const lead = [
    Buffer.from('\x1f\x8b\x08\0', 'latin1'),
    Buffer.from('PK\x03\x04'),
    Buffer.from('PAR1\x15'),
  ]
  const noise = Buffer.from(Array.from({ length: 3_000_000 }, (_, n) => (n * n * 7919 + n) % 251))
  for (const start of [...lead, Buffer.from('[{"'), Buffer.from('{"a":"'), Buffer.alloc(0)]) {
    const { readBytes } = await sampleBytes('x.json', Buffer.concat([start, noise]))
    expect(readBytes).toBeLessThanOrEqual(READ_BYTES_MAX)
  }
})
