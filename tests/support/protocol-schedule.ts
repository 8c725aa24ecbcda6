/**
 * Runs protocol P under random schedules of workers, deaths and sleepers, and looks after each step.
 *
 * A worker that was overtaken may go on at any later time: a frozen process that thaws.
 */
import type { Breach, Variant, Version, Worker, World } from './protocol-model.ts'
import { Protocol } from './protocol-model.ts'

export interface CheckResult {
  readonly violations: readonly string[]
  readonly kills: number
  readonly overtaken: number
  readonly commits: number
  /** parts that a commit took over from the version before */
  readonly carried: number
}

interface Options {
  readonly variant: Variant
  readonly schedules: number
  readonly seed: number
  readonly breach?: Breach
}

/** Deterministic random numbers (mulberry32). */
function randomFrom(seed: number): (below: number) => number {
  let state = seed >>> 0
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296) * below)
  }
}

const VIOLATIONS_MAX = 5

/** Runs many schedules. Stops at the first few violations; each names its schedule's seed. */
export function checkProtocol(options: Options): CheckResult {
  const violations: string[] = []
  const sums = { kills: 0, overtaken: 0, commits: 0, carried: 0 }
  for (let at = 0; at < options.schedules && violations.length < VIOLATIONS_MAX; at++) {
    const seed = options.seed * 1_000_003 + at
    const schedule = new Schedule(options, randomFrom(seed))
    for (const what of schedule.run()) violations.push(`seed ${seed}: ${what}`)
    const happened = { kills: schedule.kills, ...schedule.counts }
    for (const name of ['kills', 'overtaken', 'commits', 'carried'] as const)
      sums[name] += happened[name]
  }
  return { violations, ...sums }
}

const STEPS_MAX = 2_000
const TURNS = 100
const WORKERS_MAX = 3

class Schedule {
  kills = 0
  readonly #options: Options
  readonly #random: (below: number) => number
  readonly #protocol: Protocol

  constructor(options: Options, random: (below: number) => number) {
    this.#options = options
    this.#random = random
    this.#protocol = new Protocol(options, random)
  }

  get #world(): World {
    return this.#protocol.world
  }

  /** What happened: transactions refused, commits, parts taken over. */
  get counts(): Omit<CheckResult, 'violations' | 'kills'> {
    const { overtaken, commits, carried } = this.#protocol
    return { overtaken, commits, carried }
  }

  run(): readonly string[] {
    const live: Worker[] = []
    const frozen: Worker[] = []
    const step = (worker: Worker): boolean => {
      const { done } = worker.next()
      this.#look()
      return done !== true
    }
    for (let at = 0; at < TURNS; at++) {
      const dice = this.#random(20)
      if (live.length < WORKERS_MAX && dice < 4) live.push(this.#protocol.worker())
      else if (dice < 6) this.#world.wanted = [this.#random(2), this.#random(3)]
      else if (dice < 7 && live.length > 0) this.#kill(live, frozen)
      else this.#advance(this.#random(10) === 0 ? frozen : live, step)
    }
    // The lease of whoever still runs ends too; zombies thaw among the workers that follow.
    frozen.push(...live)
    for (let at = 0; at < STEPS_MAX && frozen.length > 0; at++) {
      const worker = frozen[this.#random(frozen.length)]
      if (worker !== undefined && !step(worker)) frozen.splice(frozen.indexOf(worker), 1)
    }
    this.#rest(step)
    return [...this.#protocol.violations]
  }

  /** One worker goes on, by a step or by many: some sleep while others finish. */
  #advance(workers: Worker[], step: (worker: Worker) => boolean): void {
    const worker = workers[this.#random(workers.length)]
    if (worker === undefined) return
    for (let left = this.#random(3) === 0 ? this.#random(20) : 1; left > 0; left--) {
      if (!step(worker)) return void workers.splice(workers.indexOf(worker), 1)
    }
  }

  /** Half of the dead come back: a frozen process does not know that its lease ended. */
  #kill(live: Worker[], frozen: Worker[]): void {
    const [worker] = live.splice(this.#random(live.length), 1)
    this.kills++
    if (worker !== undefined && this.#random(2) === 0) frozen.push(worker)
  }

  /** Faults stop: two runs later everything must be at rest. */
  #rest(step: (worker: Worker) => boolean): void {
    for (let run = 0; run < 2; run++) {
      const worker = this.#protocol.worker()
      for (let at = 0; step(worker); at++) {
        if (at > STEPS_MAX) return void this.#protocol.violations.add('a run does not end')
      }
    }
    this.#sweep()
    const { current, wanted, intent, manifests } = this.#world
    const note = (what: string): void => void this.#protocol.violations.add(`at rest: ${what}`)
    if (current.parts.map((part) => part.content).join() !== wanted.join())
      note('not what was wanted')
    if (intent !== undefined) note('an intent is open')
    const highest = Math.max(0, ...manifests.keys())
    if (highest !== current.number) note(`manifest ${highest}, commit ${current.number}`)
    const seen = this.#visible()
    const right = current.parts.map((part) => part.at)
    if (seen.toSorted().join() !== right.toSorted().join())
      note(`readers see ${seen.join(' ')}, not ${right.join(' ')}`)
  }

  /** What must hold after every step of anyone. */
  #look(): void {
    const { current, manifests, objects, retained } = this.#world
    const check = (version: Version, name: string): void => {
      for (const part of version.parts) {
        if (objects.get(part.at) !== part.content)
          this.#protocol.violations.add(`${name} names ${part.at}, which is not there`)
      }
    }
    check(current, 'the catalog')
    for (const version of retained) check(version, 'a retained version')
    const highest = Math.max(0, ...manifests.keys())
    const parts = manifests.get(highest)
    if (parts !== undefined && highest === current.number)
      check({ number: highest, parts }, 'the manifest')
    if (this.#options.variant === 'links') this.#lookAtLink()
    // Anything a plain reader sees was committed, now or before.
    if (highest > current.number) this.#protocol.violations.add('a manifest leads the catalog')
  }

  #lookAtLink(): void {
    const { link, current, objects } = this.#world
    if (link === undefined) return
    if (link.number > current.number) this.#protocol.violations.add('the link leads the catalog')
    if (link.parts.some((part) => !objects.has(part.at)))
      this.#protocol.violations.add('the link shows a version without its parts')
  }

  #visible(): readonly string[] {
    const { objects, link } = this.#world
    return this.#options.variant === 'links'
      ? (link?.parts ?? []).map((part) => part.at)
      : [...objects.keys()]
  }

  /** Removes what no version and no open intent names: the only one to, once everything is at rest. */
  #sweep(): void {
    const { objects, current, retained, intent } = this.#world
    const named = new Set(
      [current, ...retained].flatMap(({ parts }) => parts.map((part) => part.at)),
    )
    for (const at of objects.keys()) {
      if (!named.has(at) && intent?.staged.includes(at) !== true) {
        // A part whose abort lost against its completion is what the sweeper is for; others are not.
        if (this.#options.variant === 'objects' && !this.#world.uploads.has(at))
          this.#protocol.violations.add('an orphan')
        if (this.#options.breach !== 'abort believed') objects.delete(at)
      }
    }
    if (this.#options.variant === 'objects') {
      // Superseded versions are kept out of the readers' sight where there is no link.
      for (const version of retained)
        for (const part of version.parts) {
          if (!current.parts.some(({ at }) => at === part.at)) objects.delete(part.at)
        }
      this.#world.retained = []
    }
  }
}
