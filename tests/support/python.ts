/**
 * Python with the packages that foreign readers need, installed once into the tools' cache.
 *
 * Nothing of it is the product's: it is how other people's programs read what we publish.
 */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, rename, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

const PACKAGES = ['duckdb==2.0.0', 'polars==2.1.0', 'pyarrow==26.0.1', 'sqlglot==30.30.0']
const INSTALL_TIMEOUT_MS = 10 * 60_000

const toolsFolder = (): string =>
  process.env['TRIBUTARY_TOOLS'] ??
  join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'tributary-tools')

export interface Python {
  readonly command: string
  /** PYTHONPATH of the packages, and nothing else */
  readonly environment: Readonly<Record<string, string>>
}

/** Python with its packages; undefined, with the reason printed: it cannot be had here. */
export async function readerPython(): Promise<Python | undefined> {
  const folder = join(toolsFolder(), `readers-${PACKAGES.join('-').replaceAll('==', '-')}`)
  try {
    if (!existsSync(folder)) await install(folder)
  } catch (error) {
    const [first] = (error instanceof Error ? error.message : String(error)).split('\n')
    console.log(`left out: pip cannot install ${PACKAGES.join(' ')} (${first})`)
    return undefined
  }
  const { PATH = '', HOME = '' } = process.env
  return { command: 'python3', environment: { PATH, HOME, PYTHONPATH: folder } }
}

async function install(folder: string): Promise<void> {
  const fresh = `${folder}.${process.pid}`
  await mkdir(fresh, { recursive: true })
  try {
    const options = ['--quiet', '--disable-pip-version-check', '--only-binary', ':all:']
    await run('python3', ['-m', 'pip', 'install', ...options, '--target', fresh, ...PACKAGES], {
      timeout: INSTALL_TIMEOUT_MS,
    })
    await rename(fresh, folder)
  } finally {
    await rm(fresh, { recursive: true, force: true })
  }
}

/** Runs a script; what it printed. Throws what Python wrote to stderr. */
export async function runPython(
  { command, environment }: Python,
  script: string,
  more: Readonly<Record<string, string>> = {},
): Promise<string> {
  const { stdout } = await run(command, ['-c', script], { env: { ...environment, ...more } })
  return stdout.trim()
}
