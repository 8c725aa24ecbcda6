/** What the pool and its children say to each other. Plain data over the fork channel. */

/** Work for one fresh DuckDB instance. */
export interface DuckTask {
  /** run in order on one connection; the rows of each come back */
  readonly statements: readonly string[]
  /** absolute paths of the folders the statements may read and write; nothing else is allowed */
  readonly folders: readonly string[]
  /** DuckDB's memory_limit; resident memory goes above it by writer state. Default 800 */
  readonly memoryMb?: number
  /** default 10 minutes */
  readonly timeoutMs?: number
  /** a statement with more rows than this fails the task. Default 1,000,000 */
  readonly rowCountMax?: number
}

/**
 * A value of a result row: integers are numbers while exact, else text; DECIMAL, DATE and TIMESTAMP
 * are DuckDB's own text (ISO); lists, structs and maps are nested.
 */
export type DuckValue =
  | null
  | boolean
  | number
  | string
  | readonly DuckValue[]
  | { readonly [name: string]: DuckValue }

export type DuckRow = Readonly<Record<string, DuckValue>>

/** Kinds of DuckDB errors that may leave a child: DuckDB's own messages quote data and do not. */
export const DUCK_ERROR_KINDS = [
  'Binder',
  'Catalog',
  'Constraint',
  'Conversion',
  'FATAL',
  'IO',
  'INTERNAL',
  'Invalid Input',
  'Not implemented',
  'Out of Memory',
  'Out of Range',
  'Parser',
  'Permission',
  'Type',
  'disk full',
  'too many rows',
  'unknown',
] as const
export type DuckErrorKind = (typeof DUCK_ERROR_KINDS)[number]

export interface ChildRequest {
  readonly id: number
  readonly statements: readonly string[]
  readonly folders: readonly string[]
  readonly memoryMb: number
  readonly rowCountMax: number
  readonly temporaryFolder: string
}

export type ChildReply =
  /** one list of rows a statement */
  | { readonly kind: 'rows'; readonly id: number; readonly results: DuckRow[][] }
  | {
      readonly kind: 'error'
      readonly id: number
      readonly error: DuckErrorKind
      /** position of the statement that failed, from 0; -1 while opening */
      readonly statement: number
    }
