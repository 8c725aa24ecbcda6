/**
 * Errors as people and programs read them: what, where, what to do.
 *
 * A defect of the program leaves a report beside the project: versions, command and stack, and no
 * value of any row, because no error of ours holds one and messages of others are left out.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { EXIT_CODES } from '../core/error-rows.ts'
import { EngineError, isEngineError } from '../core/errors.ts'
import { printable } from '../core/printable.ts'
import type { Terminal } from './output.ts'

export interface FaultContext {
  readonly terminal: Terminal
  readonly json: boolean
  /** what was typed, for the person's orientation: `plan gold_canonical` */
  readonly command: string
  /** the version of this program */
  readonly version: string
}

/** Writes an error and returns its exit code. */
export function reportFault(error: unknown, context: FaultContext): number {
  const known = isEngineError(error) ? error : unexpected(error)
  const file = known.fault === 'bug' ? writeCrashReport(error, context) : undefined
  const { terminal, json } = context
  const [what = '', ...places] = known.message.split('\n')
  if (json) terminal.printJson({ format_version: '1.0', error: faultJson(known, file) })
  const where =
    places.length > 0
      ? places
      : [`  ${placeOf(known) ?? `tributary ${printable(context.command)}`}`]
  terminal.note(`${terminal.err.red('error')} ${terminal.err.bold(known.code)}: ${what}`)
  for (const place of where) terminal.note(` where:${place.slice(1)}`)
  terminal.note(` to do: ${known.hint}  (tributary help ${known.code})`)
  if (file !== undefined) terminal.note(`report: ${file}`)
  return known.exitCode
}

const faultJson = (error: EngineError, report: string | undefined): object => ({
  code: error.code,
  text: error.message,
  hint: error.hint,
  exit_code: error.exitCode,
  ...(report !== undefined && { report }),
})

/** An error of somebody else: disk and database are known by their codes, the rest is a defect. */
function unexpected(error: unknown): EngineError {
  const cause = { cause: error }
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  if (/^(ENOSPC|EDQUOT|SQLITE_FULL)$/.test(code)) {
    return new EngineError('DISK_FULL', { what: `a write (${code})` }, cause)
  }
  // PostgreSQL: 08 connection, 53 resources, 57 the operator.
  if (/^SQLITE_|^ECONN|^ENOTFOUND$|^(08|53|57)[0-9A-Z]{3}$/.test(code)) {
    return new EngineError('CATALOG_UNUSABLE', { catalog: 'of this project', reason: code }, cause)
  }
  const name = error instanceof Error ? error.name : 'something that is no error'
  return new EngineError('ASSERTION', { what: `${name} was thrown` }, cause)
}

/** The part of an error's context that names a place. */
const PLACES = ['file', 'path', 'node', 'catalog', 'store', 'folder', 'selection', 'subject']

function placeOf(error: EngineError): string | undefined {
  const context: Readonly<Record<string, unknown>> = { ...error.context }
  const name = PLACES.find((one) => typeof context[one] === 'string')
  return name === undefined ? undefined : printable(String(context[name]))
}

function writeCrashReport(error: unknown, { command, version }: FaultContext): string | undefined {
  const folder = join(tmpdir(), 'tributary-reports')
  const file = join(folder, `crash-${process.pid}.txt`)
  const [word = ''] = command.split(' ')
  const lines = [
    `tributary ${version}, node ${process.version}, ${process.platform} ${process.arch}`,
    `command: ${word}`,
    ...stackLines(error),
  ]
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    writeFileSync(file, `${lines.join('\n')}\n`, { mode: 0o600 })
    return file
  } catch (failure) {
    // The report is a courtesy: a full disk must not hide the error itself.
    if (failure instanceof Error) return undefined
    throw failure
  }
}

/** Names and frames; messages may quote data and are left out, but for our own. */
function stackLines(error: unknown): readonly string[] {
  const lines: string[] = []
  for (let at = error; at instanceof Error; at = at.cause) {
    lines.push(isEngineError(at) ? `${at.code}: ${at.message}` : at.name)
    lines.push(...(at.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line)))
  }
  return lines
}

/** Every exit code of the program. */
export const EXIT = {
  done: 0,
  failed: EXIT_CODES.input,
  usage: EXIT_CODES.usage,
  pending: 3,
  busy: EXIT_CODES.conflict,
  unreachable: EXIT_CODES.upstream,
  bug: EXIT_CODES.bug,
  interrupted: 130,
} as const
