/** Runs a program of the tests in a process of its own and tells how it ended. */
import { spawn } from 'node:child_process'

export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

/** Waits for its end, whatever it is. `command` comes before node: strace, prlimit, unshare. */
export async function runNode(
  words: readonly string[],
  options: {
    readonly command?: readonly string[]
    readonly env?: Readonly<Record<string, string>>
  } = {},
): Promise<Ended> {
  const [program = '', ...rest] = [...(options.command ?? []), process.execPath, ...words]
  const env = { ...process.env, ...options.env }
  const child = spawn(program, rest, { env, stdio: ['ignore', 'pipe', 'pipe'] })
  const said = { stdout: '', stderr: '' }
  child.stdout.on('data', (chunk: Buffer) => (said.stdout += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (said.stderr += chunk.toString()))
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => resolve({ code, signal, ...said }))
  })
}
