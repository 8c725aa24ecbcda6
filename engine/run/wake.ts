/** Lets one loop sleep until something happens, or for a time at most. */
export class Wake {
  #isSet = false
  #resolve: (() => void) | undefined

  /** Wakes the sleeper, or keeps the next sleep from starting. */
  readonly set = (): void => {
    this.#isSet = true
    this.#resolve?.()
  }

  /** Returns when set, at once if it was set since the last sleep, or after the time. */
  async sleep(forMs: number): Promise<void> {
    if (!this.#isSet) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, forMs)
        this.#resolve = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
    this.#resolve = undefined
    this.#isSet = false
  }
}
