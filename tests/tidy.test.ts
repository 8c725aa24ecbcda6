/**
 * Checks the shape of the source tree itself. The rules are in support/tidy-rules.ts; each is also
 * run on a small tree that breaks it, because a rule that checks nothing would pass for ever.
 */
import { describe, expect, test } from 'vitest'
import { parseModule, readModules } from './support/source-tree.ts'
import type { RuleName } from './support/tidy-rules.ts'
import { RULES } from './support/tidy-rules.ts'
import type { Files } from './support/tidy-seeds.ts'
import { SEEDS } from './support/tidy-seeds.ts'

interface Exception {
  readonly rule: RuleName
  readonly path: string
  /** the start of the offence it excuses */
  readonly what: string
  readonly reason: string
}

/** One line each, with its reason. An exception that excuses nothing any more fails. */
const EXCEPTIONS: readonly Exception[] = [
  {
    rule: 'clock, randomness and environment come from engine/run',
    path: 'engine/table/duck-child.ts',
    what: 'uses process.',
    reason: 'it is the entry of a child process: channel, exit and memory are its own',
  },
  {
    rule: 'clock, randomness and environment come from engine/run',
    path: 'engine/table/table-child.ts',
    what: 'uses process.',
    reason: 'it is the entry of a child process: channel, exit and memory are its own',
  },
  {
    rule: 'clock, randomness and environment come from engine/run',
    path: 'assets/samples/sample-child.ts',
    what: 'uses process.',
    reason: 'it is the entry of a child process: channel, exit and memory are its own',
  },
  {
    rule: 'no type holes',
    path: 'engine/core/errors.ts',
    what: 'casts through unknown',
    reason: 'the type of a row follows from its code, which a lookup by code cannot express',
  },
]

const SOURCE_FOLDERS = ['engine', 'assets', 'registry', 'minio', 'migrations']
const RULE_NAMES = Object.keys(RULES) as RuleName[]
const modules = readModules([...SOURCE_FOLDERS, 'tests'])

const isExcused = (rule: RuleName, offence: { path: string; what: string }): boolean =>
  EXCEPTIONS.some(
    (exception) =>
      exception.rule === rule &&
      exception.path === offence.path &&
      offence.what.startsWith(exception.what),
  )

test.each(RULE_NAMES)('%s', (rule) => {
  const offences = RULES[rule](modules).filter((offence) => !isExcused(rule, offence))
  expect(offences.map(({ path, what }) => `${path} ${what}`)).toEqual([])
})

test('every exception still excuses something', () => {
  const idle = EXCEPTIONS.filter(
    ({ rule, path, what }) =>
      !RULES[rule](modules).some((found) => found.path === path && found.what.startsWith(what)),
  )
  expect(idle).toEqual([])
})

test('the rules see the tree', () => {
  expect(modules.some(({ path }) => path === 'engine/index.ts')).toBe(true)
  expect(modules.some(({ path }) => path === 'tests/tidy.test.ts')).toBe(true)
  expect(modules.some(({ functions }) => functions.length > 0)).toBe(true)
})

const offencesOf = (rule: RuleName, files: Files): readonly string[] =>
  RULES[rule](Object.entries(files).map(([path, text]) => parseModule(path, text))).map(
    ({ path, what }) => `${path} ${what}`,
  )

describe('each rule catches what breaks it and nothing else', () => {
  test.each(RULE_NAMES)('%s', (rule) => {
    const { good, bad, offences } = SEEDS[rule]
    expect(offencesOf(rule, good)).toEqual([])
    expect(offencesOf(rule, bad).toSorted()).toEqual(offences.toSorted())
  })
})
