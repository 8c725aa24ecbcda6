/** The submitter's pre-check: what it says, what it never shows, and how it ends. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { encounters, medicalFile } from '../support/deliveries.ts'
import { CliProject } from './cli-project.ts'

const LAYOUT = 'medical/synthea'
let project: CliProject
beforeAll(async () => {
  project = await CliProject.create()
})
afterAll(() => project[Symbol.dispose]())

function put(name: string, text: string | Buffer): string {
  const path = join(project.root, name)
  writeFileSync(path, text)
  return path
}

const good = () => medicalFile('2024-01', encounters('2024-01', 20, 'g'))
/** Two records with a field too many, and a start that is no date. */
const bad = (): string => {
  const [header = '', first = '', second = '', ...rest] = String(good().content).split('\n')
  const start = header.split(',').indexOf('START')
  const dated = second.split(',').with(start, 'Jane-Roe').join(',')
  const broken = [`${first},Jane-Roe`, dated, ...rest]
  return [header, ...broken].join('\n')
}

test('a file that would be accepted ends with 0 and says so', async () => {
  const { code, stdout } = await project.run(['validate', LAYOUT, put('good.csv', good().content)])
  expect([code, stdout.split('\n')[0]]).toEqual([0, 'medical/synthea/v1  good.csv  VALIDATED'])
  expect(stdout).toContain('\n  Accepted.\n')
})

test('one that would not ends with 1; reasons have columns and lines, and no value is shown', async () => {
  const path = put('bad.csv', bad())
  for (const more of [[], ['--json'], ['--report', 'html']]) {
    const { code, stdout, stderr } = await project.run(['validate', LAYOUT, path, ...more])
    expect([more, code]).toEqual([more, 1])
    expect(stdout + stderr).not.toContain('Jane')
    expect(stdout).toContain('FIELD_COUNT')
  }
  const { stdout } = await project.run(['validate', LAYOUT, path, '--json'])
  const { files } = JSON.parse(stdout) as {
    files: { reasons: { code: string; column: string | null; places: object[] }[] }[]
  }
  expect(files[0]?.reasons).toMatchObject([
    { code: 'FIELD_COUNT', column: null, places: [{ file: 'bad.csv', line: 2 }] },
    { code: 'TYPE_DATETIME', column: 'START', places: [{ file: 'bad.csv', line: 3 }] },
  ])
})

test('a file whose month nobody declares is told no month', async () => {
  const path = join(project.root, 'zips.txt')
  await project.run(['registry', 'generate', 'zip5/txt', '--rows', '5', '--out', path])
  const { stdout } = await project.run(['validate', 'zip5/txt', path])
  expect(stdout).toContain('accepted  5')
  expect(stdout).not.toMatch(/Months|\d{4}-\d{2}\b/)
})

test('a page holds no script, and a hostile file name is text in it', async () => {
  const path = put('<script>alert(1)<\u202e.csv', good().content)
  const out = join(project.root, 'report.html')
  const { code } = await project.run(['validate', LAYOUT, path, '--report', 'html', '--out', out])
  const page = readFileSync(out, 'utf8')
  expect([code, page.includes('<script'), page.includes('\u202e')]).toEqual([0, false, false])
  expect(page).toContain('&lt;script&gt;alert(1)&lt;')
  expect(page).toMatch(/^<!doctype html>\n<html lang="en">/)
})

test.each([
  [['validate', LAYOUT], 'file'],
  [['validate', LAYOUT, 'nowhere.csv'], 'nowhere.csv'],
  [['validate', 'medical/nothing', 'README.md'], 'no layout medical/nothing'],
  [['validate', LAYOUT, 'README.md', '--report', 'pdf'], 'html or json'],
])('%j ends with 2 and says what is wrong', async (argv, words) => {
  put('README.md', 'a')
  const { code, stderr } = await project.run(
    argv.map((word) => (word === 'README.md' ? join(project.root, word) : word)),
  )
  expect([code, stderr]).toEqual([2, expect.stringContaining(words)])
})
