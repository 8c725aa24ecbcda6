/**
 * A model of protocol P (design §5), to be run under random schedules (protocol-schedule.ts).
 *
 * Workers are generators: each `yield` is a point where another may run or the worker may die. A
 * transaction is one step. Two stores: `objects` with uncompleted uploads, where a part becomes
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

export interface Version {
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

export interface World {
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

export interface Rules {
  readonly variant: Variant
  readonly breach?: Breach
}

export type Worker = Generator<void, void, void>

/** The protocol over one world. */
export class Protocol {
  overtaken = 0
  commits = 0
  carried = 0
  readonly violations = new Set<string>()
  readonly world: World = {
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

  readonly #options: Rules
  readonly #random: (below: number) => number

  constructor(rules: Rules, random: (below: number) => number) {
    this.#options = rules
    this.#random = random
  }

  /** One transaction: applies only while the epoch is the caller's. */
  #transact(epoch: number, work: () => void): boolean {
    if (this.world.epoch !== epoch && this.#options.breach !== 'no epoch check') {
      this.overtaken++
      return false
    }
    work()
    return true
  }

  *worker(): Worker {
    const world = this.world
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
    const world = this.world
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
    const { uploads, objects } = this.world
    if (uploads.get(at) !== 'completed') uploads.set(at, 'aborted')
    yield
    if (this.#options.breach !== 'abort believed') objects.delete(at)
  }

  *#build(epoch: number): Worker {
    const world = this.world
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
      if (world.current.number !== before.number) this.violations.add('a version was overwritten')
      world.current = next
      world.retained = [before, ...world.retained].slice(0, 2)
      world.intent = committed
    })
    if (isCommitted) yield* this.#project(epoch, committed)
  }

  *#complete(staged: readonly Part[]): Generator<void, boolean, void> {
    const { uploads, objects } = this.world
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
    const { current, retained } = this.world
    const kept = [next, current.parts, ...retained.slice(0, 1).map(({ parts }) => parts)].flat()
    const old = retained.slice(1).flatMap(({ parts }) => parts)
    return old.filter((part) => !kept.some(({ at }) => at === part.at)).map((part) => part.at)
  }

  *#project(epoch: number, intent: Intent): Generator<void, boolean, void> {
    const world = this.world
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
