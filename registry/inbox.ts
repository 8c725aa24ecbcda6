/**
 * Decides which deliveries of an inbox are complete. Pure: the caller lists, stores and hashes.
 *
 * A delivery is one drop folder, `{submitter}/{drop}/…`, or one loose file, `{submitter}/{file}`.
 * A folder that holds a marker of its own is a drop of its own, however deep. It closes in one of
 * two ways:
 *  - MARKER: the nearest `_SUCCESS` at or above the file is new for the content: no earlier
 *    delivery consumed it, and it was not sighted before the files it vouches for. So a marker
 *    left behind never closes the half of a later upload. A marker directly under the submitter
 *    vouches for loose files only.
 *  - QUIESCENCE: nothing in the drop changed for `quiescenceMs`.
 * Only files that are new or changed since they were last claimed belong to a delivery, so a kept
 * folder is not read twice and the same name delivered again is a new delivery.
 *
 * Names are hostile: see `nameFault`. Cost: linear in the listing times folder depth.
 */
import { hasInvisible, sha256 } from '../engine/index.ts'

/** An object as the inbox lists it. */
export interface Listed {
  /** relative to the inbox, `/`-separated: `{submitter}/[drop/…]{file}` */
  readonly path: string
  readonly sizeBytes: number
  /** mtime, size and inode (or ETag) as text: another token is another content */
  readonly changedToken: string
  /** believed only at the first sighting of a path */
  readonly modifiedAtMs?: number
}

/** What the catalog remembers of a path. */
export interface SeenObject {
  readonly path: string
  readonly changedToken: string
  readonly firstSeenAtMs: number
  readonly lastChangedAtMs: number
  /** the submission or delivery that read this content; absent while nobody has */
  readonly claimedBy?: string
}

export type Grouping = 'MARKER' | 'QUIESCENCE'

/** A complete delivery: store its intent, then mark `claims` as claimed. */
export interface Delivery {
  /** the drop folder or loose file, relative to the inbox */
  readonly drop: string
  readonly submitter: string
  /** the drop's path under its submitter; a loose file's name without its last extension */
  readonly name: string
  readonly grouping: Grouping
  /** new or changed files, by path */
  readonly files: readonly Listed[]
  /** every path this delivery consumes: its files, and its marker if it closed by one */
  readonly claims: readonly string[]
}

/** Why something listed is not delivered now. */
export interface Waiting {
  /** a drop, or a single path; fit to print */
  readonly path: string
  readonly code:
    | 'QUIET'
    | 'STALE_MARKER'
    | 'TEMPORARY_NAME'
    | 'NO_SUBMITTER'
    | 'REFUSED_NAME'
    | 'TOO_MANY_FILES'
  readonly why: string
}

export interface Observation {
  readonly listed: readonly Listed[]
  readonly seen: readonly SeenObject[]
  readonly nowMs: number
  readonly quiescenceMs: number
}

export interface InboxDecision {
  /** by drop path */
  readonly closed: readonly Delivery[]
  /** by path */
  readonly waiting: readonly Waiting[]
  /** rows of `seen` to insert or replace; empty when nothing in the inbox changed */
  readonly seen: readonly SeenObject[]
  /** unclaimed paths no longer listed: rows to delete. A claimed one stays, see `forgotten` */
  readonly forgotten: readonly string[]
}

export const MARKER = '_SUCCESS'
export const INBOX_LIMITS = {
  pathBytesMax: 1024,
  nameBytesMax: 255,
  depthMax: 16,
  filesPerDeliveryMax: 10_000,
} as const

const TEMPORARY = /^\.|\.(?:part|partial|tmp|filepart|crdownload)$/i

/** Why a path is refused, in words that do not repeat it; undefined for a fit one. */
export function nameFault(path: string): string | undefined {
  const parts = path.split('/')
  if (parts.some((part) => part === '..' || part === '.'))
    return 'the name climbs out of its folder'
  if (parts.includes('') || path.includes('\\')) return 'the name has an empty part or a backslash'
  if (hasInvisible(path)) return 'the name holds control characters'
  // Names that are not valid text are listed with this mark and cannot be opened by it.
  if (path.includes('\ufffd') || !path.isWellFormed()) return 'the name is not valid UTF-8'
  const { pathBytesMax, nameBytesMax, depthMax } = INBOX_LIMITS
  if (parts.some((part) => Buffer.byteLength(part) > nameBytesMax)) {
    return `a name is longer than ${nameBytesMax} bytes`
  }
  if (Buffer.byteLength(path) > pathBytesMax) return `the path is longer than ${pathBytesMax} bytes`
  if (parts.length > depthMax) return `the path is deeper than ${depthMax} folders`
  return undefined
}

/**
 * Decides what closes now, what waits and why, and what to remember.
 *
 * The same observation gives the same answer in any order of `listed` and `seen`.
 */
export function closeDeliveries(observation: Observation): InboxDecision {
  const { listed, nowMs } = observation
  const before = new Map(observation.seen.map((row) => [row.path, row]))
  const sightings: Sighting[] = []
  const waiting: Waiting[] = []
  for (const entry of listed.toSorted(byPath)) {
    const refused = refusal(entry.path)
    if (refused === undefined) sightings.push(sight(entry, before.get(entry.path), nowMs))
    else waiting.push(refused)
  }
  const closed: Delivery[] = []
  for (const drop of dropsOf(sightings)) {
    const outcome = judge(drop, observation)
    if (outcome === undefined) continue
    if ('files' in outcome) closed.push(outcome)
    else waiting.push(outcome)
  }
  for (const { entry, temporary } of sightings) {
    if (!temporary) continue
    const why = 'a hidden or temporary name is never read: waits to be renamed'
    waiting.push({ path: entry.path, code: 'TEMPORARY_NAME', why })
  }
  return {
    closed: closed.toSorted((a, b) => compare(a.drop, b.drop)),
    waiting: waiting.toSorted(byPath),
    seen: sightings.filter(({ row, old }) => row !== old).map(({ row }) => row),
    forgotten: forgotten(observation),
  }
}

interface Sighting {
  readonly entry: Listed
  readonly row: SeenObject
  readonly old: SeenObject | undefined
  readonly temporary: boolean
  readonly marker: boolean
}

interface Drop {
  readonly path: string
  readonly marker: Sighting | undefined
  readonly members: Sighting[]
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
const byPath = (a: { path: string }, b: { path: string }): number => compare(a.path, b.path)

const REFUSED_CHARS_SHOWN = 80

/** A refused path is shown cut and in plain letters, with 12 hex of its SHA-256 to tell it apart. */
function refusal(path: string): Waiting | undefined {
  const fault = nameFault(path)
  if (fault !== undefined) {
    const shown = path.slice(0, REFUSED_CHARS_SHOWN).replace(/[^\x20-\x7e]/g, '?')
    const why = `refused: ${fault}; rename or remove it`
    return { path: `${shown} #${sha256(path).slice(0, 12)}`, code: 'REFUSED_NAME', why }
  }
  if (path.includes('/')) return undefined
  return { path, code: 'NO_SUBMITTER', why: 'waits to be moved into the folder of a submitter' }
}

function sight(entry: Listed, old: SeenObject | undefined, nowMs: number): Sighting {
  const parts = entry.path.split('/')
  const name = parts.at(-1) ?? ''
  const facts = {
    entry,
    old,
    temporary: parts.some((part) => TEMPORARY.test(part)),
    marker: name === MARKER,
  }
  if (old?.changedToken === entry.changedToken) return { ...facts, row: old }
  // A first sighting may believe the file's own time, so that one run over an old folder closes
  // it; a change since an earlier sighting means somebody is writing, so it counts from now.
  const changedAtMs = old === undefined ? Math.min(entry.modifiedAtMs ?? nowMs, nowMs) : nowMs
  const row = {
    path: entry.path,
    changedToken: entry.changedToken,
    firstSeenAtMs: old?.firstSeenAtMs ?? nowMs,
    lastChangedAtMs: changedAtMs,
  }
  return { ...facts, row }
}

/** Cuts the inbox into drops: each file belongs to exactly one. */
function dropsOf(sightings: readonly Sighting[]): Drop[] {
  const markers = new Map(
    sightings
      .filter(({ marker, temporary }) => marker && !temporary)
      .map((sighting) => [folderOf(sighting.entry.path), sighting]),
  )
  const drops = new Map<string, Drop>()
  for (const sighting of sightings) {
    if (sighting.marker) continue
    const path = dropOf(sighting.entry.path, markers)
    const marker =
      markers.get(path) ?? (isLoose(path, sighting) ? markers.get(folderOf(path)) : undefined)
    const drop = drops.get(path) ?? { path, marker, members: [] }
    drop.members.push(sighting)
    drops.set(path, drop)
  }
  return [...drops.values()]
}

const folderOf = (path: string): string => path.slice(0, path.lastIndexOf('/'))
const isLoose = (drop: string, { entry }: Sighting): boolean => drop === entry.path

/** The drop of a file: the nearest folder with a marker, else its first folder, else itself. */
function dropOf(path: string, markers: ReadonlyMap<string, Sighting>): string {
  const parts = path.split('/')
  for (let depth = parts.length - 1; depth >= 2; depth -= 1) {
    const folder = parts.slice(0, depth).join('/')
    if (markers.has(folder)) return folder
  }
  return parts.slice(0, 2).join('/')
}

/** When the present content of a path was first sighted, whatever its mtime says. */
const sightedAtMs = ({ row }: Sighting): number => Math.max(row.firstSeenAtMs, row.lastChangedAtMs)
const isFresh = ({ row }: Sighting): boolean => row.claimedBy === undefined

/** Closes a drop, says why it waits, or finds nothing new in it. */
function judge(drop: Drop, observation: Observation): Delivery | Waiting | undefined {
  const fresh = drop.members.filter((member) => isFresh(member) && !member.temporary)
  if (fresh.length === 0) return undefined
  const { filesPerDeliveryMax } = INBOX_LIMITS
  if (fresh.length > filesPerDeliveryMax) {
    const why = `has ${fresh.length} files, at most ${filesPerDeliveryMax} are read as one delivery: split it`
    return { path: drop.path, code: 'TOO_MANY_FILES', why }
  }
  const { marker } = drop
  const closes =
    marker !== undefined &&
    isFresh(marker) &&
    fresh.every((member) => sightedAtMs(member) <= sightedAtMs(marker))
  if (marker !== undefined && closes) return deliver(drop, fresh, marker)
  // A temporary name that still changes is an upload under way into this drop.
  const moving = drop.members.filter(isFresh).map(({ row }) => row.lastChangedAtMs)
  const quietMs = observation.nowMs - moving.reduce((a, b) => Math.max(a, b))
  if (quietMs >= observation.quiescenceMs) return deliver(drop, fresh, undefined)
  const stillMs = observation.quiescenceMs - quietMs
  const until = `for ${Math.ceil(stillMs / 1000)} s more without a change, or a new ${MARKER}`
  return marker === undefined
    ? { path: drop.path, code: 'QUIET', why: `waits ${until}` }
    : {
        path: drop.path,
        code: 'STALE_MARKER',
        why: `its ${MARKER} is older than its files: waits ${until}`,
      }
}

function deliver(drop: Drop, fresh: readonly Sighting[], marker: Sighting | undefined): Delivery {
  const files = fresh.map(({ entry }) => entry)
  const [submitter = '', ...rest] = drop.path.split('/')
  const isFile = files.length === 1 && files[0]?.path === drop.path
  const name = rest.join('/')
  return {
    drop: drop.path,
    submitter,
    name: isFile ? name.replace(/(?<=.)\.[^.]*$/, '') : name,
    grouping: marker === undefined ? 'QUIESCENCE' : 'MARKER',
    files,
    claims: [
      ...files.map(({ path }) => path),
      ...(marker === undefined ? [] : [marker.entry.path]),
    ],
  }
}

/**
 * Unclaimed rows whose path is gone. Claimed rows stay for good: a share that is away for one
 * observation must not make every file it keeps look new when it comes back.
 */
function forgotten({ listed, seen }: Observation): readonly string[] {
  const present = new Set(listed.map(({ path }) => path))
  return seen
    .filter(({ path, claimedBy }) => claimedBy === undefined && !present.has(path))
    .map(({ path }) => path)
    .toSorted()
}

/**
 * An id for a name from outside: itself when it is a valid id, else its safe letters and 8 hex
 * digits of its SHA-256. A submitter nobody registered still gets a raw folder this way.
 */
export function safeId(name: string): string {
  if (/^(?!.*\.\.)[a-z0-9_][a-z0-9_.-]{0,63}$/.test(name)) return name
  const letters = name.toLowerCase().replace(/[^a-z0-9]+/g, '-')
  return `${letters.replace(/^-+/, '').slice(0, 40) || 'x'}-${sha256(name).slice(0, 8)}`
}

// A plain name of the form of a made-up one is not kept, so that nobody can aim at another's.
const RAW_NAME = /^(?![0-9a-f]{12}-)(?!.*\.\.)[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/

/**
 * The names under `raw/…/data/` of one submission's files, in the order given.
 *
 * A file keeps its base name when that is plain and no other file of the submission has it (case
 * ignored: some stores are case-blind). Otherwise its safe letters follow 12 hex digits of its
 * whole path, so that two folders with one `claims.csv` each never overwrite one another.
 */
export function rawFileNames(paths: readonly string[]): readonly string[] {
  const names = paths.map((path) => path.slice(path.lastIndexOf('/') + 1))
  const uses = Map.groupBy(names, (name) => name.toLowerCase())
  return names.map((name, at) => {
    if (RAW_NAME.test(name) && uses.get(name.toLowerCase())?.length === 1) return name
    const letters = name.replace(/[^A-Za-z0-9_-]+/g, '.').replace(/^\.+|\.+$/g, '')
    return `${sha256(paths[at] ?? '').slice(0, 12)}-${letters.slice(-80).replace(/^\.+/, '')}`
  })
}
