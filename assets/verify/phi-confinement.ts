/**
 * I15: health data appears in the inbox, raw, silver, gold and rejects, and nowhere else.
 *
 * Canaries are looked for in every text column of the catalog, in reports, manifests and in the
 * files beside the catalog, such as logs. What is said of a hit is its place, never the value.
 */
import { createReadStream, existsSync, lstatSync, readdirSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { createInterface } from 'node:readline'
import { sql } from 'kysely'
import {
  JOURNAL,
  counted,
  isEngineError,
  parseKey,
  readJournal,
  rowsTable,
} from '../../engine/index.ts'
import { isUrl } from '../config.ts'
import type { Canary } from './canaries.ts'
import { holds, sampleCanaries } from './canaries.ts'
import { lookAtOnce } from './at-once.ts'
import { currentNodes, currentParts } from './catalog-look.ts'
import type { InvariantResult, Verification } from './invariant.ts'
import { Faults, conclude } from './invariant.ts'

export async function verifyConfinement(verification: Verification): Promise<InvariantResult> {
  const faults = new Faults()
  const canaries = await sampleCanaries(verification)
  const columns = await searchCatalog(verification, canaries, faults)
  const told = await searchReports(verification, canaries, faults)
  const reports = told + (await searchJournal(verification, canaries, faults))
  const files = await searchFiles(verification, canaries, faults)
  return conclude('I15', {
    faults,
    holds:
      canaries.length === 0
        ? 'no value of a PHI column is distinctive enough to look for'
        : `${counted(canaries.length, 'value')} of PHI columns are in none of ${counted(columns, 'catalog column')}, ${reports} reports, manifests and journal objects and ${counted(files, 'file')}`,
    evidence: { canaries: canaries.length, columns, reports, files },
  })
}

/** The registry's own documents: examples in them are its authors' responsibility, and reviewed. */
const OWN_WORDS = new Set(['registry_file'])
const TEXT = /text|char/i
const HITS_MAX = 200

/** The store's journal says what the catalog says, the registry's own words among it. */
async function searchJournal(
  { platform: { project } }: Verification,
  canaries: readonly Canary[],
  faults: Faults,
): Promise<number> {
  let searched = 0
  for await (const { number } of project.store.manifests(JOURNAL)) {
    const { entries } = await readJournal(project.store, number)
    const spoken = entries.filter((entry) => !('table' in entry && OWN_WORDS.has(entry.table)))
    const text = JSON.stringify(spoken)
    const found = canaries.find(({ value }) => holds(text, value))
    searched += 1
    faults.addWhen(
      found !== undefined,
      () => `object ${number} of the journal holds a value of ${found?.column ?? ''}`,
    )
  }
  return searched
}

/** Looks in every text column; returns how many there are. */
async function searchCatalog(
  { platform: { project } }: Verification,
  canaries: readonly Canary[],
  faults: Faults,
): Promise<number> {
  const { db, dialect } = project.catalog
  const within = dialect === 'sqlite' ? sql.raw('instr') : sql.raw('strpos')
  let searched = 0
  for (const table of await db.introspection.getTables()) {
    // pg-boss keeps its jobs in a schema of its own.
    const name = table.schema === undefined ? table.name : `${table.schema}.${table.name}`
    const columns = table.columns.filter((column) => TEXT.test(column.dataType))
    if (OWN_WORDS.has(table.name) || table.isView) continue
    searched += columns.length
    if (columns.length === 0 || canaries.length === 0) continue
    const values = rowsTable(
      dialect,
      { value: 'text' },
      canaries.map(({ value }) => [value]),
    )
    for (const column of columns) {
      // Also lists of texts, as text.
      const cell = sql`cast(t.${sql.ref(column.name)} as text)`
      // Materialized: the values are unpacked once, not once a row.
      const { rows } = await sql<{ cell: string; value: string }>`
        with c as materialized (select w.value from ${values} w)
        select ${cell} as cell, c.value from ${sql.table(name)} t
        join c on ${within}(${cell}, c.value) > 0 limit ${sql.lit(HITS_MAX)}`.execute(db)
      reportHits(rows, { canaries, place: `column ${table.name}.${column.name}`, faults })
    }
  }
  return searched
}

function reportHits(
  rows: readonly { readonly cell: string; readonly value: string }[],
  {
    canaries,
    place,
    faults,
  }: { readonly canaries: readonly Canary[]; readonly place: string; readonly faults: Faults },
): void {
  const columns = new Map(canaries.map(({ value, column }) => [value, column]))
  const hits = rows.filter(({ cell, value }) => holds(cell, value))
  const [first] = hits
  if (first === undefined) return
  faults.add(
    `${counted(hits.length, 'row')} of ${place} hold a value of ${columns.get(first.value) ?? ''}`,
  )
}

/** What holds no value of a person: a sample is masked. */
const REPORTS = ['parse', 'validation_report', 'outbox', 'sample'] as const

/** Reports and manifests: they hold counts, positions and names. Returns how many were read. */
async function searchReports(
  { platform: { project }, definitions }: Verification,
  canaries: readonly Canary[],
  faults: Faults,
): Promise<number> {
  const { db } = project.catalog
  let searched = 0
  for (const asset of REPORTS.filter((name) => project.graph.assets.has(name))) {
    const parts = await currentParts(db, definitions, asset)
    const fetched = await lookAtOnce(parts, async (part) => {
      const path = await project.store.fetch(part).catch((error: unknown) => {
        if (isEngineError(error, 'PART_MISSING') || isEngineError(error, 'PART_CHANGED'))
          return undefined
        throw error
      })
      return { part, path }
    })
    searched += fetched.length
    for (const { part, path } of fetched) {
      const place = `${asset}[${part.key}] ${part.name}`
      if (path !== undefined) await searchFile(path, { canaries, place, faults })
    }
  }
  for (const asset of project.graph.assets.values()) {
    if (asset.kind !== 'stored' && asset.kind !== 'output') continue
    if (asset.publish === undefined) continue
    const { name, publish } = asset
    const looked = await lookAtOnce(await currentNodes(db, definitions, name), async ({ key }) => {
      const manifest = await project.store.lastManifest(publish(parseKey(key)).path)
      const found = manifest && canaries.find(({ value }) => holds(manifest.text, value))
      return { key, isThere: manifest !== undefined, found }
    })
    for (const { key, isThere, found } of looked) {
      if (isThere) searched += 1
      faults.addWhen(
        found !== undefined,
        () => `the manifest of ${name}[${key}] holds a value of ${found?.column ?? ''}`,
      )
    }
  }
  return searched
}

/** Files beside scratch and an embedded catalog: logs, dumps. Returns how many were read. */
async function searchFiles(
  { platform: { config } }: Verification,
  canaries: readonly Canary[],
  faults: Faults,
): Promise<number> {
  const { catalog, scratch, store, cache } = config
  // They hold the data itself.
  const zones = new Set([scratch, store, cache].map(({ value }) => value))
  const places = isUrl(catalog.value) ? [scratch] : [catalog, scratch]
  // A project that keeps them in its own folder has no folder of the program's.
  const roots = [...new Set(places.map(({ value }) => dirname(value)))].filter(
    (root) => root !== config.root && existsSync(root),
  )
  let searched = 0
  const seen = new Set<string>()
  for (let folder = roots.pop(); folder !== undefined; folder = roots.pop()) {
    if (seen.has(folder)) continue
    seen.add(folder)
    for (const name of readdirSync(folder)) {
      const path = join(folder, name)
      if (zones.has(path)) continue
      const found = lstatSync(path)
      if (found.isDirectory()) roots.push(path)
      else if (found.isFile() && !path.startsWith(catalog.value)) {
        searched += 1
        await searchFile(path, { canaries, place: relative(config.root, path), faults })
      }
    }
  }
  return searched
}

/** One fault a file: the line and the column the value is of. */
async function searchFile(
  path: string,
  {
    canaries,
    place,
    faults,
  }: { readonly canaries: readonly Canary[]; readonly place: string; readonly faults: Faults },
): Promise<void> {
  let number = 0
  for await (const line of createInterface({
    input: createReadStream(path),
    crlfDelay: Infinity,
  })) {
    number += 1
    const found = canaries.find(({ value }) => holds(line, value))
    if (found !== undefined)
      return faults.add(`${place}:${number} holds a value of ${found.column}`)
  }
}
