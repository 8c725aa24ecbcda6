/**
 * Shell completion for bash, zsh, fish and PowerShell: commands, options, choices, assets and keys.
 *
 * The shell's script calls `tributary complete -- WORDS`. Declarations answer it; only for the name
 * of an asset or partition is the project opened, and without one nothing is offered.
 */
import { RootCommand, script } from '@bomb.sh/tab'
import { ERRORS } from '../core/errors.ts'
import type { CommandCall, CommandOption, Completes, OpenProject } from './command.ts'
import { EXIT } from './fault.ts'
import { nodePath } from './node-name.ts'

type Offer = (value: string, description: string) => void

/** Runs `completion SHELL`: the script to source. */
export async function runCompletion({ words }: CommandCall): Promise<number> {
  script(words[0] ?? 'bash', 'tributary', 'tributary')
  return EXIT.done
}

/** Runs `complete -- WORDS`: one candidate a line, as the script expects. */
export async function runComplete(call: CommandCall): Promise<number> {
  const root = new RootCommand()
  const last = call.words.at(-1) ?? ''
  const names = await projectNames(call, last)
  for (const [flags, description] of GLOBAL_OPTIONS) addOption(root, { flags, description })
  for (const command of call.commands) {
    if (command.isHidden === true) continue
    const own = root.command(command.name, command.summary)
    for (const option of command.options ?? []) addOption(own, option)
    for (const argument of command.arguments ?? []) {
      const { completes, form } = argument
      const offer = (complete: Offer): void => {
        for (const word of wordsFor(completes, names)) complete(word, '')
      }
      own.argument(form.replaceAll(/[<>[\].]/g, ''), offer, form.includes('...'))
    }
  }
  root.parse([...call.words])
  return EXIT.done
}

const GLOBAL_OPTIONS: readonly (readonly [string, string])[] = [
  ['--project <folder>', 'the project'],
  ['--json', 'results for programs'],
  ['--no-color', 'no colours'],
  ['--actor <name>', 'who acts'],
]

function addOption(
  command: RootCommand | ReturnType<RootCommand['command']>,
  option: CommandOption,
): void {
  const long = /--([\w-]+)/.exec(option.flags)?.[1]
  const short = /^-(\w),/.exec(option.flags)?.[1]
  if (long === undefined) return
  if (!option.flags.includes('<')) {
    command.option(long, option.description, ...(short === undefined ? [] : [short]))
    return
  }
  const choices = (complete: Offer): void => {
    for (const choice of option.choices ?? []) complete(choice, '')
  }
  command.option(long, option.description, choices, ...(short === undefined ? [] : [short]))
}

function wordsFor(completes: Completes | undefined, names: readonly string[]): readonly string[] {
  if (completes === 'code') return Object.keys(ERRORS)
  if (completes === 'selection' || completes === 'node') return names
  return typeof completes === 'object' ? completes : []
}

const KEYS_MAX = 200

/** The assets; once one is typed, its partitions that begin as typed. */
async function projectNames(call: CommandCall, typed: string): Promise<readonly string[]> {
  const command = call.commands.find(({ name }) => call.words.join(' ').startsWith(`${name} `))
  const isAsked = command?.arguments?.some(
    ({ completes }) => completes === 'selection' || completes === 'node',
  )
  if (isAsked !== true || typed.startsWith('-')) return []
  const opened = await call.open({ sync: false }).catch(() => undefined)
  if (opened === undefined) return []
  const assets = [...opened.project.graph.assets.keys()]
  const cut = typed.indexOf('/')
  return cut < 0 ? assets : keysOf(opened, typed.slice(0, cut), typed.slice(cut + 1))
}

async function keysOf(
  { project }: OpenProject,
  asset: string,
  prefix: string,
): Promise<readonly string[]> {
  const rows = await project.catalog.db
    .selectFrom('node')
    .innerJoin('asset', 'asset.id', 'node.asset')
    .select('node.key')
    .where('asset.name', '=', asset)
    .where('node.key', '>=', prefix)
    .where('node.key', '<', `${prefix}\u{10FFFF}`)
    .orderBy('node.key')
    .limit(KEYS_MAX)
    .execute()
  return rows.map(({ key }) => nodePath({ asset, key }))
}
