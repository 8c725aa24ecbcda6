/** `doctor`: whether this machine and project can work; `--verify`: whether the data is sound. */
import type { CommandCall } from '../../engine/index.ts'
import { EXIT, alignColumns, flagOption } from '../../engine/index.ts'
import type { Examined } from '../verify/examine-project.ts'
import { examineProject } from '../verify/examine-project.ts'
import { verifyProject } from '../verify/verify-project.ts'
import type { OpenedPlatform } from './opened.ts'
import type { Host } from './host.ts'

/** Runs `doctor`: 5 when the project cannot work, 1 when an invariant does not hold. */
export const runDoctor =
  (host: Host) =>
  async (call: CommandCall<OpenedPlatform>): Promise<number> => {
    if (flagOption(call, 'store')) {
      const { examineStore } = await import('./doctor-store.ts')
      return examineStore(call, host)
    }
    return flagOption(call, 'verify') ? verify(call) : examine(call, host)
  }

async function verify(call: CommandCall<OpenedPlatform>): Promise<number> {
  const { terminal, json, options } = call
  const { platform } = await call.open({ sync: false })
  const { green, red } = terminal.out
  const results = await verifyProject(platform, {
    deep: options['deep'] === true,
    onResult: ({ id, holds, words }) => {
      if (!json)
        terminal.print(`${holds ? green('holds') : red('broken')}  ${id.padEnd(3)}  ${words}`)
    },
  })
  const isGood = results.every(({ holds }) => holds)
  if (json) terminal.printJson({ format_version: '1.0', holds: isGood, invariants: results })
  return isGood ? EXIT.done : EXIT.failed
}

/** Opens nothing: a project that cannot be opened is what it is asked about. */
async function examine(
  { terminal, json, folder }: CommandCall<OpenedPlatform>,
  host: Host,
): Promise<number> {
  const { config, migrations } = await host.look(folder)
  const { settings, examined, exitCode } = await examineProject(config, {
    migrations,
    nodeVersion: host.nodeVersion,
    askInbox: host.askInbox,
    askStore: host.askStore,
  })
  if (json) {
    terminal.printJson({ format_version: '1.0', usable: exitCode === 0, examined, settings })
    return exitCode
  }
  const { green, yellow, red, dim } = terminal.out
  const paint = { ok: green, warning: yellow, error: red }
  const rows = examined.map((one) => [paint[one.level](one.level), one.name, sentence(one)])
  terminal.print(alignColumns(['', '', ''], rows).join('\n'))
  const cells = settings.map(({ name, value, origin }) => [name, value, origin])
  terminal.print(`\n${alignColumns(['setting', 'value', 'from'], cells, dim).join('\n')}`)
  terminal.print('\nWhether the data is sound:  tributary doctor --verify')
  return exitCode
}

const sentence = ({ words, fix }: Examined): string =>
  fix === undefined ? words : `${words}; ${fix}`
