/**
 * What the engine needs from outside, as interfaces: an object store and a clock.
 *
 * The store's verbs are the steps of protocol P (design §5), so that a folder and S3 can each do
 * them their own way: stage (invisible, attempt-unique), commit (the catalog's transaction, not
 * here), project (manifest, then what readers see), remove. Paths are `/`-separated and relative
 * to the store's root.
 */

/** Where one staged part's bytes come from. */
export type PartSource =
  | { readonly file: string } // a finished file outside the store; it is moved
  | { readonly bytes: Uint8Array }
  | { readonly stored: string } // a path in this store: linked or copied server-side

export interface StagePart {
  readonly name: string
  readonly source: PartSource
  readonly sizeBytes: number
  readonly sha256: string
}

/** A place in the store that readers see, and what it shall show: nothing when undefined. */
export interface Projection {
  readonly path: string
  readonly mode: 'folder' | 'files'
  readonly current: { readonly folder: string; readonly parts: readonly string[] } | undefined
}

export interface ObjectStore {
  /** what a person calls it, without secrets */
  readonly name: string
  /** the attempt-unique folder for a node published at `path`; pure */
  readonly folderFor: (path: string, attempt: string) => string
  /** writes parts under `folder`; nothing is visible to readers. Returns once written, not synced */
  readonly stage: (folder: string, parts: readonly StagePart[]) => Promise<void>
  /** makes staged folders durable, in parallel */
  readonly sync: (folders: readonly string[]) => Promise<void>
  /** removes staged folders that were never committed; safe to repeat */
  readonly abort: (folders: readonly string[]) => Promise<void>
  /** writes the immutable numbered manifest of a published path */
  readonly writeManifest: (path: string, number: number, text: string) => Promise<void>
  /** makes readers see what the catalog says; safe to repeat */
  readonly project: (projection: Projection) => Promise<void>
  /** removes folders of superseded versions */
  readonly remove: (folders: readonly string[]) => Promise<void>
  /** a local file holding one part's bytes, checked against its SHA-256 */
  readonly fetch: (part: {
    readonly path: string
    readonly sizeBytes: number
    readonly sha256: string
  }) => Promise<string>
  /** sizes of the given paths; undefined: not there. For `--verify` */
  readonly sizes: (paths: readonly string[]) => Promise<readonly (number | undefined)[]>
  /** every folder under the version area: for the sweeper and fsck */
  readonly folders: () => AsyncIterable<string>
  /** whether readers see exactly these. For `--verify` */
  readonly shows: (projections: readonly Projection[]) => Promise<readonly boolean[]>
  /** the highest numbered manifest of a published path; undefined: it has none */
  readonly lastManifest: (
    path: string,
  ) => Promise<{ readonly number: number; readonly text: string } | undefined>
  /** what no version, manifest or projection is: half-written files, links to nothing */
  readonly strays: () => AsyncIterable<string>
}

/** The time, as a number of milliseconds since 1970 and a monotonic one. */
export interface Clock {
  readonly nowMs: () => number
  readonly elapsedMs: () => number
}
