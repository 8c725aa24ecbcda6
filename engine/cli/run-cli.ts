/**
 * The command line: finds the command, parses its options, opens the project once, closes it, and
 * turns whatever was thrown into three lines and an exit code.
 */
import { Argument, Command as Program, CommanderError, Option } from 'commander'
import { EngineError } from '../core/errors.ts'
import { hasInvisible } from '../core/printable.ts'
import type { Command, CommandCall, OpenHow } from './command.ts'
import { EXIT, reportFault } from './fault.ts'
import type { Stream } from './output.ts'
import { Terminal } from './output.ts'
import { shellWord } from './text.ts'

export interface CliOptions<Opened extends AsyncDisposable> {
  readonly argv: readonly string[]
  readonly version: string
  readonly commands: readonly Command<Opened>[]
  /** what a group of commands is about, by its name */
  readonly groups: Readonly<Record<string, string>>
  readonly stdout: Stream
  readonly stderr: Stream
  readonly environment: Readonly<Record<string, string | undefined>>
  /** where relative paths and the search for a project start */
  readonly folder: string
  /** whether questions can be asked */
  readonly isInteractive: boolean
  readonly user: () => string
  readonly open: (how: OpenHow & { readonly folder: string }) => Promise<Opened>
}

interface Chosen<Opened> {
  readonly command: Command<Opened>
  readonly words: readonly string[]
  readonly options: CommandCall['options']
}

/** Runs one command line and returns the exit code; never throws. */
export async function runCli<Opened extends AsyncDisposable>(
  cli: CliOptions<Opened>,
): Promise<number> {
  const { argv, stdout, stderr, environment, isInteractive } = cli
  const plain = argv.includes('--no-color')
  const terminal = new Terminal({ stdout, stderr, environment, plain, isInteractive })
  const json = argv.includes('--json')
  const command = argv.map(shellWord).join(' ')
  try {
    const chosen = parse(cli, terminal)
    const code = chosen === undefined ? EXIT.done : await call(cli, chosen, terminal)
    return terminal.readerLeft.aborted ? EXIT.done : code
  } catch (error) {
    if (terminal.readerLeft.aborted) return EXIT.done
    return reportFault(error, { terminal, json, command, version: cli.version })
  }
}

async function call<Opened extends AsyncDisposable>(
  cli: CliOptions<Opened>,
  { command, words, options }: Chosen<Opened>,
  terminal: Terminal,
): Promise<number> {
  const run = await command.load()
  const given = options['project']
  const folder =
    typeof given === 'string' ? given : (cli.environment['TRIBUTARY_PROJECT'] ?? cli.folder)
  const actor = options['actor'] ?? cli.environment['TRIBUTARY_ACTOR']
  requireVisible(command.name, { actor, reason: options['reason'] })
  let opened: Promise<Opened> | undefined
  try {
    return await run({
      words,
      options,
      terminal,
      json: options['json'] === true,
      actor: typeof actor === 'string' && actor !== '' ? actor : cli.user(),
      folder,
      commands: cli.commands,
      open: async (how = {}) => {
        opened ??= cli.open({ ...how, folder })
        return opened
      },
    })
  } finally {
    if (opened !== undefined) await closeQuietly(opened)
  }
}

/** Who and why are kept in the audit and read by people for years. Throws USAGE. */
function requireVisible(command: string, texts: Readonly<Record<string, unknown>>): void {
  for (const [name, text] of Object.entries(texts)) {
    if (typeof text !== 'string' || !hasInvisible(text)) continue
    throw new EngineError('USAGE', { command, reason: `the ${name} holds control characters` })
  }
}

/** A project that could not be opened has nothing to close; its error was thrown already. */
async function closeQuietly(opened: Promise<AsyncDisposable>): Promise<void> {
  const project = await opened.catch(() => undefined)
  await project?.[Symbol.asyncDispose]()
}

/** The command line as a call; undefined when help or the version was all that was asked for. */
function parse<Opened extends AsyncDisposable>(
  cli: CliOptions<Opened>,
  terminal: Terminal,
): Chosen<Opened> | undefined {
  let chosen: Chosen<Opened> | undefined
  const program = programOf(cli, terminal, (command, words, options) => {
    chosen = { command, words, options }
  })
  try {
    program.parse(cli.argv, { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    if (error.exitCode === 0) return undefined
    throw usageError(error, cli.argv)
  }
  return chosen
}

function usageError(error: CommanderError, argv: readonly string[]): EngineError {
  const reason = error.message.replace(/^error: /, '').replace('\n(', ' (')
  return new EngineError('USAGE', {
    command: argv.join(' '),
    reason: error.code === 'commander.help' ? 'a command is missing' : reason,
  })
}

/** The commander program of some commands; `choose` is called with the one that was typed. */
function programOf<Opened>(
  cli: Pick<CliOptions<never>, 'argv' | 'version' | 'groups'> & {
    readonly commands: readonly Command<Opened>[]
  },
  terminal: Pick<Terminal, 'print' | 'note' | 'width'>,
  choose: (
    command: Command<Opened>,
    words: readonly string[],
    options: CommandCall['options'],
  ) => void,
): Program {
  const isTyped = ({ name }: Command<Opened>): boolean =>
    name.split(' ').every((word) => cli.argv.includes(word))
  const hasVersion = cli.commands.some(
    (command) =>
      isTyped(command) && command.options?.some(({ flags }) => flags.startsWith('--version ')),
  )
  const program = new Program('tributary')
    .description('Many submitters’ files become one trustworthy table per state, type and month.')
    // A command's own option of this name would never be reached.
    .version(cli.version, hasVersion ? '-V' : '-V, --version', 'print the version')
    .option('-C, --project <folder>', 'the project (default: this folder or one above)')
    .option('--json', 'results for programs: one document, or NDJSON for runs')
    .option('--no-color', 'no colours (as NO_COLOR)')
    .option('--actor <name>', 'who acts (default: TRIBUTARY_ACTOR, or your user name)')
    .configureHelp({ showGlobalOptions: true, helpWidth: Math.min(terminal.width, 100) })
    .configureOutput({
      writeOut: (text) => terminal.print(text.trimEnd()),
      writeErr: (text) => terminal.note(text.trimEnd()),
      outputError: () => undefined,
    })
    .exitOverride()
    .helpCommand(false)
  const groups = new Map<string, Program>()
  for (const command of cli.commands) {
    const at = command.name.indexOf(' ')
    const name = command.name.slice(0, Math.max(at, 0))
    const group = at < 0 ? program : (groups.get(name) ?? program.command(name))
    if (at >= 0 && !groups.has(name)) groups.set(name, group.description(cli.groups[name] ?? name))
    const hidden = command.isHidden === true
    const own = group.command(command.name.slice(at + 1), { hidden }).description(command.summary)
    // Start-up is paid by every call: only what was typed gets its options and help.
    if (!isTyped(command)) continue
    describe(own, command)
    own.action((...received: unknown[]) => {
      const words = received
        .slice(0, -2)
        .flat()
        .filter((word) => typeof word === 'string')
      choose(command, words, { ...program.opts(), ...own.opts() })
    })
  }
  return program
}

function describe<Opened>(program: Program, command: Command<Opened>): void {
  for (const argument of command.arguments ?? []) {
    const own = new Argument(argument.form, argument.description)
    program.addArgument(Array.isArray(argument.completes) ? own.choices(argument.completes) : own)
  }
  for (const { flags, description, choices } of command.options ?? []) {
    const option = new Option(flags, description)
    program.addOption(choices === undefined ? option : option.choices(choices))
  }
  const width = command.examples.reduce((most, [typed]) => Math.max(most, typed.length), 0)
  const lines = command.examples.map(
    ([typed, does]) => `  tributary ${typed.padEnd(width)}  ${does}`,
  )
  if (lines.length > 0) program.addHelpText('after', `\nExamples:\n${lines.join('\n')}`)
}
