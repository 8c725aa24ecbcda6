/** `registry check`: every error of every file, with its place. Needs no catalog without samples. */
import { resolve } from 'node:path'
import type { CommandCall } from '../../engine/index.ts'
import { EXIT, counted, textOption } from '../../engine/index.ts'
import { loadFolder } from '../../registry/folder.ts'
import { readRegistry } from '../../registry/read.ts'
import type { Registry } from '../../registry/registry.ts'
import type { Issue, RegistryFile } from '../../registry/source.ts'
import { findProject } from '../config.ts'
import type { OpenedPlatform } from './opened.ts'

/** Runs `registry check`: 2 when there is an error. */
export async function runCheck(call: CommandCall<OpenedPlatform>): Promise<number> {
  const { terminal } = call
  const files = await loadFolder(findProject(call.folder))
  const read = readRegistry(files)
  const issues = [...read.issues, ...(await samplesOf(call, read.registry, files))]
  const isGood = issues.every(({ kind }) => kind !== 'error')
  if (call.json) {
    terminal.printJson({ format_version: '1.0', valid: isGood, files: files.length, issues })
    return isGood ? EXIT.done : EXIT.usage
  }
  for (const { kind, file, line, column, text } of issues) {
    const word = kind === 'error' ? terminal.out.red(kind) : terminal.out.yellow(kind)
    terminal.print(`${file}:${line}:${column} ${word} ${text}`)
  }
  const errors = issues.filter(({ kind }) => kind === 'error').length
  terminal.print(
    isGood
      ? `${counted(files.length, 'file')}: valid${issues.length > 0 ? `, ${counted(issues.length, 'warning')}` : ''}`
      : `${counted(files.length, 'file')}: ${counted(errors, 'error')}`,
  )
  return isGood ? EXIT.done : EXIT.usage
}

/** What samples say of the layouts; of a registry with errors nothing is asked. */
async function samplesOf(
  call: CommandCall<OpenedPlatform>,
  registry: Registry | undefined,
  files: readonly RegistryFile[],
): Promise<readonly Issue[]> {
  const samples = textOption(call, 'samples')
  if (samples === undefined || registry === undefined) return []
  const { platform } = await call.open({ sync: false })
  const { lintSamples } = await import('./sample-lint.ts')
  return lintSamples(platform, { registry, files, samples: resolve(samples) })
}
