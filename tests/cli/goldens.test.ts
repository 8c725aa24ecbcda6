/**
 * What commands print, in four modes: on a terminal, in a pipe, with NO_COLOR, and for programs.
 * The texts lie in goldens/; `vitest run -u tests/cli` writes them anew.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { encounters, medicalFile } from '../support/deliveries.ts'
import type { Ran } from './cli-project.ts'
import { CliProject, NOT_DATA, steady } from './cli-project.ts'

const MONTH = 'gold_canonical/MA/medical/2024-01'
const ESCAPE = /\u001B\[/

/** Name of the golden and the command. */
const BEFORE: readonly (readonly [string, readonly string[]])[] = [['plan-new', ['plan']]]
const AFTER: readonly (readonly [string, readonly string[]])[] = [
  ['plan-mapping', ['plan']],
  ['status', ['status']],
  ['status-keys', ['status', 'gold_canonical', '--keys']],
  ['explain', ['explain', MONTH]],
  ['lineage', ['lineage', MONTH, '--up']],
  ['runs', ['runs']],
  ['run', ['runs', '1']],
  ['logs', ['logs']],
  ['submissions', ['submissions', 'list']],
  ['findings', ['findings']],
  ['queue', ['queue', 'list', '--done']],
  ['query', ['query', 'select atomic_month, count(*) as n from gold_canonical.medical group by 1']],
  ['registry-diff', ['registry', 'diff']],
  ['registry-import', ['registry', 'import', 'tests/registry/fixtures/guide.csv']],
  ['registry-infer', ['registry', 'infer', 'tests/registry/fixtures/sample.txt']],
  ['help-code', ['help', 'PLAN_MOVED']],
  ['error', ['explain', 'gold_canonical/MA/medical/2031-01']],
]

let project: CliProject
const texts = new Map<string, string>()

const whole = ({ code, stdout, stderr }: Ran): string =>
  steady(`exit ${code}\n${stdout}--- stderr\n${stderr}`, project.root)

async function record(name: string, argv: readonly string[]): Promise<void> {
  const pipe = await project.run(argv)
  process.env['NO_COLOR'] = '1'
  const colourless = await project.run(argv, 120)
  delete process.env['NO_COLOR']
  const terminal = await project.run(argv, 120)
  const json = await project.run([...argv, '--json'])
  const all = { pipe, colourless, terminal, json }
  for (const [mode, ran] of Object.entries(all)) {
    texts.set(`${name}.${mode}`, whole(ran))
  }
}

beforeAll(async () => {
  for (const name of ['FORCE_COLOR', 'NO_COLOR', 'TERM']) delete process.env[name]
  process.env['TZ'] = 'UTC'
  project = await CliProject.create()
  for (const [name, argv] of BEFORE) await record(name, argv)
  const built = await project.run(['materialize', '-j', '1'])
  texts.set('materialize.pipe', whole(built))
  project.deliver('alpha/2024-02', NOT_DATA)
  project.deliver('beta/again', medicalFile('2024-01', encounters('2024-01', 2, 'b')))
  const json = await project.run(['materialize', '--json', '-j', '1'])
  texts.set('materialize.json', whole(json))
  const mapping = 'mappings/medical/synthea/v1.json'
  project.edit(mapping, '{ "source": "PATIENT" }', '{ "const": "nobody" }')
  for (const [name, argv] of AFTER) await record(name, argv)
}, 120_000)

afterAll(() => project[Symbol.dispose]())

const NAMES = [...BEFORE, ...AFTER].map(([name]) => name)

describe.each(NAMES)('%s', (name) => {
  const text = (mode: string): string => texts.get(`${name}.${mode}`) ?? ''

  test.each(['terminal', 'pipe', 'json'])(
    'prints in the mode %s what it printed before',
    async (mode) => {
      await expect(text(mode)).toMatchFileSnapshot(`goldens/${name}.${mode}.txt`)
    },
  )

  test('has no escape code without a terminal, nor with NO_COLOR', () => {
    expect(text('pipe')).not.toMatch(ESCAPE)
    expect(text('json')).not.toMatch(ESCAPE)
    expect(text('colourless')).toBe(text('pipe'))
  })

  test('gives programs one document', () => {
    const [, document = ''] = /^exit \d+\n([\s\S]*)--- stderr/.exec(text('json')) ?? []
    const lines = name === 'logs' ? document.trim().split('\n') : [document]
    for (const line of lines) expect(() => JSON.parse(line)).not.toThrow()
  })
})

test('a run prints a summary, progress on stderr, and NDJSON with a version first', async () => {
  await expect(texts.get('materialize.pipe') ?? '').toMatchFileSnapshot(
    'goldens/materialize.pipe.txt',
  )
  await expect(texts.get('materialize.json') ?? '').toMatchFileSnapshot(
    'goldens/materialize.json.txt',
  )
})
