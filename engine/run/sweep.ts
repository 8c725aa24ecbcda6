/**
 * Residue: what dead runs left in the store and the scratch folder, and that nothing refers to.
 *
 * The order makes it safe beside a live run: units are listed first, the catalog is read after. A
 * unit that was there is by then named by a part, by an open intent (recorded before the first
 * byte), or by nothing, and then it stays so: an attempt's name is never used twice.
 */
import { readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { sql } from 'kysely'
import type { Connection } from '../catalog/open.ts'
import type { ObjectStore } from '../core/ports.ts'
import type { Project } from './project.ts'
import { withRunLease } from './run-lease.ts'

export interface Residue {
  /** units of the store that neither a part nor an open intent names */
  readonly units: readonly string[]
  /** half-written files and links to nothing in the store */
  readonly strays: readonly string[]
  /** scratch folders that no build will go on from: absolute paths */
  readonly scratch: readonly string[]
}

/** What a sweep would remove. Changes nothing. Memory: the paths of all units. */
export async function findResidue(project: Project): Promise<Residue> {
  const { catalog, store } = project
  const units = new Set<string>()
  for await (const unit of store.units()) units.add(unit)
  const strays: string[] = []
  for await (const path of store.strays()) strays.push(path)
  await catalog.read(async (db) => {
    for await (const unit of referenced(db, store)) units.delete(unit)
  })
  return {
    units: [...units].toSorted(),
    strays: strays.toSorted(),
    scratch: await oldScratch(project),
  }
}

/** Removes the residue while no run is under way. Throws RUN_BUSY. Returns what it removed. */
export async function sweep(project: Project): Promise<Residue> {
  return withRunLease(project, async () => removeResidue(project))
}

/** The same for a caller that holds the run lease. */
export async function removeResidue(project: Project): Promise<Residue> {
  const residue = await findResidue(project)
  await project.store.remove([...residue.units, ...residue.strays])
  await clearScratch(project)
  return residue
}

/** Removes scratch folders that no build will go on from. The caller holds the run lease. */
export async function clearScratch(project: Project): Promise<void> {
  for (const path of await oldScratch(project)) await rm(path, { recursive: true, force: true })
}

async function oldScratch(project: Project): Promise<readonly string[]> {
  const names = await namesIn(project)
  if (names.size === 0) return []
  for (const name of await resumable(project.catalog.db, names)) names.delete(name)
  return [...names].toSorted().map((name) => join(project.scratchRoot, name))
}

/** Folders of processes (`tributary-…`) may be in use by one that holds no lease: a query. */
const PROCESS_FOLDER = /^tributary-/
const PROCESS_FOLDER_AGE_MS = 24 * 60 * 60 * 1000

async function namesIn({ scratchRoot, clock }: Project): Promise<Set<string>> {
  const names = await readdir(scratchRoot).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
  const old: string[] = []
  for (const name of names) {
    if (!PROCESS_FOLDER.test(name)) old.push(name)
    else {
      const found = await stat(join(scratchRoot, name)).catch(() => undefined) // just ended
      const ageMs = clock.nowMs() - (found?.mtimeMs ?? Infinity)
      if (ageMs > PROCESS_FOLDER_AGE_MS) old.push(name)
    }
  }
  return new Set(old)
}

const PAGE_ROWS = 10_000

/** Every unit that a part or an open intent names; repeats are possible. */
async function* referenced(db: Connection, store: ObjectStore): AsyncIterable<string> {
  const intents = await db.selectFrom('intent').select('notes').execute()
  for (const { notes } of intents) {
    for (const note of JSON.parse(notes) as string[]) yield note.split('\t', 1)[0] ?? note
  }
  let after = { build: 0, ordinal: -1 }
  for (;;) {
    const { rows } = await sql<{ build: number; ordinal: number; path: string }>`
      select build, ordinal, path from part
      where (build, ordinal) > (${after.build}, ${after.ordinal})
      order by build, ordinal limit ${sql.lit(PAGE_ROWS)}`.execute(db)
    const last = rows.at(-1)
    if (last === undefined) return
    after = last
    for (const { path } of rows) yield store.unitOf(path)
  }
}

/** A build in progress keeps its folder under its fingerprint while something is dirty. */
const FINGERPRINT = /^[0-9a-f]{64}$/

async function resumable(db: Connection, names: ReadonlySet<string>): Promise<readonly string[]> {
  const prints = [...names].filter((name) => FINGERPRINT.test(name))
  if (prints.length === 0) return []
  // A node that is being built may have ceased to be dirty: its source went back meanwhile.
  const open = await db.selectFrom('intent').select('node').limit(1).executeTakeFirst()
  if (open !== undefined) return prints
  const dirty = await db.selectFrom('dirty').select('node').limit(1).executeTakeFirst()
  if (dirty === undefined) return []
  const done = await db
    .selectFrom('build')
    .select('fingerprint')
    .distinct()
    .where('fingerprint', 'in', prints)
    .where('outcome', '<>', 'failed')
    // A lost part is built again under the fingerprint it had.
    .where('node', 'not in', (dirtyNodes) => dirtyNodes.selectFrom('dirty').select('node'))
    .execute()
  const finished = new Set(done.map((row) => row.fingerprint))
  return prints.filter((print) => !finished.has(print))
}
