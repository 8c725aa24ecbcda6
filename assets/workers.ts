/** How many builds a machine does at once: by its cores and by what they may use of its memory. */

/** Beside the workers: the program itself, 150 MB while it parses. */
const OWN_MB = 256
/** One DuckDB child: its limit of 800 MB and what a writer keeps above it (data-plane §6). */
const WORKER_MB = 1024
/** Children of one pool, and the largest setting. */
const WORKERS_MAX = 64

export interface Machine {
  readonly cores: number
  /** what the program and its workers may use */
  readonly memoryMb: number
}

/** Pure. At least one, whatever the machine has: a smaller child fails with DUCK_MEMORY, or does. */
export function workersFor({ cores, memoryMb }: Machine): number {
  const fitting = Math.floor((memoryMb - OWN_MB) / WORKER_MB)
  return Math.min(WORKERS_MAX, Math.max(1, Math.min(cores, fitting)))
}

export interface MemoryBytes {
  readonly total: number
  /** of the control group, where there is one; 0, undefined or more than there is: no limit */
  readonly limit: number | undefined
}

/** Memory of the machine, or of the container the program runs in. */
export function machineMemoryMb({ total, limit }: MemoryBytes): number {
  const bytes = limit === undefined || limit <= 0 ? total : Math.min(total, limit)
  return Math.floor(bytes / 1024 ** 2)
}
