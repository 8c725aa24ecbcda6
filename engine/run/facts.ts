/** Writes facts: what was observed, sliced, decided. Equal content is no write at all. */
import type { ChangedParent, Definitions } from '../catalog/membership.ts'
import { createNodes, moveMemberships } from '../catalog/membership.ts'
import type { NodeRow } from '../catalog/nodes.ts'
import type { Content } from '../catalog/contents.ts'
import { findNodes } from '../catalog/nodes.ts'
import { Contents } from '../catalog/contents.ts'
import type { WriteTransaction } from '../catalog/open.ts'
import type { TraceCommit } from '../catalog/trace.ts'
import { commitTraces } from '../catalog/trace.ts'
import { noteUnprojected } from '../catalog/unprojected.ts'
import { ABSENT, canonicalJson, valueContentId } from '../core/digest.ts'
import { assert } from '../core/errors.ts'
import { FRESHNESS, RECIPE } from '../core/fingerprint.ts'
import { nodeText } from '../core/key.ts'
import type { Fact } from './project.ts'

/** A fact is a slice of a document; one that is larger than this is not a slice. */
const FACT_BYTES_MAX = 1 << 20

/**
 * Writes the facts that differ; marks and moves what depends on them. Returns how many did. Of a
 * fact that is given twice the last one stands.
 */
export async function writeFacts(
  trx: WriteTransaction,
  definitions: Definitions,
  given: readonly Fact[],
): Promise<number> {
  const facts = [...new Map(given.map((fact) => [nodeText(fact), fact])).values()]
  const rows = await factRows(trx, definitions, facts)
  const contents = new Contents()
  await contents.load(
    trx,
    [...rows.values()].map((row) => row.version),
  )
  const commits: TraceCommit[] = []
  const parents: ChangedParent[] = []
  for (const fact of facts) {
    const row = rows.get(nodeText(fact))
    if (row === undefined) continue
    const commit = factCommit({ trx, row, fact, current: contents.get(row.version) })
    if (commit === undefined) continue
    commits.push(commit)
    parents.push({ id: row.id, asset: fact.asset, key: fact.key, value: fact.value })
  }
  await commitTraces(trx, commits)
  await moveMemberships(trx, definitions, parents)
  await noteUnprojected(
    trx,
    'fact',
    parents.filter(({ asset }) => asset !== RECIPE && asset !== FRESHNESS),
  )
  return commits.length
}

async function factRows(
  trx: WriteTransaction,
  definitions: Definitions,
  facts: readonly Fact[],
): Promise<ReadonlyMap<string, NodeRow>> {
  const text = (row: NodeRow): string =>
    nodeText({ asset: definitions.ids.nameOf(row.asset), key: row.key })
  const found = new Map(
    (await findNodes(trx, definitions.ids, facts)).map((row) => [text(row), row]),
  )
  const fresh = facts.filter((fact) => fact.value !== undefined && !found.has(nodeText(fact)))
  for (const row of await createNodes(trx, definitions, fresh)) found.set(text(row), row)
  return found
}

function factCommit({
  trx,
  row,
  fact,
  current,
}: {
  readonly trx: WriteTransaction
  readonly row: NodeRow
  readonly fact: Fact
  readonly current: Content
}): TraceCommit | undefined {
  const contentId = fact.value === undefined ? ABSENT : valueContentId(fact.value)
  if (contentId === current.contentId) return undefined
  const value = fact.value === undefined ? null : canonicalJson(fact.value)
  assert((value?.length ?? 0) <= FACT_BYTES_MAX, `the fact ${nodeText(fact)} is at most 1 MiB`)
  return { node: row.id, contentId, value, read: [], dropped: [], claimRevision: trx.revision }
}

/** Writes these facts and makes every other fact of the given assets absent. */
export async function replaceFacts(
  trx: WriteTransaction,
  definitions: Definitions,
  { assets, facts }: { readonly assets: readonly string[]; readonly facts: readonly Fact[] },
): Promise<number> {
  const kept = new Set(facts.map(nodeText))
  const gone: Fact[] = []
  for (const asset of assets) {
    const rows = await trx.db
      .selectFrom('node')
      .select('key')
      .where('asset', '=', definitions.ids.idOf(asset))
      .where('version', '<>', 0)
      .execute()
    for (const { key } of rows) {
      if (!kept.has(nodeText({ asset, key }))) gone.push({ asset, key, value: undefined })
    }
  }
  return writeFacts(trx, definitions, [...facts, ...gone])
}
