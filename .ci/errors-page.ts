/**
 * docs/errors.md, from the ERRORS table: one section a code, in the table's order.
 *
 * A message is shown as its template: each value of the context stands as `‹its name›`.
 */
import type { ErrorCode } from '../engine/core/errors.ts'
import { EXIT_CODES } from '../engine/core/error-rows.ts'
import { ERRORS } from '../engine/core/errors.ts'

const RETRY_WORDS = {
  never: 'no',
  'when-input-changes': 'after the input has changed',
  backoff: 'yes, later: the program does so by itself where it can',
} as const

const FAULT_WORDS = {
  usage: 'whoever typed the command',
  config: 'whoever edits the project',
  input: 'the submitter of the file',
  conflict: 'nobody: another run was in the way',
  upstream: 'the site or service that failed',
  bug: 'the authors of the program',
} as const

/**
 * Stands for a context value inside a message: as text it is `‹path›`, its fields are named by
 * their path, a list of it has one element, and any other method gives the same value back.
 */
function placeholder(path: string): unknown {
  const value = (): string => `‹${path}›`
  return new Proxy(value, {
    get(_, field) {
      if (typeof field === 'symbol') return field === Symbol.iterator ? undefined : value
      if (field === 'toString' || field === 'join') return value
      if (field === 'map' || field === 'flatMap') {
        return (each: (one: unknown) => unknown): unknown[] => [each(placeholder(`${path}[]`))]
      }
      return placeholder(path === '' ? field : `${path}.${field}`)
    },
    // Only a method is called: `path` ends in its name.
    apply: () => placeholder(path.slice(0, Math.max(0, path.lastIndexOf('.')))),
  })
}

function messageTemplate(code: ErrorCode): string {
  const text: (context: never) => string = ERRORS[code].text
  return text(placeholder('') as never)
}

function section(code: ErrorCode): string {
  const { fault, retry, hint } = ERRORS[code]
  return [
    `## ${code}`,
    ['```text', messageTemplate(code), '```'].join('\n'),
    `**What to do:** ${hint}`,
    `Who acts: ${FAULT_WORDS[fault]} (\`${fault}\`, exit code ${EXIT_CODES[fault]}). ` +
      `Worth trying again: ${RETRY_WORDS[retry]}.`,
  ].join('\n\n')
}

/** The whole text of docs/errors.md. */
export function errorsPage(): string {
  const codes = Object.keys(ERRORS) as ErrorCode[]
  const head = [
    '# Errors',
    '<!-- Generated from engine/core/errors.ts by `npm run gen`. Do not edit. -->',
    'Every error the program raises on purpose has a code, a message, and what to do about it. ' +
      '`tributary help CODE` prints the same. `‹name›` stands for a value; ' +
      "no message ever holds a cell's value.",
  ]
  return `${[...head, ...codes.map(section)].join('\n\n')}\n`
}
