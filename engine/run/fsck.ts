/**
 * fsck: catalog ↔ store ↔ manifest ↔ SHA-256, for every partition; and the cure.
 *
 * The catalog says what should be; the store is mended to match it, never the other way round. A
 * changed part is set aside before anything else, so that no build and no reader meets it; then it
 * is a lost one, and its owner is dirty: the next run makes it again. Memory: a page, what is
 * wrong, and the names of the store's units.
 */
import { sql } from 'kysely'
import type { Definitions } from '../catalog/membership.ts'
import type { Connection } from '../catalog/open.ts'
import { insertAudit } from '../catalog/runs.ts'
import type { Actor } from '../catalog/runs.ts'
import { failpoint } from '../core/failpoint.ts'
import { nodeText } from '../core/key.ts'
import { runHold } from './hold.ts'
import type { PartFault, StoreAudit } from './audit-store.ts'
import { auditStore } from './audit-store.ts'
import type { Project } from './project.ts'
import { loadDefinitions } from './project.ts'
import { publishNodes } from './publish.ts'
import type { Published } from './published.ts'
import { publishedNodes } from './published.ts'
import { withRunLease } from './run-lease.ts'
import type { Residue } from './sweep.ts'
import { findResidue, removeResidue } from './sweep.ts'
import { markFaults, marksOf } from './verify-store.ts'

export interface FsckFault {
  readonly kind: 'lost' | 'changed' | 'manifest' | 'projection' | 'orphan' | 'scratch'
  /** a partition, or a path in the store */
  readonly subject: string
  /** what is wrong: sizes, numbers, digests; no value of the data */
  readonly words: string
  /** what `--repair` does about it */
  readonly repair: string
}

export interface FsckReport {
  readonly checked: {
    readonly partitions: number
    readonly parts: number
    readonly manifests: number
  }
  readonly faults: readonly FsckFault[]
  /** builds that were marked: the next run makes them */
  readonly marked: number
}

export interface FsckOptions {
  readonly onProgress?: (progress: {
    readonly what: 'parts' | 'manifests'
    readonly done: number
    readonly of: number
  }) => void
}

/** A published node whose highest manifest is not the one of its last commit. */
interface ManifestFault {
  readonly published: Published
  /** the number of the highest manifest there; 0: none */
  readonly found: number
  readonly words: string
}

interface Findings {
  readonly definitions: Definitions
  readonly audit: StoreAudit
  readonly manifests: readonly ManifestFault[]
  readonly manifestsChecked: number
  readonly residue: Residue
}

/** Looks and changes nothing. Beside a live run it may see what is about to be shown. */
export async function fsck(project: Project, options: FsckOptions = {}): Promise<FsckReport> {
  return reportOf(await look(project, options), 0)
}

/** Looks and mends, while no run is under way. Throws RUN_BUSY. */
export async function repairStore(
  project: Project,
  { actor, ...options }: FsckOptions & { readonly actor: Actor },
): Promise<FsckReport> {
  return withRunLease(project, async (lease) => {
    const findings = await look(project, options)
    const { audit, manifests, definitions } = findings
    const faulty = [...audit.missing, ...audit.forgotten]
    const changed = faulty.filter(({ kind }) => kind === 'changed')
    await project.store.setAside([...new Set(changed.map(({ path }) => path))])
    failpoint('fsck.aside')
    const marks = await marksOf(project, audit.missing)
    const report = reportOf(findings, marks.size)
    if (report.faults.length > 0) {
      await project.catalog.write(async (trx) => {
        await markFaults(trx, { audit, marks, back: [] })
        await overtake(trx.db, manifests)
        const subject = `${report.faults.length} faults of the store`
        const atMs = project.clock.nowMs()
        await insertAudit(trx, { atMs, actor, action: 'fsck', subject, run: null })
      })
    }
    failpoint('fsck.marked')
    const shown = [...audit.lagging.map(({ node }) => node), ...manifests.map(nodeOf)]
    const hold = runHold(project, lease)
    await publishNodes(project, definitions, {
      nodes: [...new Set(shown)],
      keep: async (forMs) => hold.keep([], forMs),
    })
    await removeResidue(project)
    return report
  })
}

const nodeOf = ({ published }: ManifestFault): number => published.node

async function look(project: Project, { onProgress }: FsckOptions): Promise<Findings> {
  const definitions = await loadDefinitions(project.graph, project.catalog, false)
  const audit = await auditStore(project, {
    digests: 'all',
    ...(onProgress && { onProgress: (done, of) => onProgress({ what: 'parts', done, of }) }),
  })
  const lost = new Set(audit.missing.map(({ node }) => node))
  const manifests: ManifestFault[] = []
  let manifestsChecked = 0
  const { count } = await publishedCount(project.catalog.db)
  for await (const page of publishedPages(project, definitions)) {
    // A part to be made again gets a manifest of its own then.
    const checked = page.filter(({ node, manifest }) => manifest !== undefined && !lost.has(node))
    manifestsChecked += checked.length
    manifests.push(...(await manifestFaults(project, checked)))
    onProgress?.({ what: 'manifests', done: manifestsChecked, of: count })
  }
  const residue = await findResidue(project)
  return { definitions, audit, manifests, manifestsChecked, residue }
}

const PAGE_NODES = 1_000
/** look-ups in the store at once */
const LOOKS_AT_ONCE = 32

async function publishedCount(db: Connection): Promise<{ readonly count: number }> {
  const { rows } = await sql<{ count: number }>`
    select count(*) as count from node n join build b on b.id = n.built
    where b.commit_number > 0`.execute(db)
  return { count: rows[0]?.count ?? 0 }
}

/** Nodes that were published, in pages; without those that a run is about to show. */
async function* publishedPages(
  project: Project,
  definitions: Definitions,
): AsyncIterable<readonly Published[]> {
  for (let after = 0; ;) {
    const { rows } = await sql<{ id: number }>`
      select n.id from node n join build b on b.id = n.built
      where b.commit_number > 0 and n.id > ${after} and not exists (
        select 1 from intent i where i.node = n.id or i.node in (
          select e.src from edge e where e.dst = n.id))
      order by n.id limit ${sql.lit(PAGE_NODES)}`.execute(project.catalog.db)
    const last = rows.at(-1)
    if (last === undefined) return
    after = last.id
    yield publishedNodes(
      project,
      definitions,
      rows.map(({ id }) => id),
    )
  }
}

async function manifestFaults(
  { store }: Project,
  nodes: readonly Published[],
): Promise<readonly ManifestFault[]> {
  const faults: ManifestFault[] = []
  for (let at = 0; at < nodes.length; at += LOOKS_AT_ONCE) {
    const some = nodes.slice(at, at + LOOKS_AT_ONCE)
    const found = await Promise.all(
      some.map(async ({ publication }) => store.lastManifest(publication.path)),
    )
    for (const [place, published] of some.entries()) {
      const last = found[place]
      const words = manifestWords(published, last)
      if (words !== undefined) faults.push({ published, found: last?.number ?? 0, words })
    }
  }
  return faults
}

function manifestWords(
  { manifest }: Published,
  last: { readonly number: number; readonly text: string } | undefined,
): string | undefined {
  if (manifest === undefined) return undefined
  if (last === undefined) return `it has no manifest, its commit number is ${manifest.number}`
  if (last.number !== manifest.number) {
    return `its last manifest is ${last.number}, its commit number is ${manifest.number}`
  }
  return last.text === manifest.text ? undefined : `manifest ${last.number} is not its commit's`
}

/** A manifest is never taken back: the catalog's truth gets a number above the highest there. */
async function overtake(db: Connection, faults: readonly ManifestFault[]): Promise<void> {
  for (const { published, found } of faults) {
    if (found <= (published.manifest?.number ?? 0)) continue
    await db
      .updateTable('build')
      .set({ commit_number: found + 1 })
      .where('id', '=', published.build)
      .execute()
  }
}

function reportOf(
  { audit, manifests, manifestsChecked, residue }: Findings,
  marked: number,
): FsckReport {
  const faults: FsckFault[] = [
    ...audit.missing.map((fault) => partFault(fault, 'the next run makes it again')),
    ...audit.forgotten.map((fault) => partFault(fault, 'the old version is forgotten')),
    ...manifests.map(({ published, found, words }): FsckFault => {
      const number = published.manifest?.number ?? 0
      const next = found > number ? found + 1 : number
      const repair = `manifest ${next} is written from the catalog`
      return { kind: 'manifest', subject: nodeText(published.name), words, repair }
    }),
    ...audit.lagging.map((node): FsckFault => ({
      kind: 'projection',
      subject: nodeText(node),
      words: 'readers do not see its current version',
      repair: 'what readers see is put right',
    })),
    ...[...residue.units, ...residue.strays].map((path): FsckFault => ({
      kind: 'orphan',
      subject: path,
      words: 'no commit and no live claim refers to it',
      repair: 'it is removed',
    })),
    ...residue.scratch.map((path): FsckFault => ({
      kind: 'scratch',
      subject: path,
      words: 'no build goes on from it',
      repair: 'it is removed',
    })),
  ]
  const { nodes, parts } = audit
  return { checked: { partitions: nodes, parts, manifests: manifestsChecked }, faults, marked }
}

function partFault(fault: PartFault, then: string): FsckFault {
  const subject = nodeText(fault)
  const words = `${fault.part} ${fault.what}`
  const repair = fault.kind === 'changed' ? `it is set aside; ${then}` : then
  return { kind: fault.kind, subject, words, repair }
}
