/**
 * Measures processes: wall time, CPU of the whole tree, exit code and output.
 *
 * CPU is user + system of every reaped descendant, as the shell's `times` tells it. On shared
 * machines it is the firm column; wall time is a median of interleaved repetitions.
 */
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'

export interface Command {
  readonly command: string
  readonly arguments: readonly string[]
  readonly folder?: string
  readonly environment?: Readonly<Record<string, string>>
}

export interface Measure {
  readonly wallMs: number
  readonly cpuMs: number
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

// bash prints milliseconds, a POSIX shell may print hundredths of a second.
const SHELL = ['/bin/bash', '/usr/bin/bash'].find((path) => existsSync(path)) ?? '/bin/sh'
const SCRIPT = '"$@"; code=$?; times >&3; exit $code'

/** Runs a command to its end. Never throws for an exit code. */
export async function measure(what: Command): Promise<Measure> {
  const started = performance.now()
  const child = spawn(SHELL, ['-c', SCRIPT, 'bench', what.command, ...what.arguments], {
    cwd: what.folder,
    env: { ...process.env, ...what.environment },
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  })
  const texts = ['', '', '']
  for (const [at, stream] of child.stdio.slice(1).entries()) {
    stream?.on('data', (bytes: Buffer) => (texts[at] += bytes.toString()))
  }
  const code = await new Promise<number>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (status) => resolve(status ?? -1))
  })
  const wallMs = performance.now() - started
  const [stdout = '', stderr = '', times = ''] = texts
  return { wallMs, cpuMs: childrenMs(times), code, stdout, stderr }
}

/** The second line of `times`: user and system time of the children. */
function childrenMs(times: string): number {
  const [, children = ''] = times.trim().split('\n')
  const parts = [...children.matchAll(/(\d+)m([\d.]+)s/g)]
  return parts.reduce(
    (sum, [, minutes, seconds]) => sum + Number(minutes) * 60_000 + Number(seconds) * 1000,
    0,
  )
}

/** As measure, and throws with what was said when the command fails. */
export async function mustRun(what: Command): Promise<Measure> {
  const one = await measure(what)
  if (one.code === 0) return one
  const words = [what.command, ...what.arguments].join(' ')
  throw new Error(`${words} ended with ${one.code}: ${one.stderr.slice(-2000)}`)
}

/** A Node that does nothing: the unit of start-up times. */
export const EMPTY_NODE: Command = { command: process.execPath, arguments: ['-e', '0'] }

/**
 * Runs each command `rounds` times, one after another in turns. An unmeasured round goes first,
 * unless there is to be one round only.
 */
export async function interleaved(
  commands: readonly Command[],
  rounds: number,
): Promise<readonly (readonly Measure[])[]> {
  const all = commands.map((): Measure[] => [])
  for (let round = rounds === 1 ? 1 : 0; round <= rounds; round++) {
    for (const [at, command] of commands.entries()) {
      const one = await mustRun(command)
      if (round > 0) all[at]?.push(one)
    }
  }
  return all
}

/** The middle value; of an even number of them the lower. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? Number.NaN
}

/** Rounded to three significant digits: more would be noise. */
export const rounded = (value: number): number => Number(value.toPrecision(3))

/** The middle wall and CPU time. */
export const medians = (
  measures: readonly Measure[],
): { readonly wall_ms: number; readonly cpu_ms: number } => ({
  wall_ms: rounded(median(measures.map((one) => one.wallMs))),
  cpu_ms: rounded(median(measures.map((one) => one.cpuMs))),
})

/** Whether a program is on the path. */
export const hasProgram = (name: string): boolean =>
  (process.env['PATH'] ?? '').split(delimiter).some((folder) => existsSync(join(folder, name)))

/** A folder that is removed when the work in it has ended. */
export async function inFolder<Result>(work: (folder: string) => Promise<Result>): Promise<Result> {
  const folder = mkdtempSync(
    join(process.env['TRIBUTARY_BENCH_DIR'] ?? tmpdir(), 'tributary-bench-'),
  )
  try {
    return await work(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
