/**
 * A model of protocol P (design §5) and a checker that runs it under random schedules.
 *
 * Workers are generators: each `yield` is a point where another may run or the worker may die. A
 * transaction is one step. A worker that was overtaken may be resumed at any later time (a frozen
 * process that thaws). Two stores: `objects` with uncompleted uploads, where a part becomes
 * visible by itself, and `links`, where a version's folder becomes visible when a link is swapped.
 * Parts carry over from the current version; superseded ones are kept for two versions.
 */

export type Variant = 'objects' | 'links'
/** A way to break the protocol, each of which the checker must find. */
export type Breach =
  | 'no epoch check'
  | 'intent read after the claim'
  | 'visible before the commit'
  | 'abort believed' // an abort that lost against a completion, and no look at the key afterwards
  | 'old look believed' // a link swapped by what was read before a long sleep

/** A part: where it lies and what it holds. `contents` are small numbers. */
interface Part {
  readonly name: string
  readonly at: string
  readonly content: number
}

interface Version {
  readonly number: number
  readonly parts: readonly Part[]
}

interface Intent {
  readonly epoch: number
  readonly state: 'prepared' | 'committed'
  /** keys, or folders, that this attempt writes */
  readonly staged: readonly string[]
  /** what the commit lets go of */
  readonly released: readonly string[]
}

interface World {
  epoch: number
  attempts: number
  intent: Intent | undefined
  current: Version
  retained: readonly Version[]
  /** what the inputs want: a content for each of two parts */
  wanted: readonly [number, number]
  /** uploads, by key: only `objects` */
  readonly uploads: Map<string, 'open' | 'aborted' | 'completed'>
  /** keys that hold an object, or files inside version folders */
  readonly objects: Map<string, number>
  link: Version | undefined
  readonly manifests: Map<number, readonly Part[]>
}

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
    for (const name of ['kills', 'overtaken', 'commits', 'carried'] as const)
      sums[name] += schedule[name]
  }
  return { violations, ...sums }
}

type Worker = Generator<void, void, void>

const STEPS_MAX = 2_000
const TURNS = 100
const WORKERS_MAX = 3

class Schedule {
  kills = 0
  overtaken = 0
  commits = 0
  carried = 0
  readonly #options: Options
  readonly #random: (below: number) => number
  readonly #violations = new Set<string>()
  readonly #world: World = {
    epoch: 0,
    attempts: 0,
    intent: undefined,
    current: { number: 0, parts: [] },
    retained: [],
    wanted: [0, 0],
    uploads: new Map(),
    objects: new Map(),
    link: undefined,
    manifests: new Map(),
  }

  constructor(options: Options, random: (below: number) => number) {
    this.#options = options
    this.#random = random
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
      if (live.length < WORKERS_MAX && dice < 4) live.push(this.#worker())
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
    return [...this.#violations]
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
      const worker = this.#worker()
      for (let at = 0; step(worker); at++) {
        if (at > STEPS_MAX) return void this.#violations.add('a run does not end')
      }
    }
    this.#sweep()
    const { current, wanted, intent, manifests } = this.#world
    const note = (what: string): void => void this.#violations.add(`at rest: ${what}`)
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
          this.#violations.add(`${name} names ${part.at}, which is not there`)
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
    if (highest > current.number) this.#violations.add('a manifest leads the catalog')
  }

  #lookAtLink(): void {
    const { link, current, objects } = this.#world
    if (link === undefined) return
    if (link.number > current.number) this.#violations.add('the link leads the catalog')
    if (link.parts.some((part) => !objects.has(part.at)))
      this.#violations.add('the link shows a version without its parts')
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
          this.#violations.add('an orphan')
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

  /** One transaction: applies only while the epoch is the caller's. */
  #transact(epoch: number, work: () => void): boolean {
    if (this.#world.epoch !== epoch && this.#options.breach !== 'no epoch check') {
      this.overtaken++
      return false
    }
    work()
    return true
  }

  *#worker(): Worker {
    const world = this.#world
    // Claim: the epoch and the open intent in one transaction.
    const epoch = ++world.epoch
    let open = world.intent
    if (this.#options.breach === 'intent read after the claim') {
      yield
      open = world.intent
    }
    yield
    if (open !== undefined && !(yield* this.#recover(epoch, open))) return
    if (world.current.parts.map((part) => part.content).join() === world.wanted.join()) return
    yield* this.#build(epoch)
  }

  *#recover(epoch: number, open: Intent): Generator<void, boolean, void> {
    const world = this.#world
    if (open.state === 'committed') return yield* this.#project(epoch, open)
    for (const at of open.staged) {
      yield
      if (this.#options.variant === 'links') world.objects.delete(at)
      else yield* this.#abort(at)
    }
    return this.#transact(epoch, () => {
      if (world.intent === open) world.intent = undefined
    })
  }

  /** An abort's answer proves nothing: the key itself is removed as well. */
  *#abort(at: string): Generator<void, void, void> {
    const { uploads, objects } = this.#world
    if (uploads.get(at) !== 'completed') uploads.set(at, 'aborted')
    yield
    if (this.#options.breach !== 'abort believed') objects.delete(at)
  }

  *#build(epoch: number): Worker {
    const world = this.#world
    const content = world.wanted
    const attempt = ++world.attempts
    const before = world.current
    const parts = content.map((one, at): Part => {
      const kept = before.parts.find((part) => part.name === `p${at}` && part.content === one)
      // An object keeps its key; a file is linked into the new folder.
      if (kept !== undefined && this.#options.variant === 'objects') return kept
      return { name: `p${at}`, at: `a${attempt}/p${at}`, content: one }
    })
    this.carried += parts.filter((part) =>
      before.parts.some(({ name, content: old }) => name === part.name && old === part.content),
    ).length
    const staged = parts.filter((part) => part.at.startsWith(`a${attempt}/`))
    const released = this.#released(parts)
    const intent: Intent = {
      epoch,
      state: 'prepared',
      staged: staged.map((part) => part.at),
      released,
    }
    const isPrepared = this.#transact(epoch, () => {
      world.intent = intent
    })
    if (!isPrepared) return
    for (const part of staged) {
      yield
      if (this.#options.variant === 'links') world.objects.set(part.at, part.content)
      else world.uploads.set(part.at, 'open')
    }
    if (this.#options.variant === 'objects' && !(yield* this.#complete(staged))) return
    const next: Version = { number: before.number + 1, parts }
    if (this.#options.breach === 'visible before the commit') {
      yield
      if (this.#options.variant === 'links') world.link = next
      else world.manifests.set(next.number, parts)
    }
    yield
    const committed: Intent = { ...intent, state: 'committed' }
    const isCommitted = this.#transact(epoch, () => {
      this.commits++
      if (world.current.number !== before.number) this.#violations.add('a version was overwritten')
      world.current = next
      world.retained = [before, ...world.retained].slice(0, 2)
      world.intent = committed
    })
    if (isCommitted) yield* this.#project(epoch, committed)
  }

  *#complete(staged: readonly Part[]): Generator<void, boolean, void> {
    const { uploads, objects } = this.#world
    for (const part of staged) {
      yield
      // Some stores let a completion win that races with an abort.
      const isRace = uploads.get(part.at) === 'aborted' && this.#random(4) === 0
      if (uploads.get(part.at) !== 'open' && !isRace) return false
      uploads.set(part.at, 'completed')
      objects.set(part.at, part.content)
    }
    return true
  }

  /** Keys of the version that falls out of retention, but for those that a kept one still names. */
  #released(next: readonly Part[]): readonly string[] {
    const { current, retained } = this.#world
    const kept = [next, current.parts, ...retained.slice(0, 1).map(({ parts }) => parts)].flat()
    const old = retained.slice(1).flatMap(({ parts }) => parts)
    return old.filter((part) => !kept.some(({ at }) => at === part.at)).map((part) => part.at)
  }

  *#project(epoch: number, intent: Intent): Generator<void, boolean, void> {
    const world = this.#world
    for (let shown = -1; ;) {
      yield
      // One look: at who holds the lease, and at the catalog.
      if (world.epoch !== epoch && this.#options.breach !== 'old look believed') return false
      const { current } = world
      if (current.number === shown) break
      yield
      if (!world.manifests.has(current.number)) world.manifests.set(current.number, current.parts)
      yield
      // The lease outlives a look by some seconds, and a swap comes within them or looks again.
      if (world.epoch !== epoch && this.#options.breach !== 'old look believed') continue
      if (this.#options.variant === 'links') world.link = current
      shown = current.number
    }
    for (const at of intent.released) {
      yield
      world.objects.delete(at)
    }
    return this.#transact(epoch, () => {
      if (world.intent === intent) world.intent = undefined
    })
  }
}
