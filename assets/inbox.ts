/**
 * Where deliveries arrive, as the road asks for it: a folder, or a place in a bucket.
 *
 * A *source* is how the catalog names the bytes of one delivered file: an absolute path, or the
 * URL of an object with what pins its version. Paths are `/`-separated and relative to the inbox.
 */
import type { Listed } from '../registry/inbox.ts'

/** A place that cannot be read, relative to the inbox. */
export interface InboxFault {
  readonly path: string
  readonly reason: string
}

export interface Listing {
  readonly listed: readonly Listed[]
  /** by path */
  readonly faults: readonly InboxFault[]
}

/** One version of a file, as a listing told it. */
export type Version = Pick<Listed, 'path' | 'changedToken'>

/** `changed`: another version lies there, and stays. */
export type Removal = 'removed' | 'gone' | 'changed'

export interface Inbox {
  /** what a person calls it, without secrets */
  readonly name: string
  /**
   * Every file there is, at most 1,000,000; one that is not there is empty. Names are as hostile as
   * they come. Throws INPUT_UNREADABLE for the inbox itself, or when it is too long.
   */
  readonly list: () => Promise<Listing>
  /** how the catalog names a version; pure */
  readonly sourceOf: (version: Version) => string
  /** the path that a source of this inbox names; undefined: it lies elsewhere. Pure */
  readonly pathOf: (source: string) => string | undefined
  /** when a version was last changed, as its token tells it, in ms; undefined: it does not. Pure */
  readonly modifiedMs: (changedToken: string) => number | undefined
  /**
   * The bytes of a source; with a token, of that version and no other. A bucket's source pins its
   * version by itself. Throws INPUT_CHANGED, INPUT_UNREADABLE.
   */
  readonly read: (source: string, changedToken?: string) => AsyncIterable<Buffer>
  /** Removes a version whose bytes are safe elsewhere. Safe to repeat. Throws INPUT_UNREADABLE. */
  readonly remove: (version: Version) => Promise<Removal>
  readonly close: () => Promise<void>
}
