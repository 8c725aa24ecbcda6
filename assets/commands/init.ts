/** `init`: a new project's folder. */
import { resolve } from 'node:path'
import type { CommandCall } from '../../engine/index.ts'
import { EXIT, counted, flagOption, textOption } from '../../engine/index.ts'
import { initProject } from '../project-template.ts'
import type { OpenedPlatform } from './opened.ts'
import type { Host } from './host.ts'

/** Runs `init`. Asks only on a terminal, and never with --yes. */
export const runInit =
  (host: Host) =>
  async (call: CommandCall<OpenedPlatform>): Promise<number> => {
    const { terminal } = call
    const folder = resolve(call.words[0] ?? '.')
    const template = textOption(call, 'template') ?? (await askTemplate(host, call)) ?? 'empty'
    const written = await initProject({
      folder,
      from: host.packageFolder,
      withSamples: template === 'demo',
    })
    if (call.json) {
      terminal.printJson({ format_version: '1.0', folder, template, files: written })
      return EXIT.done
    }
    terminal.print(`A new project in ${folder}: ${counted(written.length, 'file')}`)
    const project = folder === resolve('.') ? '' : ` --project ${folder}`
    terminal.print('Go on with:')
    terminal.print(`  ${host.command}${project} plan         what would be built, and why`)
    terminal.print(`  ${host.command}${project} materialize  build it`)
    terminal.print(`  ${host.command}${project} status       where everything stands`)
    return EXIT.done
  }

async function askTemplate(
  host: Host,
  call: CommandCall<OpenedPlatform>,
): Promise<string | undefined> {
  if (flagOption(call, 'yes') || call.json || !call.terminal.isInteractive) return undefined
  const answer = await host.question('With example submitters and deliveries? [Y/n] ')
  return /^n/i.test(answer.trim()) ? 'empty' : 'demo'
}
