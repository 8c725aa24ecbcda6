/**
 * The journal: what only the catalog knows, as numbered immutable objects in the store.
 *
 * A projection like a manifest: written after the transaction that it speaks of, so it may lag and
 * never leads; whoever is interrupted repeats it under a new number. Replayed in order, the last
 * word about a thing stands. With the manifests it is all that `rebuild-catalog` needs.
 */
import { z } from 'zod'
import type { JournalEntry, KeptTable, TakenEntries } from '../catalog/unprojected.ts'
import {
  ENGINE_KEPT,
  dropProjected,
  isUnprojected,
  takeUnprojected,
} from '../catalog/unprojected.ts'
import { EngineError } from '../core/errors.ts'
import { failpoint } from '../core/failpoint.ts'
import type { ObjectStore } from '../core/ports.ts'
import { BOOKKEEPING } from './hold.ts'
import type { Project } from './project.ts'

/** What the store calls the journal: numbered manifests of this path. */
export const JOURNAL = '_catalog/journal'

/** Objects written in one go; what is left is written with the next commit. */
const OBJECTS_MAX = 1_000

/** The tables whose rows a project's journal holds. */
export const keptTables = ({ kept = [] }: Pick<Project, 'kept'>): readonly KeptTable[] => [
  ...ENGINE_KEPT,
  ...kept,
]

/** Brings the journal up to the catalog. Cost when it is: one look-up. Throws STORE_UNUSABLE. */
export async function projectJournal(project: Project): Promise<number> {
  const { catalog, store } = project
  // What others commit meanwhile is theirs to write: one would write for all, and never end.
  let first: number | undefined
  for (let written = 0; ; written++) {
    if (written === OBJECTS_MAX || !(await isUnprojected(catalog.db, first))) return written
    const taken = await catalog.write(
      async (trx) => takeUnprojected(trx, keptTables(project)),
      BOOKKEEPING,
    )
    if (taken === undefined) return written
    first ??= taken.number
    failpoint('journal.taken')
    await store.writeManifest(JOURNAL, taken.number, objectText(taken))
    failpoint('journal.written')
    await catalog.write(async (trx) => dropProjected(trx, taken), BOOKKEEPING)
  }
}

const objectText = ({ number, entries, receivedMs, run }: TakenEntries): string =>
  `${JSON.stringify({ format: 'tributary-journal/1', number, received_ms: receivedMs, run, entries })}\n`

const CELL = z.union([z.string(), z.number(), z.null()])
const NAME = z.strictObject({ asset: z.string(), key: z.string() })
const ENTRY = z.union([
  z.strictObject({
    table: z.string(),
    key: z.array(CELL),
    row: z.record(z.string(), CELL).nullable(),
  }),
  z.strictObject({ fact: NAME, value: z.json().exactOptional() }),
  z.strictObject({
    head: NAME,
    commit_number: z.int().min(0),
    content_id: z.string(),
    fingerprint: z.string().nullable(),
    value: z.json(),
  }),
])
const OBJECT = z.strictObject({
  format: z.literal('tributary-journal/1'),
  number: z.int().min(1),
  received_ms: z.int().min(0),
  run: z.int().min(0),
  entries: z.array(ENTRY),
})

export interface JournalObject {
  readonly number: number
  readonly received_ms: number
  /** the highest run there was */
  readonly run: number
  readonly entries: readonly JournalEntry[]
}

/** One object of the journal. Throws STORED_INVALID. */
export async function readJournal(store: ObjectStore, number: number): Promise<JournalObject> {
  const text = await store.readManifest(JOURNAL, number)
  try {
    return OBJECT.parse(JSON.parse(text ?? ''))
  } catch (error) {
    if (!(error instanceof SyntaxError) && !(error instanceof z.ZodError)) throw error
    throw new EngineError('STORED_INVALID', { path: JOURNAL, number }, { cause: error })
  }
}
