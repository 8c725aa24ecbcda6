/**
 * I1: what was built step by step equals a rebuild from nothing.
 *
 * A second catalog and store, in a folder that is removed afterwards, are given what cannot be
 * derived: the raw files with their manifests, what intake stamped, what people decided, the
 * registry, and when each fingerprint was first wanted. Then everything is built, and content ids
 * are compared. A fingerprint that was never wanted before would give other bytes: a violation.
 * A month that a person rolled back is held to the content that the decision names.
 */
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { sql } from 'kysely'
import type { Fact, Observation, Project } from '../../engine/index.ts'
import {
  counted,
  isEngineError,
  loadDefinitions,
  materialize,
  nodeText,
  parseKey,
  rowsTable,
} from '../../engine/index.ts'
import { platformTables } from '../../registry/tables.ts'
import type { Delivery, Stamp } from '../facts.ts'
import { asJson } from '../facts.ts'
import { registryAsFacts, requireRegistry, storedFiles } from '../registry-sync.ts'
import type { CurrentPart } from './catalog-look.ts'
import { currentNodes, currentParts } from './catalog-look.ts'
import type { InvariantResult, Verification } from './invariant.ts'
import { Faults, conclude } from './invariant.ts'

/** Everything that is built: compared node for node. */
const COMPARED = [
  'parse',
  'silver',
  'rejects',
  'outbox',
  'sample',
  'gold_submitter',
  'gold_canonical',
] as const

export async function verifyCleanRebuild(verification: Verification): Promise<InvariantResult> {
  const { platform } = verification
  const faults = new Faults()
  await mkdir(platform.config.scratch.value, { recursive: true })
  const folder = await mkdtemp(join(platform.config.scratch.value, 'tributary-verify-'))
  const { catalog, store } = await platform.spare(folder)
  try {
    const rebuilt: Project = {
      ...platform.project,
      catalog,
      store,
      observers: [],
      hooks: {},
      scratchRoot: join(folder, 'scratch'),
      retainedVersions: 1,
    }
    const replayed = await replay(verification, faults)
    const report = await materialize(rebuilt, {
      actor: { name: 'doctor', reason: 'a clean rebuild' },
      command: 'doctor',
      concurrency: platform.config.concurrency.value,
      also: [replayed.observation],
    })
    const failing = await failedNodes(platform.project)
    for (const { node, code } of report.failures) {
      const name = nodeText(node)
      faults.addWhen(!failing.has(name), () => `${name} cannot be rebuilt: ${code}`)
    }
    const compared = await compare(verification, rebuilt, faults)
    await compareWanted(verification, rebuilt, faults)
    const rolledBack = verification.rolledBack.size
    const evidence = { submissions: replayed.submissions, rolled_back: rolledBack, ...compared }
    const back = rolledBack === 0 ? '' : `; ${counted(rolledBack, 'month')} rolled back`
    const holds = `${counted(compared.months, 'canonical month')} and ${counted(compared.partitions - compared.months, 'other partition')} equal a clean rebuild from ${counted(replayed.submissions, 'submission')}${back}`
    return conclude('I1', { faults, holds, evidence })
  } finally {
    await catalog.close()
    await rm(folder, { recursive: true, force: true })
  }
}

interface Replayed {
  readonly submissions: number
  readonly observation: Observation
}

async function replay(verification: Verification, faults: Faults): Promise<Replayed> {
  const { db } = verification.platform.project.catalog
  const { definitions } = verification
  const deliveries = await deliveryFacts(verification, faults)
  const stamps = await stampFacts(verification, { deliveries, faults })
  const kept: Fact[] = []
  for (const asset of ['decision', 'pin', 'stop_reason']) {
    const nodes = await currentNodes(db, definitions, asset)
    kept.push(...nodes.map(({ key, value }) => ({ asset, key, value })))
  }
  const registry = registryAsFacts(requireRegistry(await storedFiles(db)))
  const facts = [...registry, ...deliveries, ...stamps, ...kept]
  return {
    submissions: deliveries.length,
    observation: {
      digest: 'a clean rebuild',
      apply: async ({ trx, writeFacts }) => {
        for await (const page of wantedPages(verification)) {
          const rows = rowsTable(trx.dialect, { fingerprint: 'text', at_ms: 'int' }, page)
          await sql`insert into first_wanted (fingerprint, at_ms)
            select fingerprint, at_ms from ${rows} w`.execute(trx.db)
        }
        await writeFacts(facts)
      },
    },
  }
}

interface RawManifest {
  readonly grouping_method: string
  readonly inbox_prefix: string
}

/** Deliveries as raw has them: the files are read from the store, not from the inbox. */
async function deliveryFacts(
  { platform: { project }, definitions }: Verification,
  faults: Faults,
): Promise<readonly Fact[]> {
  const parts = await currentParts(project.catalog.db, definitions, 'raw')
  const facts: Fact[] = []
  for (const [key, own] of Map.groupBy(parts, (part) => part.key)) {
    try {
      facts.push({ asset: 'discovered', key, value: asJson(await rawDelivery(project, own)) })
    } catch (error) {
      if (!isEngineError(error)) throw error
      faults.add(`raw[${key}] cannot be replayed: ${error.message}`)
    }
  }
  return facts
}

async function rawDelivery(project: Project, parts: readonly CurrentPart[]): Promise<Delivery> {
  const files = []
  let manifest: RawManifest = { grouping_method: '', inbox_prefix: '' }
  for (const part of parts) {
    const source = await project.store.fetch(part)
    if (part.name === 'manifest.generated.json') {
      manifest = JSON.parse(await readFile(source, 'utf8')) as RawManifest
    } else {
      const name = part.name.slice('data/'.length)
      files.push({ name, source, size_bytes: part.sizeBytes, sha256: part.sha256 })
    }
  }
  return { grouping: manifest.grouping_method, drop: manifest.inbox_prefix, files }
}

/** Stamps as the table of submissions has them, for the submissions that have a delivery. */
async function stampFacts(
  { platform: { project } }: Verification,
  { deliveries, faults }: { readonly deliveries: readonly Fact[]; readonly faults: Faults },
): Promise<readonly Fact[]> {
  const rows = await platformTables(project.catalog.db)
    .selectFrom('submission')
    .selectAll()
    .execute()
  const byId = new Map(rows.map((row) => [row.submission_id, row]))
  return deliveries.flatMap(({ key }): Fact[] => {
    const row = byId.get(parseKey(key)[2] ?? '')
    if (row?.state == null || row.layout_id === null) {
      faults.add(`raw[${key}] has no submission with a layout and a state`)
      return []
    }
    const stamp: Stamp = {
      state: row.state,
      layout: row.layout_id,
      first_month: row.first_month ?? '',
      last_month: row.last_month ?? '',
      received_at: row.received_at,
      test: row.is_test === 1,
    }
    return [{ asset: 'stamp', key, value: asJson(stamp) }]
  })
}

const WANTED_PAGE_ROWS = 5_000

async function* wantedPages({
  platform: { project },
}: Verification): AsyncIterable<readonly (readonly [string, number])[]> {
  let after = ''
  for (;;) {
    const rows = await project.catalog.db
      .selectFrom('first_wanted')
      .selectAll()
      .where('fingerprint', '>', after)
      .orderBy('fingerprint')
      .limit(WANTED_PAGE_ROWS)
      .execute()
    const last = rows.at(-1)
    if (last === undefined) return
    after = last.fingerprint
    yield rows.map((row) => [row.fingerprint, row.at_ms])
  }
}

/** Nodes whose last build failed: a rebuild may fail likewise. */
async function failedNodes({ catalog: { db } }: Project): Promise<ReadonlySet<string>> {
  const { rows } = await sql<{ asset: string; key: string }>`
    select a.name as asset, n.key from dirty d join node n on n.id = d.node
    join asset a on a.id = n.asset join build b on b.id = (
      select max(l.id) from build l where l.node = n.id)
    where b.outcome = 'failed'`.execute(db)
  return new Set(rows.map(nodeText))
}

async function compare(
  { platform: { project }, definitions, pending, rolledBack }: Verification,
  rebuilt: Project,
  faults: Faults,
): Promise<{ readonly partitions: number; readonly months: number }> {
  const fresh = await loadDefinitions(rebuilt.graph, rebuilt.catalog, false)
  const unsettled = new Set<string>()
  for (const { asset, key } of await pendingKeys(project, pending))
    unsettled.add(nodeText({ asset, key }))
  // An output that is not there yet has no node of its own: its parse speaks for it.
  const isPending = (asset: string, key: string): boolean =>
    unsettled.has(nodeText({ asset, key })) ||
    ((asset === 'silver' || asset === 'rejects') &&
      unsettled.has(nodeText({ asset: 'parse', key: key.split('/').slice(0, 3).join('/') })))
  let partitions = 0
  let months = 0
  for (const asset of COMPARED.filter((name) => project.graph.assets.has(name))) {
    const was = await currentNodes(project.catalog.db, definitions, asset)
    const would = new Map(
      (await currentNodes(rebuilt.catalog.db, fresh, asset)).map((node) => [
        node.key,
        node.contentId,
      ]),
    )
    for (const { key, contentId } of was) {
      const other = would.get(key)
      would.delete(key)
      if (isPending(asset, key)) continue
      const named = asset === 'gold_canonical' ? rolledBack.get(key) : undefined
      if (named !== undefined) {
        const text = nodeText({ asset, key })
        faults.addWhen(
          named !== contentId,
          () => `${text} is rolled back and shows another content`,
        )
        continue
      }
      partitions += 1
      if (asset === 'gold_canonical') months += 1
      if (other === contentId) continue
      const name = nodeText({ asset, key })
      faults.add(
        other === undefined
          ? `${name} is published, a clean rebuild does not make it`
          : `${name} has another content than a clean rebuild makes`,
      )
    }
    for (const key of would.keys()) {
      const name = nodeText({ asset, key })
      faults.addWhen(!isPending(asset, key), () => `${name} is missing: a clean rebuild makes it`)
    }
  }
  return { partitions, months }
}

async function pendingKeys(
  { catalog }: Project,
  pending: ReadonlySet<number>,
): Promise<readonly { readonly asset: string; readonly key: string }[]> {
  const wanted = rowsTable(
    catalog.dialect,
    { id: 'int' },
    [...pending].map((id) => [id]),
  )
  const { rows } = await sql<{ asset: string; key: string }>`
    select a.name as asset, n.key from ${wanted} w join node n on n.id = w.id
    join asset a on a.id = n.asset`.execute(catalog.db)
  return rows
}

/** Parts of the rebuild whose fingerprint nobody wanted before. */
async function compareWanted(
  { platform: { project }, definitions, pending, rolledBack }: Verification,
  rebuilt: Project,
  faults: Faults,
): Promise<void> {
  const fresh = await loadDefinitions(rebuilt.graph, rebuilt.catalog, false)
  const parts = await currentParts(rebuilt.catalog.db, fresh, 'gold_canonical')
  const unsettled = new Set(
    (await pendingKeys(project, pending)).flatMap(({ asset, key }) =>
      asset === 'gold_canonical' ? [key] : [],
    ),
  )
  const known = (await currentNodes(project.catalog.db, definitions, 'gold_canonical')).map(
    ({ key }) => key,
  )
  const settled = new Set(known.filter((key) => !unsettled.has(key) && !rolledBack.has(key)))
  const asked = parts.filter((part) => part.fingerprint !== null && settled.has(part.key))
  const wanted = rowsTable(
    project.catalog.dialect,
    { fingerprint: 'text' },
    asked.map((part) => [part.fingerprint]),
  )
  const { rows } = await sql<{ fingerprint: string }>`
    select w.fingerprint from ${wanted} w
    join first_wanted f on f.fingerprint = w.fingerprint`.execute(project.catalog.db)
  const had = new Set(rows.map((row) => row.fingerprint))
  for (const part of asked) {
    const name = nodeText({ asset: 'gold_canonical', key: part.key })
    faults.addWhen(
      !had.has(part.fingerprint ?? ''),
      () =>
        `${name}: when ${part.name} was first wanted is not recorded, so its bytes cannot be made again`,
    )
  }
}
