/** Terminals and pipes as they are: a pseudo-terminal, a reader that leaves, widths nobody knows. */
import { spawnSync } from 'node:child_process'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Stream } from '../../engine/cli/output.ts'
import { Terminal } from '../../engine/cli/output.ts'
import { CliProject } from './cli-project.ts'

let project: CliProject

beforeAll(async () => {
  for (const name of ['FORCE_COLOR', 'NO_COLOR']) delete process.env[name]
  project = await CliProject.create()
})
afterAll(() => project[Symbol.dispose]())

const ESCAPE = /\u001B\[/
const stream = (more: Partial<Stream>): Stream => ({
  write: () => true,
  on: () => undefined,
  ...more,
})
const terminal = (stdout: Partial<Stream>, environment: Record<string, string> = {}): Terminal =>
  new Terminal({
    stdout: stream(stdout),
    stderr: stream({}),
    environment,
    plain: false,
    isInteractive: false,
  })

/** A command on a pseudo-terminal of this size; undefined where there is no such program. */
function onTerminal(size: string, argv: string): string | undefined {
  const found = spawnSync('script', ['--version'], { encoding: 'utf8' })
  if (found.error !== undefined || !found.stdout.includes('util-linux')) {
    console.log('no pseudo-terminal: the program `script` of util-linux is not here')
    return undefined
  }
  const line = `stty ${size}; TERM=xterm ${project.command([argv]).join(' ')}`
  return spawnSync('script', ['-qec', line, '/dev/null'], { encoding: 'utf8' }).stdout
}

test('a terminal gets colours and redrawn progress; one without a size the last state only', () => {
  const first = onTerminal('cols 100 rows 30', 'materialize')
  if (first === undefined) return
  expect(first).toMatch(ESCAPE)
  expect(first).toMatch(/gold_canonical\s+1\/1/)
  expect(first).toContain('Run 1 succeeded')
  project.edit(
    'schemas/medical/v1.json',
    '"columns": [',
    '"columns": [{"name":"extra","type":"VARCHAR"},',
  )
  const second = onTerminal('cols 0 rows 0', 'materialize') ?? ''
  expect(second.match(/gold_canonical\s+1\/1/g)).toHaveLength(1)
  expect(second).toContain('Run 2 succeeded')
})

test('a reader that leaves after one line is no error', () => {
  for (const command of ['plan', 'help --codes', 'status --json', 'materialize --json']) {
    const ran = project.shell(`$TRIBUTARY ${command} | head -1`)
    expect({ command, code: ran.code, stderr: ran.stderr }).toEqual({
      command,
      code: 0,
      stderr: '',
    })
    expect(ran.stdout.split('\n')).toHaveLength(2)
  }
})

test('results go to stdout, everything else to stderr', () => {
  const ran = project.shell('$TRIBUTARY plan no_such_asset 2>/dev/null')
  expect(ran).toMatchObject({ code: 2, stdout: '' })
})

test('a width of 0 or none is 80', () => {
  expect(
    [0, undefined, 132].map((columns) => terminal(columns === undefined ? {} : { columns }).width),
  ).toEqual([80, 80, 132])
})

test('NO_COLOR, FORCE_COLOR and TERM decide about colour', () => {
  const paints = (isTTY: boolean, environment: Record<string, string>): boolean =>
    ESCAPE.test(terminal({ isTTY }, environment).out.red('x'))
  expect(paints(true, {})).toBe(true)
  expect(paints(false, {})).toBe(false)
  expect(paints(true, { NO_COLOR: '1', FORCE_COLOR: '1' })).toBe(false)
  expect(paints(true, { NO_COLOR: '' })).toBe(true)
  expect(paints(false, { FORCE_COLOR: '1' })).toBe(true)
  expect(paints(true, { FORCE_COLOR: '0' })).toBe(false)
  expect(paints(true, { TERM: 'dumb' })).toBe(false)
})

test('an error of the stream other than a reader that left is thrown', () => {
  let listener: (error: NodeJS.ErrnoException) => void = () => undefined
  const heard = terminal({ on: (_event, listen) => (listener = listen) })
  listener(Object.assign(new Error('gone'), { code: 'EPIPE' }))
  expect(heard.readerLeft.aborted).toBe(true)
  const broken = Object.assign(new Error('io'), { code: 'EIO' })
  expect(() => listener(broken)).toThrow(broken)
})
