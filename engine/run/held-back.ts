/**
 * What is stale and not built yet, and whatever reads that, however far down: asset by asset, in
 * topological order. A run's stages and the reconciler ask the same question of it.
 */
import type { Definitions } from '../catalog/membership.ts'
import type { NodeRow } from '../catalog/nodes.ts'
import { dependentsOf, dirtyNodes } from '../catalog/nodes.ts'
import type { WriteTransaction } from '../catalog/open.ts'
import { rolledBackNodes } from './rollback.ts'

/** Grows with each asset's turn. Memory: the nodes below what is dirty. */
export class HeldBack {
  /** stale and not built: whoever reads one waits */
  readonly held: Set<number>
  readonly #snapshot: Pick<WriteTransaction, 'db' | 'dialect'>
  readonly #definitions: Definitions
  /** asset → dependents of held nodes */
  readonly #below = new Map<string, Set<number>>()
  /** nodes that a person rolled back: they take nothing from what they read, so nothing holds them */
  #free: ReadonlySet<number> | undefined

  constructor(
    snapshot: Pick<WriteTransaction, 'db' | 'dialect'>,
    definitions: Definitions,
    held = new Set<number>(),
  ) {
    this.#snapshot = snapshot
    this.#definitions = definitions
    this.held = held
  }

  /** Whether a node of the asset reads something held. */
  isHeld(asset: string, node: number): boolean {
    return this.#below.get(asset)?.has(node) === true
  }

  /** After an asset's turn: holds back what of it is still dirty, and what reads that. */
  async add(asset: string): Promise<void> {
    const { ids } = this.#definitions
    const left = await dirtyNodes(this.#snapshot.db, ids.idOf(asset))
    const below = this.#below.get(asset) ?? new Set<number>()
    const stale = [...new Set([...left.map((row) => row.id), ...below])]
    if (stale.length === 0) return
    for (const node of stale) this.held.add(node)
    this.#free ??= await rolledBackNodes(this.#snapshot.db, this.#definitions)
    await this.#spread(await dependentsOf(this.#snapshot, stale))
  }

  async #spread(rows: readonly NodeRow[]): Promise<void> {
    const { ids, graph } = this.#definitions
    const outputs: number[] = []
    for (const row of rows) {
      if (this.#free?.has(row.id) === true) continue
      const name = ids.nameOf(row.asset)
      const nodes = this.#below.get(name) ?? new Set<number>()
      this.#below.set(name, nodes)
      nodes.add(row.id)
      if (graph.assets.get(name)?.kind === 'output') outputs.push(row.id)
    }
    // Outputs have no turn of their own.
    for (const node of outputs) this.held.add(node)
    if (outputs.length > 0) await this.#spread(await dependentsOf(this.#snapshot, outputs))
  }
}
