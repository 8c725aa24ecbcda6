/** Samples of the files that frictionless-py is tested with, opened by Python's own readers. */
import { execFile } from 'node:child_process'
import { readdir, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { guessDialect } from '../../../registry/sample-dialect.ts'
import { dataFolder } from '../../support/scenario.ts'
import { scratchFolder } from '../parsing.ts'
import { form, samplePath } from './sampling.ts'

const RECORDS = 3

/** Reads each file and its sample; prints those whose first records are not the sample's. */
const COMPARE = `
import csv, gzip, io, json, sys
csv.field_size_limit(10**9)
def content(path):
    data = open(path, 'rb').read()
    return gzip.decompress(data) if data[:2] == b'\\x1f\\x8b' else data
def rows(path, one):
    text = content(path).decode('utf-8-sig' if one['utf8'] else 'latin-1')
    if one['kind'] == 'json':
        value = json.loads(text)
        return value if isinstance(value, list) else [value]
    if one['kind'] == 'jsonl':
        return [json.loads(line) for line in text.split('\\n') if line.strip()]
    return [row for row in csv.reader(io.StringIO(text, newline=''), delimiter=one['delimiter']) if row]
wrong = []
for one in json.load(open(sys.argv[1])):
    wanted = one['records'] + (1 if one['kind'] == 'text' else 0)
    if rows(one['path'], one)[:wanted] != rows(one['sample'], one):
        wrong.append(one['path'])
print(json.dumps(wrong))
`

test('the first records of each are those that Python reads there', async (context) => {
  const folder = dataFolder('suites/frictionless/data')
  if (folder === undefined) {
    return context.skip('the folder ../shared/data is not beside this clone')
  }
  await using scratch = await scratchFolder()
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const paths = entries
    .filter((entry) => entry.isFile() && /[.](?:csv|tsv|txt|jsonl?|ndjson|gz)$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
  const compared: object[] = []
  // no JSON, no fields, or no text
  let left = 0
  for (const [at, path] of paths.entries()) {
    let delimiter = ','
    let utf8 = true
    const found = await samplePath(path, {
      records: RECORDS,
      textForm: (head) => {
        const guess = guessDialect(head)
        if (guess === undefined) return undefined
        const { dialect, encoding } = guess.syntax
        delimiter = dialect.delimiter
        utf8 = encoding === undefined
        return form(delimiter, {
          syntax: { ...guess.syntax, dialect: { ...dialect, quoteChar: '"' } },
        })
      },
    })
    const { format: kind, bytes, columns } = found
    const isCompared =
      kind === 'json' || kind === 'jsonl' || (kind === 'text' && columns.length > 1)
    if (!isCompared) {
      left += 1
      continue
    }
    const sample = join(scratch.path, `${at}.sample`)
    await writeFile(sample, bytes)
    compared.push({ path, sample, kind, delimiter, utf8, records: RECORDS })
  }
  const list = join(scratch.path, 'list.json')
  await writeFile(list, JSON.stringify(compared))
  const { stdout } = await promisify(execFile)('python3', ['-c', COMPARE, list])
  const wrong = (JSON.parse(stdout) as string[]).map((path) => basename(path))
  expect(wrong).toEqual([])
  expect([compared.length, left]).toEqual([232, 19])
})
