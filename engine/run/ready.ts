/**
 * What is ready to be handed out: evaluates what can be evaluated, upstream first, and finds the
 * stored nodes that nothing stale stands above.
 *
 * A node also waits while an asset above its own has work under way: a parse at work may yet make
 * members of a month, and each month is to be built once. That patience has an end, so that a
 * stream of parses does not hold back for ever what is ready beside it.
 */
import type { DirtyRow } from '../catalog/nodes.ts'
import { dirtyNodes } from '../catalog/nodes.ts'
import type { Obstacle } from '../catalog/obstacles.ts'
import type { Definitions } from '../catalog/membership.ts'
import type { Evaluation } from './evaluate.ts'
import { evaluateUnheld } from './evaluate.ts'
import type { Outstanding } from './executor.ts'
import { HeldBack } from './held-back.ts'
import { rolledBackNodes } from './rollback.ts'

/** How long a node that is ready waits for work above its asset. */
const PATIENCE_MS = 60_000

export interface ReadyRow {
  readonly asset: string
  readonly row: DirtyRow
  /** of its asset, in data order */
  readonly place: number
}

export interface Found {
  readonly ready: readonly ReadyRow[]
  /** values that were evaluated */
  readonly evaluated: number
  /** when the patience of the first that waits ends; undefined: none waits */
  readonly patientUntilMs: number | undefined
}

export interface Search {
  readonly outstanding: readonly Outstanding[]
  readonly obstacles: ReadonlyMap<number, Obstacle>
  /** assets of which nothing new is handed out */
  readonly paused: ReadonlySet<string>
  /** by the leases' clock */
  readonly nowMs: number
}

/** Remembers since when nodes have been ready, so that their patience ends. */
export class ReadySearch {
  #since = new Map<number, number>()

  /** One search. Memory: what waits for work above its asset. */
  async find(evaluation: Evaluation, search: Search): Promise<Found> {
    const { trx, definitions } = evaluation
    const { graph, ids } = definitions
    const back = new HeldBack(trx, definitions)
    const claimed = await claimedNodes(evaluation)
    const out = new Set([...search.outstanding.map(({ task }) => task.node), ...claimed])
    const busy = new Set(search.outstanding.map(({ task }) => task.asset))
    // What was rolled back takes nothing from what is made above it.
    const rolledBack = await rolledBackNodes(trx.db, definitions)
    const ready: ReadyRow[] = []
    const waiting = new Map<number, number>()
    let evaluated = 0
    const faulty = new Set<number>()
    const heard: Evaluation = {
      ...evaluation,
      onFault: (row, error) => {
        faulty.add(row.id)
        evaluation.onFault?.(row, error)
      },
    }
    for (const [place, asset] of graph.order.entries()) {
      if (asset.kind === 'fact' || asset.kind === 'output') continue
      const rows = await dirtyNodes(trx.db, ids.idOf(asset.name))
      if (asset.kind === 'value' && rows.length > 0) {
        await evaluateUnheld(heard, { asset, rows, held: back.held })
        evaluated += rows.filter(({ id }) => !back.held.has(id) && !faulty.has(id)).length
      }
      if (asset.kind === 'stored' && !search.paused.has(asset.name)) {
        const isFree = ({ id }: DirtyRow): boolean => !back.isHeld(asset.name, id)
        const free = rows.filter((row) => isFree(row) && !isObstructed(search, row.id))
        const idle = free.filter((row) => !out.has(row.id))
        const isBelow = isBelowBusy(definitions, asset.name, busy)
        const patient = isBelow ? this.#patient(idle, { rolledBack, search }) : new Map()
        for (const [node, sinceMs] of patient) waiting.set(node, sinceMs)
        const going = idle.filter((row) => !patient.has(row.id))
        ready.push(...going.map((row) => ({ asset: asset.name, row, place })))
        if (free.length > 0) busy.add(asset.name)
      }
      await back.add(asset.name)
    }
    this.#since = waiting
    const firstMs = Math.min(...waiting.values())
    const patientUntilMs = waiting.size === 0 ? undefined : firstMs + PATIENCE_MS
    return { ready, evaluated, patientUntilMs }
  }

  /** Those of ready rows that wait for work above them: node → since when. */
  #patient(
    rows: readonly DirtyRow[],
    { rolledBack, search }: { readonly rolledBack: ReadonlySet<number>; readonly search: Search },
  ): ReadonlyMap<number, number> {
    const since = new Map<number, number>()
    for (const { id } of rows) {
      const sinceMs = this.#since.get(id) ?? search.nowMs
      if (sinceMs + PATIENCE_MS > search.nowMs && !rolledBack.has(id)) since.set(id, sinceMs)
    }
    return since
  }
}

/** Nodes that somebody has claimed: a run, or a worker whose job is gone. */
async function claimedNodes({ trx }: Evaluation): Promise<readonly number[]> {
  return (await trx.db.selectFrom('intent').select('node').execute()).map(({ node }) => node)
}

function isObstructed({ obstacles, nowMs }: Search, node: number): boolean {
  const obstacle = obstacles.get(node)
  return obstacle !== undefined && (obstacle.retry_ms === null || obstacle.retry_ms > nowMs)
}

/** Whether an asset with work under way stands anywhere above this one. */
function isBelowBusy({ graph }: Definitions, asset: string, busy: ReadonlySet<string>): boolean {
  const seen = new Set<string>()
  const above = [...graph.parentsOf(asset)]
  for (let name = above.pop(); name !== undefined; name = above.pop()) {
    if (busy.has(name)) return true
    if (seen.has(name)) continue
    seen.add(name)
    above.push(...graph.parentsOf(name))
  }
  return false
}
