/** `help CODE`: what an error means and what to do, from the table that throws it. */
import type { ErrorCode } from '../core/errors.ts'
import { EXIT_CODES } from '../core/error-rows.ts'
import { ERRORS, EngineError } from '../core/errors.ts'
import { nearestName } from '../core/nearest-name.ts'
import type { CommandCall } from './command.ts'
import { flagOption } from './command.ts'
import { EXIT } from './fault.ts'
import { FORMAT_VERSION } from './plan-json.ts'
import { alignColumns } from './text.ts'

const RETRY = {
  never: 'no: something has to change first',
  'when-input-changes': 'once the input or the registry changes',
  backoff: 'yes: it may succeed later',
} as const

interface CodeHelp {
  readonly code: string
  readonly fault: string
  readonly exit_code: number
  readonly again: string
  readonly hint: string
}

function helpOf(code: ErrorCode): CodeHelp {
  const { fault, retry, hint } = ERRORS[code]
  return { code, fault, exit_code: EXIT_CODES[fault], again: RETRY[retry], hint }
}

const isCode = (text: string): text is ErrorCode => Object.hasOwn(ERRORS, text)

/** Runs `help`. */
export async function runHelp({
  terminal,
  json,
  words,
  options,
  commands,
}: CommandCall): Promise<number> {
  const codes = Object.keys(ERRORS).filter(isCode)
  if (flagOption({ options }, 'codes')) {
    const rows = codes.map(helpOf)
    if (json) terminal.printJson({ format_version: FORMAT_VERSION, codes: rows })
    else {
      const cells = rows.map((row) => [row.code, String(row.exit_code), row.hint])
      terminal.print(
        alignColumns(['code', 'exit', 'what to do'], cells, terminal.out.dim).join('\n'),
      )
    }
    return EXIT.done
  }
  const [name] = words
  if (name === undefined) {
    const cells = commands.map((command) => [`  ${command.name}`, command.summary])
    terminal.print(['Commands:', ...alignColumns(['', ''], cells)].join('\n'))
    terminal.print('\nOne command: tributary COMMAND --help · an error code: tributary help CODE')
    return EXIT.done
  }
  const code = name.toUpperCase()
  if (!isCode(code)) {
    if (commands.some((command) => command.name.split(' ')[0] === name)) {
      terminal.print(`tributary ${name} --help`)
      return EXIT.done
    }
    throw new EngineError('CODE_UNKNOWN', { name, nearest: nearestName(code, codes) })
  }
  const help = helpOf(code)
  if (json) terminal.printJson({ format_version: FORMAT_VERSION, ...help })
  else {
    const rows = [
      ['who has to act', help.fault],
      ['exit code', String(help.exit_code)],
      ['worth trying again', help.again],
      ['what to do', help.hint],
    ]
    terminal.print([terminal.out.bold(code), ...alignColumns(['', ''], rows)].join('\n'))
  }
  return EXIT.done
}
