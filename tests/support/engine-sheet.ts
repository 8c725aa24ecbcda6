/** What a random history has made of the facts and the code so far. */
import type { Facts } from './engine-project.ts'
import type { Edit } from './engine-history.ts'
import type { Content, Recipes } from './engine-specs.ts'
import { FACT_KEYS, factContent } from './engine-specs.ts'

export class Sheet {
  #facts: ReadonlyMap<string, Content> = new Map()
  #recipes: Recipes = {}
  readonly #past: ReadonlyMap<string, Content>[] = []

  get facts(): ReadonlyMap<string, Content> {
    return this.#facts
  }

  get recipes(): Recipes {
    return this.#recipes
  }

  /** Remembers the facts: later steps may go back to them. */
  remember(): void {
    this.#past.push(this.#facts)
  }

  change(edit: Exclude<Edit, { type: 'bump' | 'lose' }>): void {
    const facts = new Map(this.#facts)
    if (edit.type === 'set') facts.set(`${edit.asset}[${edit.key}]`, factContent(edit.n, edit.more))
    else if (edit.type === 'remove') facts.delete(`${edit.asset}[${edit.key}]`)
    this.#facts = edit.type === 'revert' ? (this.#past.at(-1 - edit.steps) ?? new Map()) : facts
  }

  /** Whether the recipe of an asset has another version now. */
  bump(asset: string, recipe: string): boolean {
    if ((this.#recipes[asset] ?? '1') === recipe) return false
    this.#recipes = { ...this.#recipes, [asset]: recipe }
    return true
  }

  /** Facts as one observation: those that are gone are absent. */
  observed(): Facts {
    const all = ['f0', 'f1'].flatMap((asset) => FACT_KEYS.map((key) => [asset, key] as const))
    return Object.fromEntries(
      all.map(([asset, key]) => [`${asset}/${key}`, this.#facts.get(`${asset}[${key}]`)]),
    )
  }
}
