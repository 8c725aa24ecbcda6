/** What all chunks of one parse share, and the names of a chunk's files. */
import { join } from 'node:path'
import type { Chunk } from './chunk-writer.ts'
import type { DuckPool } from './duck-pool.ts'
import type { FieldGrammar } from './grammar.ts'
import type { ColumnSpec, ParseSpec } from './spec.ts'

export interface ChunkContext {
  readonly spec: ParseSpec
  readonly grammars: ReadonlyMap<string, FieldGrammar>
  readonly constants: readonly { readonly name: string; readonly value: string }[]
  readonly declaredMonth: string
  readonly monthColumn: string
  /** chunk files and outcomes; survives a crash */
  readonly scratch: string
  /** parts */
  readonly out: string
  readonly duck: DuckPool
  readonly memoryMb: number
  readonly signal: AbortSignal
}

/** One chunk to parse. */
export interface ChunkJob {
  readonly chunk: Chunk
  /** layout column of each field, in file order */
  readonly fields: readonly (ColumnSpec | null)[]
  /** name of the file the chunk is of */
  readonly file: string
  /** records the grammar has refused beforehand */
  readonly refused: ReadonlySet<number>
}

/** `00000`, by position in the submission. */
export const chunkName = (number: number): string => String(number).padStart(5, '0')

/** Where a chunk's rejects wait until the parse joins them. */
export const rejectsPath = (number: number, { scratch }: Pick<ChunkContext, 'scratch'>): string =>
  join(scratch, `rejects-${chunkName(number)}.jsonl`)
