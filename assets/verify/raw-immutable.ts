/** I5: raw never changes. One version each, and the bytes that were registered at intake. */
import { counted, parseKey } from '../../engine/index.ts'
import { platformTables } from '../../registry/tables.ts'
import type { CurrentPart } from './catalog-look.ts'
import { lookAtOnce } from './at-once.ts'
import { currentNodes, currentParts } from './catalog-look.ts'
import type { InvariantResult, Verification } from './invariant.ts'
import { Faults, conclude } from './invariant.ts'

export async function verifyRaw(verification: Verification): Promise<InvariantResult> {
  const { platform, definitions } = verification
  const { db } = platform.project.catalog
  const faults = new Faults()
  const nodes = await currentNodes(db, definitions, 'raw')
  const versions = await versionCounts(verification)
  for (const { id, key } of nodes) {
    const count = versions.get(id) ?? 0
    faults.addWhen(count !== 1, () => `raw[${key}] had ${counted(count, 'version')}, raw has one`)
  }
  const parts = await currentParts(db, definitions, 'raw')
  const registered = await platformTables(db).selectFrom('submission_file').selectAll().execute()
  const files = Map.groupBy(registered, (row) => row.submission_id)
  const stored = Map.groupBy(parts, (part) => part.key)
  for (const { key } of nodes) {
    const own = new Map((files.get(parseKey(key)[2] ?? '') ?? []).map((row) => [row.name, row]))
    for (const part of stored.get(key) ?? []) {
      if (!part.name.startsWith('data/')) continue
      const name = part.name.slice('data/'.length)
      const row = own.get(name)
      own.delete(name)
      faults.addWhen(
        row?.sha256 !== part.sha256 || row.size_bytes !== part.sizeBytes,
        () => `raw[${key}]: ${part.name} is not the file that was registered at intake`,
      )
    }
    for (const name of own.keys())
      faults.add(`raw[${key}]: ${name} was registered and is not there`)
  }
  await checkBytes(verification, parts, faults)
  return conclude('I5', {
    faults,
    holds: `${counted(parts.length, 'raw object')} of ${counted(nodes.length, 'submission')} have the SHA-256 registered at intake`,
    evidence: {
      submissions: nodes.length,
      objects: parts.length,
      bytes: parts.reduce((sum, part) => sum + part.sizeBytes, 0),
    },
  })
}

async function versionCounts({
  platform,
  definitions,
}: Verification): Promise<ReadonlyMap<number, number>> {
  const rows = await platform.project.catalog.db
    .selectFrom('version')
    .innerJoin('node', 'node.id', 'version.node')
    .select(({ fn }) => ['node.id', fn.countAll<number>().as('count')])
    .where('node.asset', '=', definitions.ids.idOf('raw'))
    .groupBy('node.id')
    .execute()
  return new Map(rows.map((row) => [row.id, row.count]))
}

async function checkBytes(
  verification: Verification,
  parts: readonly CurrentPart[],
  faults: Faults,
): Promise<void> {
  const looked = await lookAtOnce(parts, async (part) => ({
    part,
    fault: await bytesFault(verification, part),
  }))
  for (const { part, fault } of looked) {
    if (fault !== undefined) faults.add(`raw[${part.key}]: ${part.name} ${fault}`)
  }
}

/** Of the bytes in the store itself: a copy in a cache would say what they were. */
async function bytesFault(
  { platform: { project } }: Verification,
  part: CurrentPart,
): Promise<string | undefined> {
  const got = await project.store.digest(part.path)
  if (got === undefined) return 'is not in the store'
  return got === part.sha256 ? undefined : 'was changed after it was stored'
}
