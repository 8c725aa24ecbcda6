/**
 * Anchors of the audit: once a day the chain's last link is written into the store, immutable.
 *
 * Whoever can write the database can chain it anew or cut its end off; then it no longer agrees
 * with what was said outside it. Each anchor carries all before it, so the last one is enough to
 * compare with; a bucket with object lock keeps them all.
 *
 * Order: the day's link is fixed in the catalog first, then written, then noted as written. A crash
 * in between writes the same anchor again.
 */
import { z } from 'zod'
import type { AuditLink } from '../catalog/audit-chain.ts'
import {
  ANCHOR_SENSOR,
  isMoreBehind,
  lastLink,
  unaudited,
  verifyChain,
} from '../catalog/audit-chain.ts'
import type { Connection } from '../catalog/open.ts'
import { canonicalJson } from '../core/digest.ts'
import { assert } from '../core/errors.ts'
import { failpoint } from '../core/failpoint.ts'
import type { ObjectStore } from '../core/ports.ts'
import type { Project } from './project.ts'
import type { Sensor } from './sensor.ts'

/** What the store calls the anchors: numbered manifests of this path, the number is the day. */
const ANCHORS = '_audit'
/** Days one anchor carries: ten years. Older ones stay in the objects written before. */
const ANCHORS_MAX = 3_660
/** Faults of one kind that are told. */
const FAULTS_KEPT_MAX = 20
/** What begins a chain anew, or takes it back to an earlier end. Anchors before it may differ. */
const RESETS: readonly string[] = ['rebuild-catalog', 'restore']

const ANCHOR = z.strictObject({
  format_version: z.literal('1.0'),
  anchors: z
    .array(z.strictObject({ day: z.int(), at_ms: z.int(), seq: z.int().min(0), hash: z.string() }))
    .min(1),
})
/** One day's link, as the store has it. */
type Anchor = z.output<typeof ANCHOR>['anchors'][number]

/**
 * Anchors the chain if today has no anchor yet; undefined: it has one, or nothing is new since the
 * last. Cost then: two look-ups in the catalog. Throws STORE_UNUSABLE.
 */
export async function anchorAudit({
  catalog,
  store,
  clock,
}: Pick<Project, 'catalog' | 'store' | 'clock'>): Promise<AuditLink | undefined> {
  const atMs = clock.nowMs()
  const day = await dueNumber(catalog.db, atMs)
  if (day === undefined) return undefined
  const anchor = await catalog.write(
    async ({ db }) => {
      const link = await lastLink(db)
      await db
        .insertInto('audit_anchor')
        .values({ day, at_ms: atMs, ...link, written: 0 })
        .onConflict((conflict) => conflict.doNothing())
        .execute()
      return fixedAnchor(db, day)
    },
    { bookkeeping: true },
  )
  assert(anchor !== undefined, 'a day whose link is fixed keeps it')
  failpoint('anchor.fixed')
  // An anchor that cannot be read is missed from now on. A restored catalog may anchor a day twice:
  // what the lost one said is kept beside it.
  const { seq, hash } = anchor
  const before = (await readAnchors(store)) ?? []
  const others = before.filter((one) => one.day !== day || one.hash !== hash)
  const anchors = [...others, { day, at_ms: anchor.at_ms, seq, hash }].slice(-ANCHORS_MAX)
  const text = canonicalJson({ format_version: '1.0', anchors })
  await store.writeManifest(ANCHORS, day, text)
  failpoint('anchor.written')
  await catalog.write(
    async ({ db }) =>
      db.updateTable('audit_anchor').set({ written: 1 }).where('day', '=', day).execute(),
    { bookkeeping: true, volatile: true },
  )
  return { seq, hash }
}

/** A clock may be set back by this much, and is waited for. */
const SET_BACK_MAX_MS = 48 * 60 * 60 * 1000

/**
 * The number of the anchor that is due; undefined: none is. It is the day's, and never lower than
 * one that was given: after a clock that was years ahead the numbers go on from there.
 */
async function dueNumber(db: Connection, atMs: number): Promise<number | undefined> {
  const query = db.selectFrom('audit_anchor').selectAll().orderBy('day', 'desc').limit(1)
  const last = await query.executeTakeFirst()
  const today = dayOf(atMs)
  if (last === undefined) return (await isMoreBehind(db, 0)) ? today : undefined
  if (last.written === 0) return last.day
  const isBehind = atMs < last.at_ms && last.at_ms - atMs < SET_BACK_MAX_MS
  if (isBehind || dayOf(last.at_ms) === today) return undefined
  return (await isMoreBehind(db, last.seq)) ? Math.max(today, last.day + 1) : undefined
}

/** The daemon's: the same as at the end of a run, for days on which workers alone commit. */
export const anchorSensor: Sensor = {
  name: ANCHOR_SENSOR,
  summary: 'the hash of the audit’s last row: writes it into the store, once a day',
  timing: { everyMs: 3_600_000 },
  look: async ({ db, nowMs }) =>
    (await dueNumber(db, nowMs)) !== undefined
      ? {
          kind: 'act',
          why: 'rows that no anchor covers',
          act: async ({ project, commit }) => {
            const link = await anchorAudit(project)
            await commit(async () =>
              link === undefined ? 'anchored meanwhile' : `row ${link.seq}, ${link.hash}`,
            )
          },
        }
      : { kind: 'skip', why: 'anchored' },
}

const fixedAnchor = async (db: Connection, day: number) =>
  db.selectFrom('audit_anchor').selectAll().where('day', '=', day).executeTakeFirst()

/** A day as a number that sorts: 20260131, UTC. */
function dayOf(atMs: number): number {
  return Number(new Date(atMs).toISOString().slice(0, 10).replaceAll('-', ''))
}

/** All anchors the store's last one carries, oldest first; undefined: it is no list of anchors. */
async function readAnchors(store: ObjectStore): Promise<readonly Anchor[] | undefined> {
  const last = await store.lastManifest(ANCHORS)
  if (last === undefined) return []
  try {
    return ANCHOR.parse(JSON.parse(last.text)).anchors
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof z.ZodError) return undefined
    throw error
  }
}

/** What `audit verify` found. */
export interface AuditVerdict {
  readonly rows: number
  readonly head: AuditLink
  readonly anchors: number
  /** anchors of a chain that a restore or a rebuild of the catalog ended, with an audit row of it */
  readonly endedAnchors: number
  /** in words, the first of them */
  readonly faults: readonly string[]
  readonly faultCount: number
}

/** Recomputes the chain and compares it with the store's anchors, the runs and the builds. */
export async function verifyAudit({
  catalog,
  store,
}: Pick<Project, 'catalog' | 'store'>): Promise<AuditVerdict> {
  const read = await readAnchors(store)
  const anchors = read ?? []
  const days = new Set(anchors.map(({ day }) => day))
  const uncarried: string[] = []
  for await (const { number } of store.manifests(ANCHORS))
    if (!days.has(number))
      uncarried.push(`the last anchor does not carry that of ${dayText(number)}`)
  return catalog.read(async (db) => {
    const chain = await verifyChain(db, new Set(anchors.map(({ seq }) => seq)))
    const differing = anchors.filter(({ seq, hash }) => chain.hashes.get(seq) !== hash)
    const resetMs = differing.length === 0 ? 0 : await lastResetMs(db)
    const broken = differing.filter(({ at_ms: atMs }) => atMs > resetMs)
    const more = [
      ...(read === undefined ? ['the last anchor in the store is no list of anchors'] : []),
      ...broken.map(({ day, seq }) => anchorFault(day, seq, chain.head.seq)),
      ...(read === undefined ? [] : uncarried.slice(0, FAULTS_KEPT_MAX)),
      ...(await missingAnchors(db, days)),
      ...(await unaudited(db)),
    ]
    return {
      rows: chain.head.seq,
      head: chain.head,
      anchors: anchors.length,
      endedAnchors: differing.length - broken.length,
      faults: [...chain.faults, ...more],
      faultCount: chain.faultCount + more.length,
    }
  })
}

const anchorFault = (day: number, seq: number, head: number): string =>
  seq > head
    ? `rows ${head + 1} to ${seq} are gone from the end: the anchor of ${dayText(day)} has ${seq}`
    : `row ${seq} is not the one that the anchor of ${dayText(day)} names`

const dayText = (day: number): string => String(day).replace(/^(\d{4})(\d\d)(\d\d)$/, '$1-$2-$3')

async function lastResetMs(db: Connection): Promise<number> {
  const query = db.selectFrom('audit').select('at_ms').where('action', 'in', RESETS)
  const row = await query.orderBy('seq', 'desc').limit(1).executeTakeFirst()
  return row?.at_ms ?? 0
}

/** Anchors that were written and are not in the store. */
async function missingAnchors(
  db: Connection,
  there: ReadonlySet<number>,
): Promise<readonly string[]> {
  const rows = await db
    .selectFrom('audit_anchor')
    .select('day')
    .where('written', '=', 1)
    .orderBy('day', 'desc')
    .limit(ANCHORS_MAX)
    .execute()
  return rows
    .filter(({ day }) => !there.has(day))
    .map(({ day }) => `the anchor of ${dayText(day)} is not in the store`)
}
