/**
 * Which of the ready tasks are handed out next: pure.
 *
 * The queue is kept short, so that what is handed out last is not far behind what changed last, and
 * fair: the group with the fewest tasks out comes first, so one group's ten thousand do not starve
 * another's one. A pool bounds how many of its tasks are out at once.
 */

export interface Shared {
  readonly group: string
  /** '': bounded by nothing */
  readonly pool: string
}

export interface ShareLimits {
  /** tasks out at once, in all */
  readonly outMax: number
  /** by pool; a pool that is not named is unbounded */
  readonly pools: Readonly<Record<string, number>>
}

/** The tasks to hand out, in order; `ready` is in the order they should go within their group. */
export function fairShare<Task extends Shared>(
  ready: readonly Task[],
  out: readonly Shared[],
  { outMax, pools }: ShareLimits,
): readonly Task[] {
  const groups = new Map<string, number>()
  const pooled = new Map<string, number>()
  const count = (counts: Map<string, number>, name: string): void =>
    void counts.set(name, (counts.get(name) ?? 0) + 1)
  for (const { group, pool } of out) {
    count(groups, group)
    count(pooled, pool)
  }
  const waiting = Map.groupBy(ready, ({ group }) => group)
  const at = new Map<string, number>()
  const chosen: Task[] = []
  while (out.length + chosen.length < outMax && waiting.size > 0) {
    const group = leastOut([...waiting.keys()], groups)
    const place = at.get(group) ?? 0
    at.set(group, place + 1)
    const task = waiting.get(group)?.[place]
    if (task === undefined) {
      waiting.delete(group)
      continue
    }
    const bound = task.pool === '' ? undefined : pools[task.pool]
    if (bound !== undefined && (pooled.get(task.pool) ?? 0) >= bound) continue
    chosen.push(task)
    count(groups, group)
    count(pooled, task.pool)
  }
  return chosen
}

function leastOut(names: readonly string[], counts: ReadonlyMap<string, number>): string {
  let best = names[0] ?? ''
  for (const name of names) if ((counts.get(name) ?? 0) < (counts.get(best) ?? 0)) best = name
  return best
}
