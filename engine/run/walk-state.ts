/** What a walk knows so far, and the questions that every kind of node asks of it. */
import type { StoredPart } from '../catalog/builds.ts'
import type { DirtyRow, NodeRow } from '../catalog/nodes.ts'
import type { Content } from '../catalog/contents.ts'
import { findVersions } from '../catalog/contents.ts'
import { ABSENT } from '../core/digest.ts'
import type { NodeName } from '../core/key.ts'
import type { Step, Waiting } from '../core/plan.ts'
import type { Evaluation } from './evaluate.ts'
import type { Frame, Resolved } from './frame.ts'

/** Whether a node is selected. Asked for stored nodes only. */
export type Selected = (node: NodeName & { readonly id: number }) => boolean

export interface Walk {
  readonly evaluation: Evaluation
  readonly frame: Frame
  /** the selection as of now: a spread by keys follows edges, and a walk makes nodes */
  readonly selectedNow: () => Promise<Selected>
  /** will run, or depends on what will: its content is not known yet */
  readonly pending: Map<number, NodeName>
  /** of these, the ones sure to run and to have content afterwards */
  readonly surely: Set<number>
  /** stale, and does not run in this plan */
  readonly held: Map<number, NodeName>
  /** not selected, and stale only if a pending node changes */
  readonly doubted: Map<number, NodeName>
  /** asset → nodes to look at because of one of these, or of an expected content */
  readonly touched: Map<string, Map<number, NodeRow>>
  readonly steps: Step[]
  readonly waiting: Waiting[]
  /** stored partitions with content that are not current */
  readonly stale: Set<number>
}

export interface Candidates {
  readonly dirty: readonly DirtyRow[]
  readonly touched: ReadonlyMap<number, NodeRow>
}

/** The first node of a set that this one reads. */
export function firstIn(set: ReadonlyMap<number, NodeName>, node: Resolved): NodeName | undefined {
  for (const [source] of node.read) {
    const name = set.get(source)
    if (name !== undefined) return name
  }
  return undefined
}

/** Whether a node reads, or is to lose, something that is expected to have another content. */
export const readsExpected = ({ frame }: Walk, node: Resolved): boolean =>
  frame.losing.has(node.row.id) || node.read.some(([source]) => frame.expected.has(source))

/** Takes it that a node will contain this, and for a stored one these parts. */
export function expectContent(
  walk: Walk,
  node: number,
  { contentId, value, parts = [] }: Content & { readonly parts?: readonly StoredPart[] },
): void {
  const version = contentId === ABSENT ? 0 : -node
  walk.frame.expected.set(node, { contentId, value, version, parts })
}

/** An expected content the node had before goes under that version: a dependent may know it. */
export async function nameExpected(walk: Walk, nodes: readonly number[]): Promise<void> {
  const expected = nodes.flatMap((node) => {
    const content = walk.frame.expected.get(node)
    return content === undefined || content.version >= 0 ? [] : [{ node, ...content }]
  })
  const known = await findVersions(walk.frame, expected)
  for (const { node, version, ...content } of expected) {
    walk.frame.expected.set(node, { ...content, version: known.get(node) ?? version })
  }
}
