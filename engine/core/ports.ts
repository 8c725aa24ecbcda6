/**
 * What the engine needs from outside, as interfaces: an object store and a clock.
 *
 * The store's verbs are the steps of protocol P (design §5), so that a folder and S3 can each do
 * them their own way: stage (invisible, attempt-unique), sync (durable; on S3 the uploads are
 * completed), commit (the catalog's transaction, not here), project (manifest, then what readers
 * see), remove. Paths are `/`-separated and relative to the store's root.
 *
 * A *unit* is what a store removes as a whole: a version's folder, or one object. A *note* is what
 * undoes a staging: its unit and, after a tab, whatever else the store needs (an upload's id).
 */

/** Where one staged part's bytes come from. */
export type PartSource =
  | { readonly file: string } // a finished file outside the store; it is moved
  | { readonly bytes: Uint8Array }
  | { readonly stored: string } // a path in this store: linked or copied server-side
  | { readonly kept: string } // a part of the node's current version: S3 leaves it where it is

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
  readonly current:
    | { readonly parts: readonly { readonly name: string; readonly path: string }[] }
    | undefined
}

export interface ObjectStore {
  /** what a person calls it, without secrets */
  readonly name: string
  /** the attempt-unique folder for a node published at `path`; pure */
  readonly folderFor: (path: string, attempt: string) => string
  /**
   * Writes parts under `folder`; nothing is visible to readers. Returns their paths once they are
   * written, not synced. `note` is awaited before the first byte of what only a note can undo.
   */
  readonly stage: (
    folder: string,
    parts: readonly StagePart[],
    note: (notes: readonly string[]) => Promise<void>,
  ) => Promise<readonly string[]>
  /** makes staged folders durable, in parallel. On S3 it completes their uploads */
  readonly sync: (folders: readonly string[]) => Promise<void>
  /** undoes stagings that were never committed, by folder or note; safe to repeat */
  readonly abort: (notes: readonly string[]) => Promise<void>
  /** writes the immutable numbered manifest of a published path */
  readonly writeManifest: (path: string, number: number, text: string) => Promise<void>
  /** makes readers see what the catalog says; safe to repeat */
  readonly project: (projection: Projection) => Promise<void>
  /** the unit that a part lies in; pure */
  readonly unitOf: (path: string) => string
  /** removes superseded units; safe to repeat */
  readonly remove: (units: readonly string[]) => Promise<void>
  /** a local file holding one part's bytes, checked against its SHA-256 */
  readonly fetch: (part: {
    readonly path: string
    readonly sizeBytes: number
    readonly sha256: string
  }) => Promise<string>
  /** bytes `[from, to)` of a path, fewer at its end; not checked. Throws PART_MISSING */
  readonly readRange: (path: string, from: number, to: number) => Promise<Buffer>
  /** SHA-256 of a path's bytes as they lie in the store, from no cache; undefined: not there */
  readonly digest: (path: string) => Promise<string | undefined>
  /** sizes of the given paths; undefined: not there. For `--verify` */
  readonly sizes: (paths: readonly string[]) => Promise<readonly (number | undefined)[]>
  /** every unit there is: for the sweeper and fsck */
  readonly units: () => AsyncIterable<string>
  /** whether readers see exactly these. For `--verify` */
  readonly shows: (projections: readonly Projection[]) => Promise<readonly boolean[]>
  /** the highest numbered manifest of a published path; undefined: it has none */
  readonly lastManifest: (
    path: string,
  ) => Promise<{ readonly number: number; readonly text: string } | undefined>
  /** every manifest there is, or those of one path: a path's together, numbers ascending */
  readonly manifests: (
    path?: string,
  ) => AsyncIterable<{ readonly path: string; readonly number: number }>
  /** one manifest's text; undefined: it is not there */
  readonly readManifest: (path: string, number: number) => Promise<string | undefined>
  /** takes changed parts out of the way of readers and builds; their bytes stay, for a person */
  readonly setAside: (paths: readonly string[]) => Promise<void>
  /**
   * every file or object there is, with what differs after any write to it, in no order: equal
   * listings prove that nothing was written
   */
  readonly listing: () => AsyncIterable<string>
  /** puts a lost part in its place again: the file's bytes are those that were there */
  readonly putBack: (path: string, file: string) => Promise<void>
  /** what no version, manifest or projection is: half-written files, links to nothing */
  readonly strays: () => AsyncIterable<string>
}

/** Where backups lie: a folder, or a prefix of a bucket. Names are `/`-separated. */
export interface BackupPlace {
  /** what a person calls it, without secrets */
  readonly name: string
  readonly put: (name: string, file: string) => Promise<void>
  /** false: there is no such name */
  readonly get: (name: string, to: string) => Promise<boolean>
}

/** The time, as a number of milliseconds since 1970 and a monotonic one. */
export interface Clock {
  readonly nowMs: () => number
  readonly elapsedMs: () => number
}
