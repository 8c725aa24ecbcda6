/**
 * A naive model of a run: every node is recomputed from the facts, upstream first, and compared
 * with what its last build read. No trace, no dirty rows, no versions: nothing of the engine but
 * the rules of design §4.
 */
import type { AssetSpec, Content, Read, Recipes } from './engine-specs.ts'
import { made, mapKeys, outputsOf, pickKey } from './engine-specs.ts'

/** What a node read, as text: equal texts are equal slots. */
export type Tuple = string

/** Everything the model needs to know of a project before a run. Nodes are `asset[key]`. */
export interface World {
  readonly specs: readonly AssetSpec[]
  readonly recipes: Recipes
  readonly facts: ReadonlyMap<string, Content>
  /** what every node contains now */
  readonly contents: ReadonlyMap<string, Content>
  /** outputs that were ever written: stale while their writer is, though they may be absent */
  readonly outputs: ReadonlySet<string>
  /** what the last build of a stored node read; missing: never built */
  readonly lastRead: ReadonlyMap<string, Tuple>
}

/** What is asked of a run. */
export interface Request {
  readonly isSelected: (asset: string, key: string) => boolean
  /** nodes that run although nothing differs */
  readonly insisted: ReadonlySet<string>
  readonly failing: ReadonlySet<string>
}

/** What a run does by the rules. */
export interface Expected {
  readonly contents: ReadonlyMap<string, Content>
  /** stored nodes that are built, reused or cut off */
  readonly ran: ReadonlySet<string>
  readonly retired: ReadonlySet<string>
  readonly failed: ReadonlySet<string>
  /** stale and left alone */
  readonly held: ReadonlySet<string>
}

const text = (asset: string, key: string): string => `${asset}[${key}]`
const split = (node: string): readonly [string, string] => {
  const cut = node.indexOf('[')
  return [node.slice(0, cut), node.slice(cut + 1, -1)]
}
const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

/** Runs the model. */
export function expectedRun(world: World, request: Request): Expected {
  return new Model(world, request).run()
}

class Model {
  readonly #world: World
  readonly #request: Request
  readonly #contents = new Map<string, Content>()
  readonly #held = new Set<string>()
  readonly #ran = new Set<string>()
  readonly #retired = new Set<string>()
  readonly #failed = new Set<string>()

  constructor(world: World, request: Request) {
    this.#world = world
    this.#request = request
    for (const [node, content] of world.contents) {
      if (this.#spec(split(node)[0]).shape !== 'fact') this.#contents.set(node, content)
    }
    for (const [node, content] of world.facts) this.#contents.set(node, content)
  }

  #spec(name: string): AssetSpec {
    const spec = this.#world.specs.find((one) => one.name === name)
    if (spec === undefined) throw new Error(`no asset ${name}`)
    return spec
  }

  run(): Expected {
    for (const spec of this.#world.specs) {
      if (spec.shape === 'fact' || spec.shape === 'output') continue
      for (const key of this.#keys(spec)) this.#visit(spec, key)
    }
    return {
      contents: this.#contents,
      ran: this.#ran,
      retired: this.#retired,
      failed: this.#failed,
      held: this.#held,
    }
  }

  /** Keys some parent gives, and keys that had content or a build. */
  #keys(spec: AssetSpec): readonly string[] {
    const before = [...this.#world.contents.keys(), ...this.#world.lastRead.keys()]
      .map(split)
      .flatMap(([asset, key]) => (asset === spec.name ? [key] : []))
    return [...new Set([...before, ...this.#given(spec).keys()])].toSorted()
  }

  /** key → the parents that give it, held ones too. */
  #given(spec: AssetSpec): ReadonlyMap<string, ReadonlySet<string>> {
    const given = new Map<string, Set<string>>()
    for (const { parent, map } of spec.from) {
      for (const node of new Set([...this.#contents.keys(), ...this.#held])) {
        const [asset, key] = split(node)
        if (asset !== parent) continue
        const content = this.#contents.get(node)
        // A map by value gives nothing while the parent is absent.
        const keys =
          content === undefined && map === 'value' ? [] : mapKeys(map, key, content ?? NONE)
        for (const one of keys) given.set(one, (given.get(one) ?? new Set()).add(node))
      }
    }
    return given
  }

  #read(node: string): Read | undefined {
    const content = this.#contents.get(node)
    const [asset, key] = split(node)
    return content === undefined ? undefined : { asset, key, n: content.n }
  }

  /** Everything a node reads: members first, then what their contents name. */
  #sources(
    spec: AssetSpec,
    key: string,
  ): { readonly members: readonly string[]; readonly reads: readonly string[] } {
    const members = [...(this.#given(spec).get(key) ?? [])]
    const present = members.flatMap((node) => this.#read(node) ?? [])
    const reads = spec.reads.map(({ parent, pick }) => text(parent, pickKey(pick, key, present)))
    for (const node of reads) this.#demand(node)
    return { members, reads }
  }

  /** An on-demand node comes into being when it is named. */
  #demand(node: string): void {
    const [asset, key] = split(node)
    const spec = this.#spec(asset)
    if (spec.shape === 'demand') this.#evaluate(spec, key)
  }

  #visit(spec: AssetSpec, key: string): void {
    if (spec.shape === 'value' || spec.shape === 'demand') this.#evaluate(spec, key)
    else this.#store(spec, key)
  }

  #make(
    spec: AssetSpec,
    key: string,
  ): { readonly content: Content | undefined; readonly tuple: Tuple; readonly held: boolean } {
    const { members, reads } = this.#sources(spec, key)
    const recipe = this.#world.recipes[spec.name] ?? '1'
    const slots = [...new Set([...members, ...reads])]
      .flatMap((node) => this.#read(node) ?? [])
      .toSorted((a, b) => compare(a.asset, b.asset) || compare(a.key, b.key))
    const isMember = spec.shape === 'demand' || members.some((node) => this.#contents.has(node))
    const tuple = tupleOf(
      recipe,
      new Map(
        slots.map((slot) => {
          const node = text(slot.asset, slot.key)
          return [node, this.#contents.get(node) ?? NONE]
        }),
      ),
    )
    const held = [...members, ...reads].some((node) => this.#held.has(node))
    const content = isMember ? this.#contentOf(spec, key, slots) : undefined
    return { content, tuple, held }
  }

  #contentOf(spec: AssetSpec, key: string, reads: readonly Read[]): Content | undefined {
    const [source] = spec.from
    if (spec.shape === 'copy' && source !== undefined)
      return this.#contents.get(text(source.parent, key))
    return made(spec, { key, recipe: this.#world.recipes[spec.name] ?? '1', reads })
  }

  #set(node: string, content: Content | undefined): void {
    if (content === undefined) this.#contents.delete(node)
    else this.#contents.set(node, content)
  }

  #evaluate(spec: AssetSpec, key: string): void {
    const node = text(spec.name, key)
    const { content, held } = this.#make(spec, key)
    if (held) this.#held.add(node)
    else this.#set(node, content)
  }

  #store(spec: AssetSpec, key: string): void {
    const node = text(spec.name, key)
    const { content, tuple, held } = this.#make(spec, key)
    if (held) return this.#hold(spec, node)
    if (this.#world.lastRead.get(node) === tuple && !this.#request.insisted.has(node)) return
    if (content === undefined && !this.#contents.has(node)) return
    if (!this.#request.isSelected(spec.name, key)) return this.#hold(spec, node)
    if (content === undefined) this.#retired.add(node)
    else if (this.#request.failing.has(node) && spec.shape !== 'copy') {
      this.#failed.add(node)
      return this.#hold(spec, node)
    } else this.#ran.add(node)
    this.#set(node, content)
    if (spec.shape === 'writer') this.#write(spec, key, content)
  }

  #hold(spec: AssetSpec, node: string): void {
    this.#held.add(node)
    if (spec.shape !== 'writer') return
    const [, key] = split(node)
    for (const name of this.#outputs(spec, key, this.#world.outputs)) this.#held.add(name)
  }

  #outputs(spec: AssetSpec, key: string, among: Iterable<string>): readonly string[] {
    return [...among].filter((node) => {
      const [asset, output] = split(node)
      return asset === `${spec.name}_out` && output.slice(0, output.lastIndexOf('x')) === key
    })
  }

  #write(spec: AssetSpec, key: string, content: Content | undefined): void {
    for (const node of this.#outputs(spec, key, this.#contents.keys())) this.#contents.delete(node)
    if (content === undefined) return
    for (const [output, value] of outputsOf(key, content)) {
      this.#contents.set(text(`${spec.name}_out`, output), value)
    }
  }
}

const NONE: Content = { n: 0, k: [] }

/** Slots as text. */
export const tupleOf = (recipe: string, slots: ReadonlyMap<string, Content>): Tuple =>
  JSON.stringify([recipe, ...[...slots].toSorted(([a], [b]) => compare(a, b))], sortedMembers)

/** Members in one order: values come out of the catalog in canonical form. */
function sortedMembers(_name: string, value: unknown): unknown {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => compare(a, b)))
}
