/**
 * Decisions with what they rest on: a plan and a claim ask here, so a plan cannot promise what a
 * run would not do.
 */
import type { RetainedBuild, StoredPart } from '../catalog/builds.ts'
import { retainedBuilds } from '../catalog/builds.ts'
import type { DirtyRow } from '../catalog/nodes.ts'
import { findNodes } from '../catalog/nodes.ts'
import type { StoredAsset } from '../core/asset.ts'
import type { NodeName } from '../core/key.ts'
import { nodeText } from '../core/key.ts'
import type { ObjectStore } from '../core/ports.ts'
import type { Decision } from './decide.ts'
import { decide, outlineOf } from './decide.ts'
import type { Frame, Resolved } from './frame.ts'
import { presentBuilds } from './lost-parts.ts'

export interface Decided {
  readonly node: Resolved
  readonly dirty: DirtyRow | undefined
  readonly decision: Decision
  /** the last build; undefined: never built */
  readonly current: RetainedBuild | undefined
}

export interface Question {
  readonly asset: StoredAsset
  readonly nodes: readonly Resolved[]
  readonly dirty: ReadonlyMap<number, DirtyRow>
  readonly store: ObjectStore
}

/** Decides nodes of one asset, in their order. A fixed number of queries. */
export async function decideNodes(
  frame: Frame,
  { asset, nodes, dirty, store }: Question,
): Promise<readonly Decided[]> {
  const ids = nodes.map((node) => node.row.id)
  const lost = ids.filter((id) => dirty.get(id)?.cause === 'missing')
  const retained = await presentBuilds(store, await retainedBuilds(frame, ids, 'all'), lost)
  const partsOf = await copySources(frame, asset, nodes)
  const decideOn = (node: Resolved, builds: readonly RetainedBuild[]): Decided => {
    const mark = dirty.get(node.row.id)
    const decision = decide({ asset, node, dirty: mark, builds, partsOf })
    return { node, dirty: mark, decision, current: builds.find((build) => build.current) }
  }
  const decided = nodes.map((node) => decideOn(node, retained.get(node.row.id) ?? []))
  // A superseded version is out of sight: it is looked at before anything is taken from it.
  const taking = decided.filter(takesFromOld).map((one) => one.node.row.id)
  const present = await presentBuilds(store, retained, taking)
  return decided.map((one) => {
    const { id } = one.node.row
    const builds = present.get(id) ?? []
    return builds === retained.get(id) ? one : decideOn(one.node, builds)
  })
}

/** Whether a decision counts on parts that the current version does not hold. */
function takesFromOld({ decision, current }: Decided): boolean {
  const taken = partsTaken(decision)
  if (taken.length === 0) return false
  const shown = new Set(current?.parts.map((part) => part.path))
  return taken.some((part) => !shown.has(part.path))
}

function partsTaken(decision: Decision): readonly StoredPart[] {
  if (decision.kind === 'ready' || decision.kind === 'known') return decision.parts
  if (decision.kind !== 'build') return []
  return (decision.parts ?? []).flatMap(({ found }) => found ?? [])
}

/** The parts of every node that an outline wants to copy. */
async function copySources(
  frame: Frame,
  asset: StoredAsset,
  nodes: readonly Resolved[],
): Promise<(name: NodeName) => readonly StoredPart[] | undefined> {
  const wanted = nodes.flatMap((node) => {
    const outline = outlineOf(asset, node)
    return outline.verdict === 'copy' ? [outline.of] : []
  })
  const rows = await findNodes(frame, frame.definitions.ids, wanted)
  const builds = await retainedBuilds(
    frame,
    rows.map((row) => row.id),
    'current',
  )
  const parts = new Map(
    rows.map((row) => [
      nodeText({ asset: frame.definitions.ids.nameOf(row.asset), key: row.key }),
      frame.expected.get(row.id)?.parts ?? builds.get(row.id)?.[0]?.parts,
    ]),
  )
  return (name) => parts.get(nodeText(name))
}
