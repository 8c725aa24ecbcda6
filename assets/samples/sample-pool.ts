/** The children that make samples: started when needed, replaced after some thousand files. */
import { mkdir } from 'node:fs/promises'
import type { PooledChild, RangedFile } from '../../engine/index.ts'
import {
  ChildPool,
  EngineError,
  WatchedChild,
  isEngineError,
  scriptBeside,
} from '../../engine/index.ts'
import type { RangeAsked, RangeGiven, SampleReply, SampleTask, SampleTerms } from './sample-task.ts'

/** A sample is made of at most `read_bytes`: what takes longer reads something hostile. */
const TIMEOUT_MS = 30_000
const RSS_BYTES_MAX = 1024 ** 3
const TASKS_OF_A_CHILD = 5_000

export interface SampleAsked {
  readonly task: SampleTask
  /** what answers the child's questions; undefined: it opens `task.path` by itself */
  readonly ranges?: RangedFile
}

export type SamplePool = ChildPool<SampleAsked, SampleReply>
/** What takes tasks; who opened the pool ends it. */
export type SampleRunner = Pick<SamplePool, 'size' | 'run'>

export interface SamplePoolOptions {
  readonly size: number
  /** absolute; children keep their private folders there */
  readonly folder: string
  readonly terms: SampleTerms
}

/** A pool whose tasks throw SAMPLER_LOST when their child ended, was late or took too much memory. */
export const openSamplePool = ({ size, folder, terms }: SamplePoolOptions): SamplePool =>
  new ChildPool({
    size,
    taskCountMax: TASKS_OF_A_CHILD,
    start: async () => {
      await mkdir(folder, { recursive: true })
      const child = await WatchedChild.start<SampleTask, SampleReply, RangeAsked>({
        script: scriptBeside(import.meta.url, 'sample-child'),
        folder,
        prefix: 'tributary-sample-',
        rssBytesMax: RSS_BYTES_MAX,
        lost: (why) => new EngineError('SAMPLER_LOST', { why }),
        memory: (limitMb) =>
          new EngineError('SAMPLER_LOST', { why: `at ${limitMb} MB, its limit` }),
      })
      child.send(terms)
      return pooled(child)
    },
  })

/** A child that was lost is lost once: the machine may have done it, and not the file. */
export async function runTwice(
  pool: SampleRunner,
  asked: SampleAsked,
  signal: AbortSignal,
): Promise<SampleReply> {
  try {
    return await pool.run(asked, signal)
  } catch (error) {
    if (!isEngineError(error, 'SAMPLER_LOST')) throw error
    return pool.run(asked, signal)
  }
}

function pooled(
  child: WatchedChild<SampleTask, SampleReply, RangeAsked>,
): PooledChild<SampleAsked, SampleReply> {
  return {
    get taskCount() {
      return child.taskCount
    },
    get isFit() {
      return child.isFit
    },
    get pid() {
      return child.pid
    },
    run: async ({ task, ranges }, signal) => {
      const faults: unknown[] = []
      const answer = async ({ number, from, to }: RangeAsked): Promise<void> => {
        const bytes = await ranges?.read(from, to).catch((error: unknown) => {
          faults.push(error)
          return undefined
        })
        const given: RangeGiven = { kind: 'bytes', number, bytes }
        child.send(given)
      }
      const reply = await child.run(task, {
        timeoutMs: TIMEOUT_MS,
        signal,
        onMessage: (asked) => void answer(asked),
      })
      // The child knows only that there were no bytes; why is no fault of the file.
      if (reply.kind === 'failed' && faults.length > 0) throw faults[0]
      return reply
    },
    end: async () => child.end(),
  }
}
