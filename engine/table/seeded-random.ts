/** Numbers that look random and follow from a text alone: for synthetic data, never for keys. */
import { createHash } from 'node:crypto'

const MULTIPLIER = 1_664_525
const INCREMENT = 1_013_904_223

/** A linear congruential generator (Knuth; Numerical Recipes §7.1). Its high bits are the good ones. */
export class SeededRandom {
  #state: number

  constructor(seed: string) {
    this.#state = createHash('sha256').update(seed).digest().readUInt32LE(0)
  }

  /** 0 .. 2^bits - 1, for at most 20 bits. */
  bits(bits: number): number {
    this.#state = (Math.imul(this.#state, MULTIPLIER) + INCREMENT) | 0
    return this.#state >>> (32 - bits)
  }
  /** A share, 0 inclusive to 1 exclusive. */
  share(): number {
    return this.bits(20) / 2 ** 20
  }
  /** 0 .. count - 1, for counts up to a million. */
  below(count: number): number {
    return Math.floor(this.share() * count)
  }
  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T
  }
}
