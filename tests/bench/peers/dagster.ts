/** The job on Dagster, in a Python environment outside the repository. */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import type { Command } from '../measure.ts'
import { hasProgram, mustRun } from '../measure.ts'
import type { Peer } from './peer.ts'

const VERSION = '1.13.27'
const cache = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache')
const environment = join(cache, 'tributary-bench', `dagster-${VERSION}`)
const python = join(environment, 'bin', 'python')
const worker = join(import.meta.dirname, 'dagster', 'worker.py')

/** Installs Dagster where it is missing. Returns why it cannot be used; undefined: it can. */
export function installDagster(): string | undefined {
  if (existsSync(join(environment, 'complete'))) return undefined
  if (!hasProgram('python3')) return 'no python3 on the path'
  const steps: readonly (readonly [string, ...string[]])[] = [
    ['python3', '-m', 'venv', environment],
    [python, '-m', 'pip', 'install', '--quiet', `dagster==${VERSION}`],
  ]
  for (const [command, ...words] of steps) {
    const { status, stderr } = spawnSync(command, words, { encoding: 'utf8' })
    if (status !== 0) return `${command} ${words.join(' ')} failed: ${stderr.slice(-300)}`
  }
  writeFileSync(join(environment, 'complete'), '')
  return undefined
}

/** `single`: one run over each range of keys (its fastest); else one run a key (its most exact). */
export function dagster(single: boolean): Peer {
  const run = (root: string, n: number, words: readonly string[]): Command => ({
    command: python,
    arguments: [worker, ...words],
    environment: {
      ROOT: root,
      N: String(n),
      SINGLE: single ? '1' : '0',
      DAGSTER_HOME: join(root, 'home'),
      PYTHONWARNINGS: 'ignore',
      PYTHONDONTWRITEBYTECODE: '1',
    },
  })
  return {
    name: single ? 'dagster_ranges' : 'dagster_per_key',
    version: VERSION,
    output: (root, m) => join(root, 'canonical', `${m}.json`),
    prepare: async (root, n) => {
      for (const folder of ['silver', 'gold', 'canonical', 'home']) mkdirSync(join(root, folder))
      writeFileSync(join(root, 'home', 'dagster.yaml'), 'telemetry:\n  enabled: false\n')
      await mustRun(run(root, n, []))
    },
    build: (root, n, first) => run(root, n, [first ? 'first' : 'stale']),
  }
}
