/**
 * What a project declares: assets, their keys, what they read, and how they are made.
 *
 * Four kinds of asset, three kinds of node (an `output` is stored too, but written by another
 * asset's build, as a parse writes all its months):
 * - fact: observed from outside; its value is a slice of something a person or submitter wrote.
 * - value: a pure function of other nodes, canonical JSON of at most 4 KB, kept in the catalog.
 * - stored: has parts in the object store and is made by `build`.
 *
 * Keys are never enumerated: each asset says which keys a parent gives it (`from`), and the
 * transaction that creates, changes or retires the parent calls that function. Everything else a
 * build reads is named by `reads`, from the key and those parents alone.
 */
import type { Json } from './digest.ts'
import type { Slot } from './fingerprint.ts'
import type { Key, NodeName } from './key.ts'

/** A pure forward map from one parent to the keys it gives. */
export interface KeysFrom {
  /** `key`: the value is never looked at, so a changed value moves no membership */
  readonly by: 'key' | 'value'
  /** `value` is undefined while the parent is absent */
  readonly keys: (key: Key, value: Json | undefined) => readonly Key[]
}

/** Membership by the parent's key alone: it holds from the parent's creation on, absent or not. */
export const byKey = (keys: (key: Key) => readonly Key[]): KeysFrom => ({ by: 'key', keys })
/** Membership by the parent's value. */
export const byValue = (keys: (key: Key, value: Json) => readonly Key[]): KeysFrom => ({
  by: 'value',
  keys: (key, value) => (value === undefined ? [] : keys(key, value)),
})
/** The parent's own key. */
export const sameKey: KeysFrom = byKey((key) => [key])

/** The nodes a build reads, beside those that gave it its key. */
export interface Reads {
  /** every asset that `nodes` may name: the definition graph's edges */
  readonly assets: readonly string[]
  /** pure in the key and the members; may name nodes that do not exist (they are `absent`) */
  readonly nodes: (key: Key, members: readonly Slot[]) => readonly NodeName[]
}

/** Everything one build reads, by asset; each list is in key order. */
export interface Inputs {
  readonly key: Key
  readonly slots: readonly Slot[]
  readonly of: (asset: string) => readonly Slot[]
  /** the one slot of an asset that gives exactly one; asserts that */
  readonly one: (asset: string) => Slot
}

interface Declared {
  /** snake case noun */
  readonly name: string
  /** dimension names, in key order */
  readonly dimensions: readonly string[]
  readonly description?: string
  readonly tags?: readonly string[]
}

/** A fact is written by an observer, the registry, intake or a person: never built. */
export interface FactAsset extends Declared {
  readonly kind: 'fact'
}

/** The only way time reaches a build: as a slot that moves to the next bucket. */
export interface Freshness {
  /** length of a bucket since 1970, UTC; a node is built again in each, when a run finds it */
  readonly everyMs: number
}

export interface ValueAsset extends Declared {
  readonly freshness?: Freshness
  readonly kind: 'value'
  readonly recipe: string
  /** omitted: the node exists because something reads it */
  readonly from?: Readonly<Record<string, KeysFrom>>
  readonly reads?: Reads
  /** pure; undefined makes the node absent */
  readonly evaluate: (inputs: Inputs) => Json | undefined
  /** bytes of canonical JSON; default 4096. More only for a slice of a document, which is kept anyway */
  readonly valueBytesMax?: number
  /** what a person has to decide, shown by `plan` under `waiting` until the value changes */
  readonly waiting?: (value: Json) => string | undefined
}

/** What a stored node's build would consist of; pure, so that `plan` can say it beforehand. */
export type Outline =
  /** named parts with fingerprints of their own; `reads` undefined: every slot */
  | { readonly verdict: 'build'; readonly parts?: readonly PartOutline[] }
  /** the same parts as another node, no bytes through this program */
  | { readonly verdict: 'copy'; readonly of: NodeName; readonly value: Json }
  | { readonly verdict: 'retire'; readonly why: string }
  | { readonly verdict: 'blocked'; readonly why: string }

export interface PartOutline {
  /** the submitter or chunk: never an attempt or an object key */
  readonly name: string
  /** the slots this part depends on */
  readonly reads: (slot: Slot) => boolean
}

/** A part that has to be computed. */
export interface WantedPart {
  readonly name: string
  readonly fingerprint: string
  /** the instant this fingerprint was first claimed, ISO 8601 with milliseconds, for ever the same */
  readonly firstWantedAt: string
}

/** A part's file as a build reads it: a local path whose SHA-256 has been checked. */
export interface PartFile {
  readonly name: string
  readonly path: string
  readonly sizeBytes: number
  readonly rows: number | undefined
}

/** A part as a build hands it over: a file in its scratch folder, or bytes. */
export interface BuiltPart {
  readonly name: string
  readonly from: { readonly file: string } | { readonly bytes: string | Uint8Array }
  readonly rows?: number
}

export interface BuildContext {
  readonly node: NodeName
  readonly inputs: Inputs
  /** only the parts that could not be found; for an outline without parts: undefined */
  readonly parts: readonly WantedPart[] | undefined
  /** a folder of this fingerprint's own; it survives a crash, so long builds resume */
  readonly scratch: () => Promise<string>
  /** the parts of a node this build reads, checked against their SHA-256 */
  readonly read: (node: NodeName) => Promise<readonly PartFile[]>
  readonly signal: AbortSignal
  readonly progress: (progress: { readonly done: number; readonly total?: number }) => void
}

/** What a build made of one node. */
export interface BuiltNode {
  readonly parts: readonly BuiltPart[]
  /** a function of the parts' bytes, or, with no parts, the content itself; at most 4 KB */
  readonly value?: Json
}

export interface BuildResult extends BuiltNode {
  /** further nodes this build writes, all that exist after it: others of this build are retired */
  readonly outputs?: readonly (BuiltNode & { readonly asset: string; readonly key: Key })[]
  readonly rows?: number
  /** handed to the project's commit hook in the same transaction */
  readonly record?: Json
}

/** Where readers find a node: a folder of its parts, or each part beside others. */
export interface Publication {
  readonly path: string
  readonly mode: 'folder' | 'files'
}

/** A check on staged bytes, before anything is visible. A blocking failure commits nothing. */
export interface Check {
  readonly name: string
  /** undefined: passed. Else what is wrong, without values */
  readonly run: (staged: {
    readonly inputs: Inputs
    readonly result: BuildResult
    readonly rows: number | undefined
  }) => Promise<string | undefined> | string | undefined
}

export interface StoredAsset extends Declared {
  readonly freshness?: Freshness
  readonly kind: 'stored'
  readonly recipe: string
  readonly from: Readonly<Record<string, KeysFrom>>
  readonly reads?: Reads
  readonly outline?: (inputs: Inputs) => Outline
  readonly build: (context: BuildContext) => BuildResult | Promise<BuildResult>
  /** with outlined parts: the node's value, a pure function of its parts */
  readonly summarize?: (
    parts: readonly { readonly name: string; readonly rows: number | undefined }[],
  ) => Json
  /** bytes of canonical JSON of its value and its outputs'; default 4096 */
  readonly valueBytesMax?: number
  /** the `output` assets this build also writes */
  readonly outputs?: readonly string[]
  /** omitted: the node has a value only, nothing is published */
  readonly publish?: (key: Key) => Publication
  readonly checks?: readonly Check[]
}

export interface OutputAsset extends Declared {
  readonly kind: 'output'
  readonly publish?: (key: Key) => Publication
}

export type AssetDefinition = FactAsset | ValueAsset | StoredAsset | OutputAsset

/** A declared asset, checked as far as one declaration can be. */
export function defineAsset<Definition extends AssetDefinition>(asset: Definition): Definition {
  return Object.freeze(asset)
}

/** The inputs of a build over sorted slots. */
export function inputsOf(key: Key, slots: readonly Slot[]): Inputs {
  const of = (asset: string): readonly Slot[] => slots.filter((slot) => slot.asset === asset)
  return {
    key,
    slots,
    of,
    one: (asset) => {
      const found = of(asset)
      const [slot] = found
      if (slot === undefined || found.length > 1) {
        throw new TypeError(`${asset} gives ${found.length} slots where exactly one is read`)
      }
      return slot
    },
  }
}
