/** Words and file names that attack, at the command line and in the inbox: what is printed, and what is left on disk. */
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { nameFault } from '../../registry/inbox.ts'
import { OWN, isUnsafe, readPayloads } from '../registry/payloads.ts'
import type { Ran } from './cli-project.ts'
import { CliProject } from './cli-project.ts'

const MONTH = 'gold_canonical/MA/medical/2024-01'
/** Of the lists that lie beside the clone, one line in so many; all of our own. */
const EVERY = 400
const sample = (readPayloads() ?? []).filter((_, at) => at % EVERY === 0)
const words = [...new Set([...OWN, ...sample])].filter(
  (text) => !text.includes('\0') && text.isWellFormed(),
)
const names = words.filter(
  (text) => text !== '' && !text.includes('/') && Buffer.byteLength(text) <= 200,
)

/** Everything of a test lies in here: what is beside the project afterwards has escaped. */
let around: string
let project: CliProject
const before = process.env['TMPDIR']
beforeAll(async () => {
  around = mkdtempSync(join(tmpdir(), 'tributary-hostile-'))
  process.env['TMPDIR'] = around
  project = await CliProject.create()
  for (const name of names) {
    project.deliver(`alpha/${name}`, { name: 'medical_202401_202401.csv', content: name })
    project.deliver(`${name}/2024-02`, { name: 'medical_202402_202402.csv', content: name })
    project.write(`inbox/alpha/odd/${name}x`, 'x')
  }
  project.write('inbox/alpha/odd/_SUCCESS', '')
})
afterAll(() => {
  project[Symbol.dispose]()
  if (before === undefined) delete process.env['TMPDIR']
  else process.env['TMPDIR'] = before
  rmSync(around, { recursive: true, force: true })
})

/** Why a call is no answer to a hostile word; undefined: it is one. */
function fault({ code, stdout, stderr }: Ran): string | undefined {
  if (![0, 1, 2, 3].includes(code)) return `ended with ${code}: ${stderr.slice(0, 300)}`
  if (code === 2 && !/^error [A-Z_]+: /m.test(stderr)) return 'refused without a code'
  return isUnsafe(stdout + stderr) ? 'a raw mark was printed' : undefined
}

/** Whatever lies beside the project, and every path of the store that is not made of plain names. */
const escaped = (): readonly string[] => [
  ...readdirSync(around).filter((name) => join(around, name) !== project.root),
  ...readdirSync(join(project.root, 'data'), { recursive: true, encoding: 'utf8' }).filter(
    (path) => !/^[A-Za-z0-9_=.@-]+(?:\/[A-Za-z0-9_=.@-]+)*$/.test(path),
  ),
]

test('names in the inbox never become a path, and are printed as what they are', async () => {
  const ran = await project.run(['materialize'])
  expect(fault(ran)).toBeUndefined()
  const listed = await project.run(['submissions', 'list', '--json'])
  const submissions = JSON.parse(listed.stdout) as readonly { readonly inbox_prefix: string }[]
  const drops = new Set(submissions.map((one) => one.inbox_prefix))
  const plain = names.filter((name) => nameFault(`alpha/${name}`) === undefined)
  expect(plain.filter((name) => !/^[.]/.test(name) && !drops.has(`alpha/${name}`))).toEqual([])
  expect(drops.size).toBeGreaterThan(5)
  for (const list of [['submissions', 'list'], ['findings'], ['status', '--keys'], ['logs']]) {
    expect([list, fault(await project.run(list))]).toEqual([list, undefined])
    expect([list, fault(await project.run([...list, '--json']))]).toEqual([list, undefined])
  }
  const { stdout } = await project.run(['status', 'gold_canonical', '--keys'])
  expect(stdout).toContain('MA/medical/2024-01')
  expect(statSync(join(project.root, 'data')).isDirectory()).toBe(true)
  expect(escaped()).toEqual([])
})

const FORMS: readonly ((word: string) => readonly string[])[] = [
  (word) => [word],
  (word) => ['explain', '--', word],
  (word) => ['plan', '--', word],
  (word) => ['lineage', `${MONTH}${word}`],
  (word) => ['submissions', 'show', '--', word],
  (word) => ['rejects', '--', word],
  (word) => ['validate', 'medical/synthea', '--', word],
  (word) => ['registry', 'try', '--', word],
  (word) => ['query', '--', word],
  (word) => ['query', 'SELECT 1 AS a', '--format', word],
  (word) => ['runs', '--', word],
  (word) => ['help', '--', word],
  (word) => ['materialize', '--actor', word],
  (word) => ['submissions', 'withdraw', 'alpha/2024-01', '--reason', word],
]

test('words of a command line are refused with a code or looked up, and none runs', async () => {
  const faults: unknown[] = []
  for (const [at, word] of words.entries()) {
    // Every form for our own; the others take turns.
    const forms = at < OWN.length ? FORMS : FORMS.filter((_, nth) => nth === at % FORMS.length)
    for (const form of forms) {
      const argv = form(word)
      const found = fault(await project.run(argv))
      if (found !== undefined) faults.push([argv, found])
    }
  }
  expect(faults).toEqual([])
  const audit = await project.run(['audit', 'list'])
  expect(fault(audit)).toBeUndefined()
  expect(escaped()).toEqual([])
})

test('who acts and why hold no control characters: they stay in the audit', async () => {
  for (const option of ['--actor', '--reason']) {
    const { code, stderr } = await project.run(['materialize', option, 'a\u001b[31mb\nc'])
    expect([code, stderr]).toEqual([2, expect.stringContaining('holds control characters')])
  }
})

test('what a query gives is visible on a terminal, and byte for byte where a program reads', async () => {
  const query = ['query', "SELECT chr(27) || '[2J,' || chr(8238) AS a, '=1+1' AS b", '--format']
  expect((await project.run([...query, 'csv'])).stdout).toBe('a,b\n"\u001b[2J,\u202e",=1+1\n')
  for (const format of ['csv', 'table', 'json', 'md']) {
    const { stdout } = await project.run([...query, format], 100)
    expect([format, isUnsafe(stdout.replaceAll(/\u001b\[\d+m/g, ''))]).toEqual([format, false])
    expect(stdout).toContain(String.raw`\u001b[2J,`)
  }
})
