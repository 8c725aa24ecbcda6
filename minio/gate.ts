/** At most so many at once; the others wait in the order they came. */
export class Gate {
  #free: number
  readonly #waiting: (() => void)[] = []

  constructor(limit: number) {
    this.#free = limit
  }

  /** Waits for a place. Every `enter` is followed by one `leave`. */
  async enter(): Promise<void> {
    if (this.#free > 0) this.#free--
    else await new Promise<void>((resolve) => this.#waiting.push(resolve))
  }

  /** Gives the place to whoever waits longest. */
  leave(): void {
    const next = this.#waiting.shift()
    if (next === undefined) this.#free++
    else next()
  }

  /** Runs the work in a place. */
  async run<Result>(work: () => Promise<Result>): Promise<Result> {
    await this.enter()
    try {
      return await work()
    } finally {
      this.leave()
    }
  }

  /** Runs a list of works, results in order; the first failure is thrown once all have ended. */
  async all<Item, Result>(
    list: readonly Item[],
    work: (one: Item) => Promise<Result>,
  ): Promise<Result[]> {
    const ended = await Promise.allSettled(list.map(async (one) => this.run(async () => work(one))))
    return ended.map((one) => {
      if (one.status === 'rejected') throw one.reason
      return one.value
    })
  }
}
