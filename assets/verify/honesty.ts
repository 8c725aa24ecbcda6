/** I16: what is reported is so. Nothing stale is hidden; counters, links and manifests are true. */
import { sql } from 'kysely'
import type { Definitions, Connection, Json } from '../../engine/index.ts'
import { counted, makePlan, nodeText, parseKey } from '../../engine/index.ts'
import { platformTables } from '../../registry/tables.ts'
import type { DecisionFact } from '../facts.ts'
import type { VerdictValue } from '../validation.ts'
import { lookAtOnce } from './at-once.ts'
import { currentNodes, valuesByKey } from './catalog-look.ts'
import type { InvariantResult, Verification } from './invariant.ts'
import { Faults, conclude } from './invariant.ts'

export async function verifyHonesty(verification: Verification): Promise<InvariantResult> {
  const { audit, platform } = verification
  const faults = new Faults()
  const open = await openNodes(platform.project.catalog.db)
  const stale = await checkVisible(verification, faults)
  const runs = await checkCounters(verification, faults)
  for (const node of audit.lagging) {
    faults.addWhen(
      !open.has(node.node),
      () => `${nodeText(node)}: readers do not see its current version`,
    )
  }
  const manifests = await checkManifests(verification, { open, faults })
  const states = await checkStates(verification, faults)
  return conclude('I16', {
    faults,
    holds: `${stale === 0 ? 'nothing published is stale' : `the plan lists ${counted(stale, 'stale partition')}`}; ${counted(runs, 'run')} counted again; ${counted(manifests, 'publication')} show their commit; ${counted(states, 'submission')} have the state of their verdict`,
    evidence: { stale, runs, manifests, submissions: states },
  })
}

/** Nodes of a run that did not end: the next run publishes them. Outputs follow their writer. */
async function openNodes(db: Connection): Promise<ReadonlySet<number>> {
  const { rows } = await sql<{ node: number }>`
    select node from intent union select e.dst from intent i join edge e on e.src = i.node`.execute(
    db,
  )
  return new Set(rows.map((row) => row.node))
}

/** Published partitions that are not current are steps of the plan, or wait in it. */
async function checkVisible(
  { platform: { project }, definitions }: Verification,
  faults: Faults,
): Promise<number> {
  const { db } = project.catalog
  const stored = [...definitions.graph.assets.values()].filter((asset) => asset.kind === 'stored')
  const names = sql.join(stored.map(({ name }) => name))
  // A mark that turned out to be no difference is no step: only these have to be listed.
  const { rows } = await sql<{ asset: string; key: string }>`
    select a.name as asset, n.key from dirty d join node n on n.id = d.node
    join asset a on a.id = n.asset where a.name in (${names}) and n.version <> 0
    and (d.cause in ('forced', 'missing') or exists (
      select 1 from edge e join node s on s.id = e.src
      where e.dst = n.id and e.src_version <> s.version))`.execute(db)
  if (rows.length === 0) return 0
  const plan = await makePlan(
    { ...project, observers: [] },
    { actor: { name: 'doctor', reason: '' } },
  )
  const listed = new Set([...plan.steps, ...plan.waiting].map(nodeText))
  for (const row of rows) {
    faults.addWhen(
      !listed.has(nodeText(row)),
      () => `${nodeText(row)} is not current, and the plan does not list it`,
    )
  }
  return rows.length
}

const COUNTED = ['built', 'reused', 'cutoff', 'retired', 'failed'] as const
const RUNS_MAX = 200

/** The counters that runs ended with, and what the build rows say. */
async function checkCounters(
  { platform: { project }, definitions }: Verification,
  faults: Faults,
): Promise<number> {
  const { db } = project.catalog
  const runs = await db
    .selectFrom('run')
    .select(['id', 'counts'])
    .where('ended_ms', 'is not', null)
    .where('status', '<>', 'interrupted')
    .orderBy('id', 'desc')
    .limit(RUNS_MAX)
    .execute()
  const stored = [...definitions.graph.assets.values()].filter((asset) => asset.kind === 'stored')
  const recount = await db
    .selectFrom('build')
    .innerJoin('node', 'node.id', 'build.node')
    .select(({ fn }) => ['build.run', 'build.outcome', fn.countAll<number>().as('count')])
    .where(
      'node.asset',
      'in',
      stored.map(({ name }) => definitions.ids.idOf(name)),
    )
    .where('build.run', '>=', runs.at(-1)?.id ?? 0)
    .groupBy(['build.run', 'build.outcome'])
    .execute()
  const found = new Map(recount.map((row) => [`${row.run} ${row.outcome}`, row.count]))
  for (const { id, counts } of runs) {
    const said = JSON.parse(counts) as Readonly<Record<string, number>>
    for (const outcome of COUNTED) {
      const count = found.get(`${id} ${outcome}`) ?? 0
      faults.addWhen(
        (said[outcome] ?? 0) !== count,
        () => `run ${id} reports ${said[outcome] ?? 0} ${outcome}, its build rows say ${count}`,
      )
    }
  }
  return runs.length
}

interface HeadRow {
  readonly node: number
  readonly key: string
  readonly commitNumber: number
  readonly contentId: string | null
}

/** The highest manifest of every publication is that of its last commit. */
async function checkManifests(
  { platform: { project }, definitions, audit }: Verification,
  { open, faults }: { readonly open: ReadonlySet<number>; readonly faults: Faults },
): Promise<number> {
  const lost = new Set(audit.missing.map((fault) => fault.node))
  let checked = 0
  for (const asset of definitions.graph.assets.values()) {
    if (asset.kind !== 'stored' && asset.kind !== 'output') continue
    if (asset.publish === undefined) continue
    const { name, publish } = asset
    const all = await heads(project.catalog.db, definitions, name)
    const shown = all.filter(
      ({ node, commitNumber }) => !open.has(node) && !lost.has(node) && commitNumber !== 0,
    )
    checked += shown.length
    const found = await lookAtOnce(shown, async (head) => {
      const manifest = await project.store.lastManifest(publish(parseKey(head.key)).path)
      return { head, fault: manifestFault(head, manifest) }
    })
    for (const { head, fault } of found) {
      if (fault !== undefined) faults.add(`${nodeText({ asset: name, key: head.key })}: ${fault}`)
    }
  }
  return checked
}

async function heads(
  db: Connection,
  { ids }: Definitions,
  asset: string,
): Promise<readonly HeadRow[]> {
  const { rows } = await sql<HeadRow>`
    select n.id as node, n.key, b.commit_number as "commitNumber", v.content_id as "contentId"
    from node n join build b on b.id = n.built left join version v on v.id = n.version
    where n.asset = ${ids.idOf(asset)} order by n.key`.execute(db)
  return rows
}

function manifestFault(
  head: HeadRow,
  manifest: { readonly number: number; readonly text: string } | undefined,
): string | undefined {
  if (manifest === undefined) return `it has no manifest, its commit number is ${head.commitNumber}`
  if (manifest.number !== head.commitNumber) {
    return `its last manifest is ${manifest.number}, its commit number is ${head.commitNumber}`
  }
  const said = contentIdIn(manifest.text)
  return said === (head.contentId ?? 'absent')
    ? undefined
    : 'its last manifest names another content'
}

function contentIdIn(text: string): Json | undefined {
  try {
    return (JSON.parse(text) as { readonly content_id?: Json }).content_id
  } catch {
    return undefined // not JSON any more: it names no content
  }
}

/** A submission's state is what its verdict and the decision about it say. */
async function checkStates(
  { platform: { project }, definitions, pending }: Verification,
  faults: Faults,
): Promise<number> {
  const { db } = project.catalog
  const verdicts = await currentNodes<VerdictValue>(db, definitions, 'verdict')
  const withdrawn = valuesByKey(await currentNodes<DecisionFact>(db, definitions, 'decision'))
  const rows = await platformTables(db)
    .selectFrom('submission')
    .select(['submission_id', 'status'])
    .execute()
  const status = new Map(rows.map((row) => [row.submission_id, row.status]))
  for (const { id, key, value } of verdicts) {
    if (pending.has(id)) continue
    const submission = parseKey(key)[2] ?? ''
    const wanted = withdrawn.get(key)?.withdrawn === true ? 'WITHDRAWN' : value.status
    const said = status.get(submission)
    faults.addWhen(
      said !== wanted,
      () => `submission ${submission} is shown as ${said ?? 'unknown'}, it is ${wanted}`,
    )
  }
  return verdicts.length
}
