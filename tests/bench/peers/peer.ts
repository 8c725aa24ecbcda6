/** Plays the job's eight cases on one engine and counts what it executed. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Command, Measure } from '../measure.ts'
import { median, mustRun, rounded } from '../measure.ts'
import type { Case } from './cases.ts'
import { CASES, edit, generate, staleOutputs, takeLog } from './cases.ts'

/** An engine that can do the job in a folder. */
export interface Peer {
  readonly name: string
  readonly version: string
  /** after the sources are there, before the first build */
  readonly prepare?: (root: string, n: number) => Promise<void> | void
  readonly build: (root: string, n: number, first: boolean) => Command
  /** where it puts canonical[m]; default: our store */
  readonly output?: (root: string, m: number) => string
}

/** One case: builds counted in exec.log, medians of the process. */
export interface CaseResult {
  readonly executed: readonly number[]
  readonly needed: readonly number[]
  readonly wall_ms: number
  readonly cpu_ms: number
}

export interface JobResult {
  readonly version: string
  readonly cases: Readonly<Record<string, CaseResult>>
  /** every build that was needed ran, and no other: by name, not by count */
  readonly exact: boolean
  /** canonical files that a user would read wrongly after all cases */
  readonly stale_outputs: number
}

/** File times have to move between a build and the next edit. */
const TICK_MS = 20

export async function playJob(
  peer: Peer,
  { root, n, rounds }: { readonly root: string; readonly n: number; readonly rounds: number },
): Promise<JobResult> {
  generate(root, n)
  await peer.prepare?.(root, n)
  await sleep(TICK_MS)
  const cases: Record<string, CaseResult> = {}
  let exact = true
  const play = async (name: 'a' | Case, prepare: (() => readonly string[])[]): Promise<void> => {
    const executed: number[] = []
    const needed: number[] = []
    const measures: Measure[] = []
    for (const change of prepare) {
      await sleep(TICK_MS)
      const want = change().toSorted()
      measures.push(await mustRun(peer.build(root, n, name === 'a')))
      const ran = takeLog(root)
      executed.push(ran.length)
      needed.push(want.length)
      exact &&= ran.join() === want.join()
    }
    cases[name] = {
      executed,
      needed,
      wall_ms: rounded(median(measures.map((one) => one.wallMs))),
      cpu_ms: rounded(median(measures.map((one) => one.cpuMs))),
    }
  }
  await play('a', [() => firstBuilds(n)])
  let round = 0
  for (const name of CASES) {
    const one = (): readonly string[] => edit(root, name, { n, round: ++round })
    await play(
      name,
      Array.from({ length: rounds }, () => one),
    )
  }
  const stale = staleOutputs(root, n, peer.output)
  return { version: peer.version, cases, exact: exact && stale === 0, stale_outputs: stale }
}

/** Every build there is, sorted. */
export const firstBuilds = (n: number): readonly string[] => {
  const keys = Array.from({ length: n }, (_, i) => String(i))
  const months = keys.slice(0, Math.floor(n / 10))
  return [
    ...keys.flatMap((i) => [`silver ${i}`, `gold ${i}`]),
    ...months.map((m) => `canonical ${m}`),
  ].toSorted()
}
