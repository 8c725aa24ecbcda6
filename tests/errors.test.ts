import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { errorsPage } from '../.ci/errors-page.ts'
import { EXIT_CODES } from '../engine/core/error-rows.ts'
import { ERRORS, EngineError } from '../engine/core/errors.ts'

const codes = Object.keys(ERRORS)
const rows = Object.entries(ERRORS)

test('codes are sorted and written in capitals', () => {
  expect(codes).toEqual(codes.toSorted())
  expect(codes.filter((code) => !/^[A-Z][A-Z0-9]*(_[A-Z0-9]+)*$/.test(code))).toEqual([])
})

test('every row says what to do', () => {
  expect(rows.filter(([, { hint }]) => hint.trim().length < 10).map(([code]) => code)).toEqual([])
})

test('a hint is a phrase: no capital letter first, no final dot', () => {
  const bad = rows.filter(([, { hint }]) => /^[A-Z][a-z]|\.$/.test(hint))
  expect(bad.map(([code]) => code)).toEqual([])
})

test('every fault has an exit code', () => {
  expect(rows.filter(([, { fault }]) => !(EXIT_CODES[fault] > 0)).map(([code]) => code)).toEqual([])
})

test('a name in an error is visible whatever it holds; only our own line ends are lines', () => {
  const path = 'a\u001b[2J\nb\u202e\u009b'
  expect(new EngineError('INPUT_CHANGED', { path }).message).toContain(
    String.raw`a\u001b[2J\u000ab\u202e\u009b`,
  )
  const issues = [{ file: path, line: 1, column: 2, text: path }]
  expect(new EngineError('MANIFEST_INVALID', { issues }).message.split('\n')).toHaveLength(2)
})

test('docs/errors.md is what npm run gen writes, and names every code', () => {
  const page = readFileSync(new URL('../docs/errors.md', import.meta.url), 'utf8')
  expect(page, 'run npm run gen').toBe(errorsPage())
  expect(page.match(/^## .*$/gm)).toEqual(codes.map((code) => `## ${code}`))
})
