/** I9: the last run built nothing without a cause, and every cause it recorded is true. */
import { sql } from 'kysely'
import type { Cause, Connection } from '../../engine/index.ts'
import { counted, nodeText, rowsTable } from '../../engine/index.ts'
import type { InvariantResult, Verification } from './invariant.ts'
import { Faults, conclude } from './invariant.ts'

interface BuildRow {
  readonly id: number
  readonly asset: string
  readonly key: string
  readonly slots: string
  readonly cause: string | null
  /** slots of the build before; null: there was none */
  readonly before: string | null
}

export async function verifyMinimality({
  platform,
  definitions,
}: Verification): Promise<InvariantResult> {
  const { db, dialect } = platform.project.catalog
  const faults = new Faults()
  const last = await db
    .selectFrom('build')
    .select('run')
    .where('outcome', '<>', 'failed')
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst()
  const run = last?.run ?? 0
  const stored = [...definitions.graph.assets.values()].filter((asset) => asset.kind === 'stored')
  const builds = await buildsOf(db, { run, assets: stored.map(({ name }) => name) })
  const named = await slotNames({ db, dialect }, builds)
  for (const build of builds) {
    const fault = causeFault(build, named)
    if (fault !== undefined) faults.add(`${nodeText(build)} ${fault}`)
  }
  return conclude('I9', {
    faults,
    holds: `${counted(builds.length, 'build')} of the last run have a cause that holds`,
    evidence: { run, builds: builds.length },
  })
}

async function buildsOf(
  db: Connection,
  { run, assets }: { readonly run: number; readonly assets: readonly string[] },
): Promise<readonly BuildRow[]> {
  const { rows } = await sql<BuildRow>`
    select b.id, a.name as asset, n.key, b.slots, b.cause, (
      select p.slots from build p where p.node = b.node and p.id < b.id and p.outcome <> 'failed'
      order by p.id desc limit 1) as before
    from build b join node n on n.id = b.node join asset a on a.id = n.asset
    where b.run = ${run} and b.outcome <> 'failed' and a.name in (${sql.join(assets)})
    order by b.id`.execute(db)
  return rows
}

type Slots = readonly (readonly [node: number, version: number])[]
const slotsOf = (text: string): Slots => JSON.parse(text) as Slots

/** Names of all nodes in these builds' slots: node id → `asset[key]`. */
async function slotNames(
  { db, dialect }: Pick<Verification['platform']['project']['catalog'], 'db' | 'dialect'>,
  builds: readonly BuildRow[],
): Promise<ReadonlyMap<string, number>> {
  const ids = new Set(
    builds.flatMap(({ slots, before }) =>
      [...slotsOf(slots), ...slotsOf(before ?? '[]')].map(([node]) => node),
    ),
  )
  const wanted = rowsTable(
    dialect,
    { id: 'int' },
    [...ids].map((id) => [id]),
  )
  const { rows } = await sql<{ id: number; asset: string; key: string }>`
    select n.id, a.name as asset, n.key from ${wanted} w join node n on n.id = w.id
    join asset a on a.id = n.asset`.execute(db)
  return new Map(rows.map((row) => [nodeText(row), row.id]))
}

/** What is wrong with a build's causes; undefined: nothing. */
function causeFault(build: BuildRow, named: ReadonlyMap<string, number>): string | undefined {
  const causes = build.cause === null ? [] : (JSON.parse(build.cause) as readonly Cause[])
  const kinds = new Set(causes.map((cause) => cause.kind))
  if (build.before === null) {
    return kinds.has('new') ? undefined : 'was built first without the cause new'
  }
  if (kinds.has('new')) return 'was built as new, and has an earlier build'
  const before = new Map(slotsOf(build.before))
  const now = new Map(slotsOf(build.slots))
  const isChanged = (node: number): boolean => before.get(node) !== now.get(node)
  const isOther = before.size !== now.size || [...now.keys()].some(isChanged)
  if (!isOther && !kinds.has('forced') && !kinds.has('missing')) {
    return 'was built, and read what its build before had read'
  }
  const untrue = causes.find((cause) => {
    if (!SLOT_CAUSES.has(cause.kind)) return false
    const node = named.get(nodeText(nameOf(cause)))
    return node === undefined || !isChanged(node)
  })
  return untrue && `names ${nodeText(nameOf(untrue))} as its cause, which had not changed`
}

/** Causes that name a slot which differs. */
const SLOT_CAUSES: ReadonlySet<Cause['kind']> = new Set(['input', 'added', 'removed', 'recipe'])
const nameOf = ({ asset = '', key = '' }: Cause): { asset: string; key: string } => ({ asset, key })
