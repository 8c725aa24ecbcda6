/**
 * Reads discovery manifests: which files a collector found at a public source, before any download.
 *
 * Three shapes are in the wild (design §6.15, seed-systems reference §2.2) and all become
 * `ManifestEntry`: one flat object a line per file; one whole manifest with `files[]` a line; one
 * pretty-printed whole manifest. A manifest is taken whole or not at all: every fault in it is
 * reported at once with its place. Newest is by the time in the file's name, never by mtime.
 */
import { z } from 'zod'
import { canonicalJson, EngineError, hasInvisible, type Position } from '../engine/index.ts'
import { samePeriod, vintagePeriod, type Period } from './period.ts'
import { readSource } from './source.ts'

/** A file to fetch and land. */
export interface ManifestEntry {
  /** of the manifest: the `{source}` of its name */
  readonly source: string
  /** becomes the submitter */
  readonly dataset: string
  readonly filename: string
  /** http(s) or file URL, or a path relative to the project without `..`; not fetched here */
  readonly url: string
  /** 64 lower-case hex digits; null while only a download can tell */
  readonly sha256: string | null
  readonly sizeBytes: number | null
  readonly checksumOrigin: 'publisher' | 'first_download'
  readonly fileType: string
  /** as declared, e.g. `2025D`; null: none */
  readonly vintage: string | null
  /** the months the vintage is effective; null: it declares none, so a person must */
  readonly period: Period | null
}

export interface Manifest {
  readonly source: string
  /** UTC, from the name: `20251015T143022` */
  readonly stampedAt: string
  readonly entries: readonly ManifestEntry[]
  /** what a partial discovery says it expected and did not find */
  readonly missingFiles: readonly string[]
}

export const MANIFEST_LIMITS = {
  charsMax: 8 * 1024 * 1024,
  entriesMax: 20_000,
  issuesMax: 100,
} as const

const NAME = /^cms_([a-z0-9]+(?:_[a-z0-9]+)*)_manifest_(\d{8})_(\d{6})\.jsonl?$/

/** The source and time in a manifest's file name; undefined for any other name. */
export function parseManifestName(
  name: string,
): { readonly source: string; readonly stampedAt: string } | undefined {
  const [, source, day, time] = NAME.exec(name) ?? []
  if (source === undefined || day === undefined || time === undefined) return undefined
  const iso = `${day}T${time}`.replace(
    /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)$/,
    '$1-$2-$3T$4:$5:$6.000Z',
  )
  const instant = new Date(iso)
  const isReal = !Number.isNaN(instant.getTime()) && instant.toISOString() === iso
  return isReal ? { source, stampedAt: `${day}T${time}` } : undefined
}

/** The newest manifest of each source, by source, and the names that are no manifest's. */
export function latestManifests(names: readonly string[]): {
  readonly latest: readonly { readonly source: string; readonly name: string }[]
  readonly ignored: readonly string[]
} {
  const newest = new Map<string, { source: string; name: string; stampedAt: string }>()
  const ignored: string[] = []
  for (const name of names.toSorted()) {
    const parsed = parseManifestName(name)
    if (parsed === undefined) {
      ignored.push(name)
      continue
    }
    const known = newest.get(parsed.source)
    if (known !== undefined && known.stampedAt > parsed.stampedAt) continue
    newest.set(parsed.source, { ...parsed, name })
  }
  const latest = [...newest.values()].map(({ source, name }) => ({ source, name }))
  return { latest: latest.toSorted((a, b) => (a.source < b.source ? -1 : 1)), ignored }
}

// An id as paths.ts and the registry take it.
const id = z
  .string()
  .toLowerCase()
  .regex(/^(?!.*\.\.)[a-z0-9_][a-z0-9_.-]{0,63}$/, 'is no id: letters, digits, `_`, `.` and `-`')

const checksum = z
  .string()
  .toLowerCase()
  .transform((text) => text.replace(/^sha256:/, ''))
  .pipe(z.string().regex(/^[0-9a-f]{64}$/, 'is no SHA-256: 64 hex digits, or null'))
  .nullish()

const visible = z
  .string()
  .refine((text) => !hasInvisible(text) && text.isWellFormed(), 'has control characters')

const filename = visible
  .min(1)
  .max(255)
  .regex(/^[^/\\]+$/, 'has a slash')
  .refine((name) => name !== '.' && name !== '..', 'is no file name')

const url = z.string().max(2048).refine(isFetchable, {
  error: 'is no http(s) or file URL without credentials, and no relative path without `..`',
})

/** Which places an entry may name. Where a file URL may point is for the caller to confine. */
function isFetchable(text: string): boolean {
  if (/[\\\s]/.test(text) || hasInvisible(text)) return false
  if (/^[a-z][a-z0-9+.-]*:/i.test(text)) {
    const parsed = URL.parse(text)
    if (parsed === null || parsed.username !== '' || parsed.password !== '') return false
    return parsed.protocol === 'file:' ? parsed.host === '' : /^https?:$/.test(parsed.protocol)
  }
  return !text.startsWith('/') && text.split('/').every((part) => !['', '.', '..'].includes(part))
}

const period = { year: z.int().min(1990).max(2199).nullish(), quarter: z.coerce.string().nullish() }

const file = z
  .object({
    dataset: id.nullish(),
    filename: filename.nullish(),
    name: filename.nullish(),
    file_url: url.nullish(),
    url: url.nullish(),
    sha256: checksum,
    checksum,
    size_bytes: z.int().min(0).nullish(),
    file_type: id.nullish(),
    vintage: z.union([visible.max(64), z.int()]).nullish(),
    ...period,
    metadata: z.object(period).nullish(),
  })
  .refine((entry) => (entry.filename ?? entry.name) != null, 'has no filename')
  .refine((entry) => (entry.file_url ?? entry.url) != null, 'has no file_url or url')
type FileJson = z.output<typeof file>

const partial = { missing_files: z.array(visible.max(255)).max(10_000).nullish() }
const whole = z.object({ source: id, files: z.array(file), ...partial })
const discovery = z.object({ partial_discovery: z.boolean(), ...partial })

interface Issue extends Position {
  readonly text: string
}
interface Row {
  readonly json: unknown
  /** 1-based line and text of the JSON value */
  readonly line: number
  readonly text: string
}

/**
 * Reads one manifest. `file` is its path as people know it, `name` its base name.
 *
 * Throws MANIFEST_INVALID with every fault, at most MANIFEST_LIMITS.issuesMax of them.
 */
export function readManifest({
  file: path,
  name,
  text,
}: {
  readonly file: string
  readonly name: string
  readonly text: string
}): Manifest {
  const named = parseManifestName(name)
  const issues: Issue[] = []
  const say = (what: string, line = 1, column = 1): void => {
    issues.push({ file: path, line, column, text: what })
  }
  const found: { entry: ManifestEntry; line: number }[] = []
  const missingFiles: string[] = []
  if (named === undefined) {
    say('a manifest is named cms_{source}_manifest_YYYYMMDD_HHMMSS.jsonl')
  } else if (text.length > MANIFEST_LIMITS.charsMax) {
    say(`a manifest has at most ${MANIFEST_LIMITS.charsMax} characters`)
  } else {
    for (const row of rowsOf(text.replace(/^\ufeff/, ''), say)) {
      const taken = takeRow(row, named.source, say)
      found.push(...taken.entries.map((entry) => ({ entry, line: row.line })))
      missingFiles.push(...taken.missingFiles)
    }
    checkWhole(found, say)
  }
  const [first] = issues
  if (first !== undefined || named === undefined) {
    const inOrder = issues.toSorted((a, b) => a.line - b.line || a.column - b.column)
    throw new EngineError('MANIFEST_INVALID', { issues: bounded(inOrder) })
  }
  const entries = new Map(found.map(({ entry }) => [entryKey(entry), entry]))
  return { ...named, entries: [...entries.values()], missingFiles }
}

type Say = (what: string, line?: number, column?: number) => void

function bounded(issues: readonly Issue[]): readonly Issue[] {
  const { issuesMax } = MANIFEST_LIMITS
  const [last] = issues.slice(issuesMax - 1)
  if (last === undefined || issues.length === issuesMax) return issues
  const more = `and ${issues.length - issuesMax + 1} more from here on`
  return [...issues.slice(0, issuesMax - 1), { ...last, text: more }]
}

/** The JSON values of a manifest: its whole text when that is one value, else its lines. */
function rowsOf(text: string, say: Say): readonly Row[] {
  const lines = text.split('\n')
  const filled = lines.flatMap((line, at) =>
    line.trim() === '' ? [] : [{ line: at + 1, text: line }],
  )
  if (filled.length === 0) {
    say('the manifest is empty')
    return []
  }
  const isPretty = filled.length > 1 && parseJson(filled[0]?.text ?? '') === undefined
  if (isPretty) {
    const json = parseJson(text)
    if (json !== undefined) return [{ json: json.value, line: 1, text }]
    // Neither one value nor values by line: a whole document opens with a lone bracket.
    if (/^\s*[{[]\s*$/.test(filled[0]?.text ?? '')) {
      say('the manifest is no JSON document', ...jsonFaultPlace(text))
      return []
    }
  }
  return filled.flatMap((row) => {
    const json = parseJson(row.text)
    if (json !== undefined) return [{ json: json.value, ...row }]
    say('the line is no JSON value', row.line, jsonFaultPlace(row.text)[1])
    return []
  })
}

/** The value in its own box, as JSON may be null; undefined when the text is no JSON. */
function parseJson(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) }
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

/** Line and column of the first fault, as the registry's reader (JSON is a subset) sees it. */
function jsonFaultPlace(text: string): [line: number, column: number] {
  const source = readSource({ path: '', text })
  const [fault = { line: 1, column: 1 }] = 'faults' in source ? source.faults : []
  return [fault.line, fault.column]
}

interface Taken {
  readonly entries: readonly ManifestEntry[]
  readonly missingFiles: readonly string[]
}

function takeRow(row: Row, source: string, say: Say): Taken {
  const { json } = row
  const has = (member: string): boolean =>
    typeof json === 'object' && json !== null && Object.hasOwn(json, member)
  if (has('files')) {
    const manifest = checked(whole, row, say)
    if (manifest === undefined) return { entries: [], missingFiles: [] }
    const dataset = manifest.source.replace(/^cms_/, '')
    const entries = manifest.files.map((entry) => entryOf(entry, { source, dataset }))
    return { entries, missingFiles: manifest.missing_files ?? [] }
  }
  if (has('partial_discovery') && !has('filename')) {
    return { entries: [], missingFiles: checked(discovery, row, say)?.missing_files ?? [] }
  }
  const entry = checked(file, row, say)
  const entries = entry === undefined ? [] : [entryOf(entry, { source, dataset: source })]
  return { entries, missingFiles: [] }
}

/** A row's value in a shape; else every fault is said, at its place, without its value. */
function checked<Shape extends z.ZodType>(
  shape: Shape,
  row: Row,
  say: Say,
): z.output<Shape> | undefined {
  const result = shape.safeParse(row.json)
  if (result.success) return result.data
  const source = readSource({ path: '', text: row.text })
  for (const issue of result.error.issues) {
    const { line, column } = 'at' in source ? source.at(issue.path) : { line: 1, column: 1 }
    const where = issue.path.length === 0 ? '' : `${issue.path.join('.')} `
    say(`${where}${issue.message}`, row.line + line - 1, column)
  }
  return undefined
}

function entryOf(entry: FileJson, from: Pick<ManifestEntry, 'source' | 'dataset'>): ManifestEntry {
  const sha256 = entry.sha256 ?? entry.checksum ?? null
  const vintage = vintageOf(entry)
  return {
    source: from.source,
    dataset: entry.dataset ?? from.dataset,
    filename: nameOf(entry),
    url: entry.file_url ?? entry.url ?? '',
    sha256,
    sizeBytes: entry.size_bytes ?? null,
    checksumOrigin: sha256 === null ? 'first_download' : 'publisher',
    fileType: entry.file_type ?? 'unknown',
    vintage: vintage ?? null,
    period: vintagePeriod(vintage ?? '') ?? null,
  }
}

const nameOf = ({ filename: given, name }: FileJson): string => given ?? name ?? ''

/** As declared, else by year and quarter, else by the file's name; the narrowest of them. */
function vintageOf(entry: FileJson): string | undefined {
  const { vintage, metadata } = entry
  const year = entry.year ?? metadata?.year
  const quarter = entry.quarter ?? metadata?.quarter ?? ''
  const ofYear = year == null ? undefined : `${year}${quarter}`
  const given = vintage == null ? undefined : String(vintage)
  const inName = /rvu\d{2}[a-d]/i.exec(nameOf(entry))?.[0]
  return narrowest([given, ofYear, inName].filter((text) => text !== undefined))
}

/**
 * The first vintage, or a later one that lies within it.
 *
 * Collectors write `vintage: "2025"` beside `quarter: "D"`; taken as the whole year, every release
 * of a year would claim the months of all the others.
 */
function narrowest(vintages: readonly string[]): string | undefined {
  const [first, ...later] = vintages
  if (first === undefined) return undefined
  const outer = vintagePeriod(first)
  if (outer === undefined) return first
  const inner = later.find((text) => {
    const within = vintagePeriod(text)
    if (within === undefined || samePeriod(within, outer)) return false
    return within.first >= outer.first && within.last <= outer.last
  })
  return inner ?? first
}

/** Says what only the whole manifest can show. */
function checkWhole(found: readonly { entry: ManifestEntry; line: number }[], say: Say): void {
  const { entriesMax } = MANIFEST_LIMITS
  if (found.length > entriesMax) say(`a manifest has at most ${entriesMax} entries`)
  const identities = new Map<string, { identity: string; line: number }>()
  for (const { entry, line } of found) {
    const identity = manifestIdentity(entry)
    const known = identities.get(entryKey(entry))
    if (known === undefined) identities.set(entryKey(entry), { identity, line })
    else if (known.identity !== identity) {
      say(`another entry for the file of line ${known.line}, with other contents`, line)
    }
  }
}

/** Which file an entry is about: the same in a newer manifest. */
const entryKey = ({ source, dataset, fileType, vintage, filename: name }: ManifestEntry): string =>
  canonicalJson([source, dataset, fileType, vintage, name])

/**
 * What matters of an entry, as canonical JSON: times of discovery and modification, content types
 * and notes are not in it, so a manifest that differs only in those changes nothing.
 */
export const manifestIdentity = (entry: ManifestEntry): string =>
  canonicalJson({
    source: entry.source,
    dataset: entry.dataset,
    filename: entry.filename,
    url: entry.url,
    sha256: entry.sha256,
    sizeBytes: entry.sizeBytes,
    fileType: entry.fileType,
    vintage: entry.vintage,
    period: entry.period,
  })

/** How a newer manifest differs from an older one. An absent entry never withdraws anything. */
export interface ManifestDiff {
  readonly added: readonly ManifestEntry[]
  readonly changed: readonly { readonly from: ManifestEntry; readonly to: ManifestEntry }[]
  readonly same: readonly ManifestEntry[]
  readonly absent: readonly ManifestEntry[]
}

/** Compares by file; each list in the order of the newer manifest, `absent` of the older. */
export function diffManifests(
  older: readonly ManifestEntry[],
  newer: readonly ManifestEntry[],
): ManifestDiff {
  const before = new Map(older.map((entry) => [entryKey(entry), entry]))
  const after = new Set(newer.map(entryKey))
  const isSame = (entry: ManifestEntry): boolean => {
    const from = before.get(entryKey(entry))
    return from !== undefined && manifestIdentity(from) === manifestIdentity(entry)
  }
  return {
    added: newer.filter((entry) => !before.has(entryKey(entry))),
    changed: newer.flatMap((to) => {
      const from = before.get(entryKey(to))
      return from === undefined || isSame(to) ? [] : [{ from, to }]
    }),
    same: newer.filter(isSame),
    absent: older.filter((entry) => !after.has(entryKey(entry))),
  }
}
