/** Lines that attack what reads them: SQL, paths, markup, formulas, naughty strings. Never in the repository. */
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { dataFolder } from '../support/scenario.ts'

/** Every different line of every list, with marks of our own that the lists lack; undefined: they are absent. */
export function readPayloads(): readonly string[] | undefined {
  const folder = dataFolder('suites/payloads')
  if (folder === undefined) return undefined
  const lines = readdirSync(folder)
    .filter((name) => /\.(?:txt|json)$/.test(name))
    .toSorted()
    .flatMap((name) => {
      const text = readFileSync(join(folder, name), 'utf8')
      return name.endsWith('.json') ? (JSON.parse(text) as readonly string[]) : text.split('\n')
    })
  return [...new Set([...lines, ...OWN])]
}

/** What moves a cursor, ends a line, reorders text, or is no text at all. */
export const OWN: readonly string[] = [
  '\u001b[2J\u001b[1;1H',
  '\u001b]0;title\u0007',
  '\u009b31m',
  'one\ntwo',
  'gpj.\u202exslx',
  '\u2028',
  'a\0b',
  '\ud800',
  '\ufeff',
  '../../outside',
  '..\\..\\outside',
  '__proto__',
  'constructor',
  "'||(SELECT 1)||'",
  '" FROM canary; DROP TABLE canary; --',
]

/** Whether something printed could move a cursor or hide what it says: written apart from the rule it tests. */
export const isUnsafe = (printed: string): boolean =>
  printed.split('').some((mark) => {
    const code = mark.charCodeAt(0)
    const isControl = code < 0x20 || (code >= 0x7f && code <= 0x9f)
    const turns =
      code === 0x61c ||
      code === 0x200e ||
      code === 0x200f ||
      (code >= 0x2028 && code <= 0x202e) ||
      (code >= 0x2066 && code <= 0x2069)
    return (isControl && mark !== '\n') || turns
  })
