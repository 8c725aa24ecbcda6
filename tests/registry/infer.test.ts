/** A layout inferred from a sample reads that sample without a reject. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { firstDeliveries } from '../../assets/demo-data.ts'
import { CliProject } from '../cli/cli-project.ts'
import { encounters, medicalFile, membersFile, people } from '../support/deliveries.ts'

let project: CliProject
beforeAll(async () => {
  project = await CliProject.create()
})
afterAll(() => project[Symbol.dispose]())

interface Drafted {
  readonly written: string | null
  readonly verify: readonly string[]
  readonly layout: {
    readonly resources: readonly [
      {
        readonly dialect: object
        readonly encoding?: string
        readonly schema: { readonly fields: readonly { name: string; type: string }[] }
      },
    ]
    readonly 'x-ingest': { readonly status: string; readonly month: object; control?: unknown }
  }
}

async function json<Value>(...argv: readonly string[]): Promise<Value> {
  const { stdout, stderr } = await project.run([...argv, '--json'])
  expect(stderr).toBe('')
  return JSON.parse(stdout) as Value
}

const infer = async (name: string, ...files: readonly string[]): Promise<Drafted> =>
  json('registry', 'infer', ...files, '--as', `drafts/${name}`, '--force')
const types = ({ layout }: Drafted): Readonly<Record<string, string>> =>
  Object.fromEntries(layout.resources[0].schema.fields.map(({ name, type }) => [name, type]))

/** Rows and rejects of a file as its inferred layout reads it. */
async function tried(name: string, file: string): Promise<readonly [number, number]> {
  const { accepted, rejected } = await json<{ accepted: number; rejected: number }>(
    'registry',
    'try',
    `drafts/${name}`,
    file,
  )
  return [accepted, rejected]
}

function put(name: string, content: string | Buffer): string {
  const path = join(project.root, name)
  writeFileSync(path, content)
  return path
}

const demo = (path: string): string =>
  firstDeliveries().find((one) => one.path === path)?.text ?? ''

const DEMO = [
  {
    name: 'acme',
    path: 'acme_health/2024-01/medical_claim_202401_202401.txt',
    size: [180, 165],
    month: 'CDLMC024',
  },
  {
    name: 'beta',
    path: 'beta_mutual/2024-01/medical_claim_202401_202401.txt',
    size: [120, 24],
    month: 'column_9',
  },
]
test.each(DEMO)('$name: a demo delivery', async ({ name, path, size: [rows, columns], month }) => {
  const file = put(`${name}.txt`, demo(path))
  const draft = await infer(name, file)
  expect(draft.written).toBe(`registry/layouts/drafts/${name}.json`)
  expect(draft.layout['x-ingest']).toMatchObject({ status: 'INACTIVE', month: { column: month } })
  expect(Object.keys(types(draft))).toHaveLength(columns ?? 0)
  expect(await tried(name, file)).toEqual([rows, 0])
})

test('control records keep their roles, and the count agrees', async () => {
  const file = put('roles.txt', demo('beta_mutual/2024-02/medical_claim_202402_202402.txt'))
  const { layout } = await infer('roles', file)
  expect(layout['x-ingest'].control).toMatchObject([
    { role: 'header', fields: { 3: 'fileType', 4: 'periodBegin', 6: 'recordCount' } },
    { role: 'trailer', fields: { 6: 'created' } },
  ])
})

describe('types', () => {
  const ROWS = [
    'zip;npi;born;moment;amount;count;flag;when;note;state',
    '00802;9999000001;1980-02-29;2024-01-31T12:00:00Z;1.5;7;true;31.12.2023;"a;b";CO',
    '80202;9999000002;1999-12-31;2024-02-01T00:00:00Z;-20.25;12;false;01.01.2024;"say ""x""";CO',
  ]
  test('leading zeros stay text; dates, decimals and words of truth are told apart', async () => {
    const file = put('types.csv', `${ROWS.join('\n')}\n`)
    const draft = await infer('types', file)
    expect(types(draft)).toEqual({
      zip: 'string',
      npi: 'string',
      born: 'date',
      moment: 'datetime',
      amount: 'number',
      count: 'integer',
      flag: 'boolean',
      when: 'date',
      note: 'string',
      state_2: 'string',
    })
    expect(draft.layout.resources[0].dialect).toEqual({
      delimiter: ';',
      quoteChar: '"',
      header: true,
    })
    expect(await tried('types', file)).toEqual([2, 0])
  })

  test('a day that could be a month is said', async () => {
    const file = put('days.csv', 'paid_date,x\n01/02/2024,1\n03/04/2024,2\n')
    const { verify } = await infer('days', file)
    expect(verify.join('\n')).toContain('Days read as %m/%d/%Y, or as %d/%m/%Y: paid_date.')
  })

  test('several samples are one', async () => {
    const first = put('one.csv', 'id,size\nA1,7\nA2,8\n')
    const second = put('two.csv.gz', gzipSync('id,size\nB1,2.5\n'))
    const draft = await infer('both', first, second)
    expect(types(draft)).toEqual({ id: 'string', size: 'number' })
    expect(await tried('both', first)).toEqual([2, 0])
    expect(await tried('both', second)).toEqual([1, 0])
  })
})

test.each([
  ['windows-1252', Buffer.from('name,city\nA,K\xf6ln \x96 S\xfcd\nB,Bonn\n', 'latin1')],
  ['iso-8859-1', Buffer.from('name,city\nA,K\xf6ln\nB,Bonn\n', 'latin1')],
  ['utf-16', Buffer.from('\ufeffname,city\nA,Köln\nB,Bonn\n', 'utf16le')],
])('a sample in %s says so and reads whole', async (encoding, bytes) => {
  const file = put('encoded.csv', bytes)
  const { layout, verify } = await infer('encoded', file)
  expect(layout.resources[0].encoding).toBe(encoding)
  expect(verify).toContain(`The encoding: its bytes are no UTF-8, taken as ${encoding}.`)
  expect(await tried('encoded', file)).toEqual([2, 0])
})

test('a list with positions is imported as fixed width, and reads its file', async () => {
  const guide = [
    'Field,Start,End,Length,Format',
    'CLM_ID,1,6,6,9(06)',
    'PAID_DT,7,16,10,YYYY-MM-DD',
    'AMT,17,24,8,-9(4).99',
  ]
  const list = put('fixed-guide.csv', `${guide.join('\n')}\n`)
  const draft = await json<Drafted>('registry', 'import', list, '--as', 'drafts/fixed')
  expect(draft.layout['x-ingest']).toMatchObject({ month: { column: 'PAID_DT' } })
  const file = put('fixed.txt', '0000012024-01-31   12.50\n0000022024-02-01 -100.00\n')
  expect(await tried('fixed', file)).toEqual([2, 0])
})

test('generated files of Synthea read whole', async () => {
  const files = {
    encounters: medicalFile('2024-01', encounters('2024-01', 20, 'e')),
    people: membersFile('2024-01', 28, people(20)),
  }
  for (const [name, { content }] of Object.entries(files)) {
    const file = put(`${name}.csv`, content)
    await infer(name, file)
    expect(await tried(name, file)).toEqual([20, 0])
  }
})

test('a file that shows nothing is refused with its name, and none of its values', async () => {
  const cases = {
    'prose.txt': 'Jane Roe called on Monday\nand again on Tuesday evening\n',
    'page.csv': '<!DOCTYPE html><html></html>',
    'names.csv': 'a,b,c\n',
    'rows.jsonl': '{"a": 1, "b": "Jane"}\n{"a": 2, "b": "Jane"}\n',
  }
  for (const [name, text] of Object.entries(cases)) {
    const { code, stdout, stderr } = await project.run(['registry', 'infer', put(name, text)])
    expect([code, stdout]).toEqual([1, ''])
    expect(stderr).toContain(`DRAFT_IMPOSSIBLE: ${name}:1:1 `)
    expect(stderr).not.toContain('Jane')
  }
  for (const verb of ['infer', 'import']) {
    const gone = await project.run(['registry', verb, join(project.root, 'gone.csv')])
    expect([gone.code, gone.stderr]).toEqual([2, expect.stringContaining('there is no file')])
  }
  const [a, b] = [put('a.csv', 'a,b\n1,2\n'), put('b.csv', 'a,c\n1,2\n')]
  const { stderr } = await project.run(['registry', 'infer', a, b])
  expect(stderr).toContain('b.csv:1:1 it is not written like a.csv')
})

test('a layout that is there is written over with --force only', async () => {
  const file = put('keep.csv', 'id,size\nA,1\nB,2\n')
  const argv = ['registry', 'infer', file, '--as', 'drafts/keep']
  expect((await project.run(argv)).code).toBe(0)
  const path = join(project.root, 'registry/layouts/drafts/keep.json')
  writeFileSync(path, '{}')
  const refused = await project.run(argv)
  expect(refused.code).toBe(2)
  expect(refused.stderr).toContain('there is a layout already: registry/layouts/drafts/keep.json')
  expect(readFileSync(path, 'utf8')).toBe('{}')
  expect((await project.run([...argv, '--force'])).code).toBe(0)
  expect((await project.run(['registry', 'check'])).code).toBe(0)
  const outside = await project.run(['registry', 'infer', file, '--as', '../x'])
  expect(outside.code).toBe(2)
  expect(existsSync(join(project.root, 'registry/x.json'))).toBe(false)
})
