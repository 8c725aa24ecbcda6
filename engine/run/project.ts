/**
 * A project as the engine runs it: the declared graph, where state and parts lie, what is observed
 * from outside, and what the project adds to the engine's transactions.
 */
import type { Definitions } from '../catalog/membership.ts'
import type { AssetIds } from '../catalog/nodes.ts'
import { findNodes, loadAssetIds } from '../catalog/nodes.ts'
import type { Catalog, Connection, WriteTransaction } from '../catalog/open.ts'
import type { Actor } from '../catalog/runs.ts'
import type { KeptTable } from '../catalog/unprojected.ts'
import type { Json } from '../core/digest.ts'
import { FRESHNESS, RECIPE, ROLLBACK } from '../core/fingerprint.ts'
import type { AssetGraph } from '../core/graph.ts'
import type { NodeName } from '../core/key.ts'
import type { Clock, ObjectStore } from '../core/ports.ts'
import type { Hold } from './hold.ts'

/** One fact to write: undefined makes it absent. */
export interface Fact {
  readonly asset: string
  readonly key: string
  readonly value: Json | undefined
}

/** What an observation may do inside the planning transaction. */
export interface PlanningAccess {
  readonly trx: WriteTransaction
  readonly actor: Actor
  readonly nowMs: number
  readonly writeFacts: (facts: readonly Fact[]) => Promise<void>
  /** every fact of these assets that `facts` does not name becomes absent */
  readonly replaceFacts: (assets: readonly string[], facts: readonly Fact[]) => Promise<void>
  /** nodes that have to be built although nothing differs, each with its reason; unknown ones are left out */
  readonly forceNodes: (nodes: readonly (NodeName & { readonly reason: string })[]) => Promise<void>
}

/** What was seen outside. It changes nothing by itself: `apply` runs in the planning transaction. */
export interface Observation {
  /** of everything seen: part of a plan's basis */
  readonly digest: string
  /** undefined: nothing differs from what the catalog knows, so nothing is written */
  readonly apply?: (access: PlanningAccess) => Promise<void>
  /** after a planning transaction that is kept: mends projections of the catalog; safe to repeat */
  readonly mend?: (hold: Hold) => Promise<void>
}

/** Looks outside: files, folders, services. Reads the catalog, never writes it. */
export interface Observer {
  readonly name: string
  readonly observe: (context: {
    readonly db: Connection
    readonly nowMs: number
  }) => Promise<Observation>
}

/** A node that a transaction committed, as a project's hook sees it. */
export interface Committed {
  readonly asset: string
  readonly key: string
  readonly outcome: 'built' | 'reused' | 'cutoff' | 'retired' | 'evaluated' | 'failed'
  /** undefined: absent */
  readonly value: Json | undefined
  readonly record: Json | undefined
  readonly changed: boolean
  readonly ms: number
  readonly rows: number | undefined
  readonly parts: readonly { readonly name: string; readonly path: string }[]
  readonly error?: string | undefined
  readonly build: number
  /** of the claim that it answers; 0: it was not claimed */
  readonly epoch: number
  readonly fingerprint: string | null
}

/** A node that somebody is going to build, as a project's hook sees it. */
export interface Claim {
  readonly asset: string
  readonly key: string
  readonly epoch: number
  readonly holder: string
}

/** What a project adds to the engine's transactions, by asset. */
export interface Hooks {
  /** in the transaction that claims */
  readonly onClaimed?: (
    access: { readonly trx: WriteTransaction; readonly nowMs: number; readonly run: number },
    claims: readonly Claim[],
  ) => Promise<void>
  /** tables of its own, kept in step with what is committed */
  readonly onCommit?: (
    access: { readonly trx: WriteTransaction; readonly nowMs: number; readonly run: number },
    committed: readonly Committed[],
  ) => Promise<void>
  /** called once a planning transaction that is kept, after marking */
  readonly onPlanned?: (access: {
    readonly trx: WriteTransaction
    readonly nowMs: number
    readonly actor: Actor
    readonly run: number
  }) => Promise<void>
  /** called by gc: removes what is older than an instant and nobody needs, and says how much */
  readonly onCollect?: (access: {
    readonly trx: WriteTransaction
    readonly beforeMs: number
  }) => Promise<readonly { readonly what: string; readonly count: number }[]>
  /** called when a run ends, with nothing of it left to commit */
  readonly onRunEnd?: (access: {
    readonly trx: WriteTransaction
    readonly nowMs: number
    readonly run: number
  }) => Promise<void>
  /**
   * called after a run, and after a look that found nothing to run; outside transactions and
   * leases, perhaps in several processes at once
   */
  readonly afterRun?: (access: {
    readonly project: Project
    readonly nowMs: number
    readonly stop: AbortSignal | undefined
  }) => Promise<void>
}

export interface Project {
  readonly graph: AssetGraph
  readonly catalog: Catalog
  readonly store: ObjectStore
  readonly clock: Clock
  readonly observers: readonly Observer[]
  readonly hooks: Hooks
  /** a folder for builds in progress, by fingerprint; survives a crash */
  readonly scratchRoot: string
  /** a file for each run's log; omitted: none is written */
  readonly logFolder?: string
  /** tables of its own whose rows nothing else could give back: the store's journal holds them */
  readonly kept?: readonly KeptTable[]
  /** versions whose parts are kept, the current one included; at least 1 */
  readonly retainedVersions: number
}

/** Recipe versions are facts: one node an asset. */
export const recipeFacts = (graph: AssetGraph): readonly Fact[] =>
  graph.order.flatMap((asset) =>
    asset.kind === 'value' || asset.kind === 'stored'
      ? [{ asset: RECIPE, key: asset.name, value: asset.recipe }]
      : [],
  )

/** The time bucket of every asset that declares freshness. */
export const freshnessFacts = (graph: AssetGraph, nowMs: number): readonly Fact[] =>
  graph.order.flatMap((asset) =>
    (asset.kind === 'value' || asset.kind === 'stored') && asset.freshness !== undefined
      ? [{ asset: FRESHNESS, key: asset.name, value: Math.floor(nowMs / asset.freshness.everyMs) }]
      : [],
  )

/** Loads the ids of assets and recipes; `insert` adds those that are new (planning only). */
export async function loadDefinitions(
  graph: AssetGraph,
  snapshot: Pick<WriteTransaction, 'db' | 'dialect'>,
  insert: boolean,
): Promise<Definitions> {
  const names = [RECIPE, FRESHNESS, ROLLBACK, ...graph.order.map((asset) => asset.name)]
  const ids: AssetIds = await loadAssetIds(snapshot.db, names, insert)
  const rows = await findNodes(snapshot, ids, recipeFacts(graph))
  return { graph, ids, recipes: new Map(rows.map((row) => [row.key, row.id])) }
}
