/** pandas, and csv-parse with parquet-wasm, on the file of 60 columns: installed outside the repository. */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import type { Command } from '../measure.ts'
import { hasProgram } from '../measure.ts'

const cache = join(
  process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'),
  'tributary-bench',
  'readers',
)
const python = join(cache, 'python', 'bin', 'python')
const SCRIPTS = join(import.meta.dirname, 'readers')
const PYTHON = ['pandas==3.0.6', 'pyarrow==25.0.1']
const NODE = ['csv-parse@7.0.3', 'apache-arrow@21.2.0', 'parquet-wasm@0.8.0']

type Step = readonly [string, ...string[]]

export interface Reader {
  readonly name: string
  /** the file, then an empty folder */
  readonly command: (path: string, folder: string) => Command
  /** Why it cannot be used here; undefined: it can. Installs it where that is asked for. */
  readonly missing: (installs: boolean) => string | undefined
}

const missing = (name: string, steps: readonly Step[]) => (installs: boolean) => {
  const complete = join(cache, `${name}-complete`)
  if (existsSync(complete)) return undefined
  if (!installs) return '--others installs and plays it'
  mkdirSync(join(cache, 'node'), { recursive: true })
  for (const [command, ...words] of steps) {
    if (!existsSync(command) && !hasProgram(command)) return `no ${command} on the path`
    const { status, stderr } = spawnSync(command, words, { encoding: 'utf8' })
    if (status !== 0) return `${command} ${words.join(' ')} failed: ${stderr.slice(-300)}`
  }
  writeFileSync(complete, '')
  return undefined
}

export const READERS: readonly Reader[] = [
  {
    name: 'pandas',
    command: (path, folder) => ({
      command: python,
      arguments: [join(SCRIPTS, 'pandas-parse.py'), path, folder],
      environment: { PYTHONDONTWRITEBYTECODE: '1' },
    }),
    missing: missing('pandas', [
      ['python3', '-m', 'venv', join(cache, 'python')],
      [python, '-m', 'pip', 'install', '--quiet', ...PYTHON],
    ]),
  },
  {
    name: 'csv_parse_and_parquet_wasm',
    command: (path, folder) => ({
      command: process.execPath,
      arguments: [join(SCRIPTS, 'csv-parse.mjs'), path, folder, join(cache, 'node')],
    }),
    missing: missing('csv-parse', [
      ['npm', 'install', '--prefix', join(cache, 'node'), '--no-audit', '--no-fund', ...NODE],
    ]),
  },
]
