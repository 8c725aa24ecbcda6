/** Evaluates value nodes: pure functions of other nodes, inside the transaction that needs them. */
import { moveMemberships } from '../catalog/membership.ts'
import type { NodeRow } from '../catalog/nodes.ts'
import type { Contents } from '../catalog/contents.ts'
import type { WriteTransaction } from '../catalog/open.ts'
import { commitTraces } from '../catalog/trace.ts'
import type { ValueAsset } from '../core/asset.ts'
import type { Json } from '../core/digest.ts'
import { ABSENT, canonicalJson, valueContentId } from '../core/digest.ts'
import { EngineError, assert, isEngineError } from '../core/errors.ts'
import { nodeText } from '../core/key.ts'
import type { Definitions } from '../catalog/membership.ts'
import type { Frame, Resolved } from './frame.ts'
import { resolveNodes } from './frame.ts'
import type { ObjectStore } from '../core/ports.ts'
import type { Committed, Hooks } from './project.ts'

/** What a value may weigh, in bytes of canonical JSON, unless its asset says otherwise. */
export const VALUE_BYTES_MAX = 4096

/** Evaluating needs the transaction, the definitions and the project's hook. */
export interface Evaluation {
  readonly trx: WriteTransaction
  readonly definitions: Definitions
  readonly contents: Contents
  readonly hooks: Hooks
  readonly store: ObjectStore
  readonly nowMs: number
  readonly run: number
  /** hears of a value that cannot be had, and evaluation goes on without it; omitted: it throws */
  readonly onFault?: (node: NodeRow, error: EngineError) => void
}

/**
 * A frame inside a write transaction: reads that name new nodes create and evaluate them. Those
 * that read something held are held as well.
 */
export function frameOf(evaluation: Evaluation, held = new Set<number>()): Frame {
  const { trx, definitions, contents } = evaluation
  return {
    db: trx.db,
    dialect: trx.dialect,
    trx,
    definitions,
    contents,
    expected: new Map(),
    losing: new Set(),
    mayAppear: () => false,
    visitNew: async (name, rows) => {
      const asset = definitions.graph.assets.get(name)
      assert(asset?.kind === 'value', `${name} is a value asset`)
      await evaluateUnheld(evaluation, { asset, rows, held })
    },
  }
}

/** One node's value; throws VALUE_TOO_LARGE. */
function evaluateOne(asset: ValueAsset, node: Resolved): Json | undefined {
  const value = node.isMember ? asset.evaluate(node.inputs) : undefined
  const sizeBytes = value === undefined ? 0 : Buffer.byteLength(canonicalJson(value))
  if (sizeBytes > (asset.valueBytesMax ?? VALUE_BYTES_MAX)) {
    const name = nodeText({ asset: asset.name, key: node.row.key })
    throw new EngineError('VALUE_TOO_LARGE', { node: name, sizeBytes })
  }
  return value
}

/** The value of a node, or that it cannot be had: what throws is heard, where somebody listens. */
export function tryEvaluate(
  { onFault }: Pick<Evaluation, 'onFault'>,
  asset: ValueAsset,
  node: Resolved,
): { readonly value: Json | undefined } | undefined {
  if (onFault === undefined) return { value: evaluateOne(asset, node) }
  try {
    return { value: evaluateOne(asset, node) }
  } catch (error) {
    onFault(node.row, faultOf(error, nodeText({ asset: asset.name, key: node.row.key })))
    return undefined
  }
}

const faultOf = (error: unknown, node: string): EngineError =>
  isEngineError(error)
    ? error
    : new EngineError('ASSET_FAILED', {
        node,
        reason: error instanceof Error ? error.name : 'unknown',
      })

/** Evaluates and commits the given nodes of one asset, but for those that read something held. */
export async function evaluateUnheld(
  evaluation: Evaluation,
  {
    asset,
    rows,
    held,
  }: {
    readonly asset: ValueAsset
    readonly rows: readonly NodeRow[]
    readonly held: Set<number>
  },
): Promise<void> {
  const free: Resolved[] = []
  for (const node of await resolveNodes(frameOf(evaluation, held), asset, rows)) {
    if (node.read.some(([source]) => held.has(source))) held.add(node.row.id)
    else free.push(node)
  }
  await commitValues(evaluation, asset, free)
}

/** Evaluates resolved nodes and commits what they come to; returns those that have no value. */
export async function commitValues(
  evaluation: Evaluation,
  asset: ValueAsset,
  wanted: readonly Resolved[],
): Promise<readonly Resolved[]> {
  const found = wanted.flatMap((node) => {
    const one = tryEvaluate(evaluation, asset, node)
    return one === undefined ? [] : [{ node, value: one.value }]
  })
  const nodes = found.map(({ node }) => node)
  const faulty =
    nodes.length === wanted.length ? [] : wanted.filter((node) => !nodes.includes(node))
  if (nodes.length === 0) return faulty
  const { trx, definitions, hooks, nowMs, run } = evaluation
  const values = found.map(({ value }) => value)
  const commits = nodes.map((node, at) => {
    const value = values[at]
    return {
      node: node.row.id,
      contentId: value === undefined ? ABSENT : valueContentId(value),
      value: value === undefined ? null : canonicalJson(value),
      read: node.read,
      dropped: node.dropped,
      claimRevision: trx.revision,
      waiting: value === undefined ? undefined : asset.waiting?.(value),
    }
  })
  const { changed } = await commitTraces(trx, commits)
  const moved = new Set(changed.map((one) => one.node))
  const parents = nodes.flatMap((node, at) =>
    moved.has(node.row.id)
      ? [{ id: node.row.id, asset: asset.name, key: node.row.key, value: values[at] }]
      : [],
  )
  await moveMemberships(trx, definitions, parents)
  const committed = nodes.map((node, at) => evaluated(asset, node, { value: values[at], moved }))
  await hooks.onCommit?.({ trx, nowMs, run }, committed)
  return faulty
}

const evaluated = (
  asset: ValueAsset,
  node: Resolved,
  { value, moved }: { readonly value: Json | undefined; readonly moved: ReadonlySet<number> },
): Committed => ({
  asset: asset.name,
  key: node.row.key,
  outcome: 'evaluated',
  value,
  record: undefined,
  changed: moved.has(node.row.id),
  ms: 0,
  rows: undefined,
  parts: [],
  build: 0,
  epoch: 0,
  fingerprint: null,
})
