/**
 * Backup and restore.
 *
 *     catalog.ndjson.gz   the catalog in one snapshot (catalog/dump.ts)
 *     parts.ndjson.gz     the parts it refers to: path, size, SHA-256
 *     parts/…             with `withParts`, those parts
 *     backup.json         what the others are; written last, so a backup without it is none
 *
 * Parts are immutable, so naming them is enough while the store stands. A restore rolls forward
 * from the store (roll-forward.ts): what was committed after the backup is not lost either.
 */
import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { pipeline } from 'node:stream/promises'
import { createGunzip, createGzip } from 'node:zlib'
import { sql } from 'kysely'
import { z } from 'zod'
import { dumpCatalog, loadCatalog, migrationsOf } from '../catalog/dump.ts'
import type { Connection } from '../catalog/open.ts'
import type { Actor } from '../catalog/runs.ts'
import { insertAudit } from '../catalog/runs.ts'
import { EngineError } from '../core/errors.ts'
import { failpoint } from '../core/failpoint.ts'
import type { BackupPlace } from '../core/ports.ts'
import { projectJournal } from './journal.ts'
import type { Project } from './project.ts'
import { rollForward, requireEmpty } from './roll-forward.ts'
import type { RolledForward } from './roll-forward.ts'

const CATALOG = 'catalog.ndjson.gz'
const PARTS = 'parts.ndjson.gz'
const LABEL = 'backup.json'

const FILE = z.strictObject({ size_bytes: z.int(), sha256: z.string(), lines: z.int() })
const BACKUP = z.strictObject({
  format: z.literal('tributary-backup/1'),
  at: z.iso.datetime(),
  store: z.string(),
  /** newest last */
  migrations: z.array(z.string()),
  revision: z.int(),
  journal: z.int(),
  catalog: FILE,
  parts: FILE,
  /** whether `parts/` holds them */
  with_parts: z.boolean(),
})
export type Backup = z.output<typeof BACKUP>

export interface BackupOptions {
  readonly actor: Actor
  readonly withParts: boolean
  readonly onProgress?: (what: 'parts', done: number, of: number) => void
}

/** Writes a backup into an empty place. Throws BACKUP_EXISTS. Beside a live run it is one instant. */
export async function backUp(
  project: Project,
  place: BackupPlace,
  { actor, withParts, onProgress }: BackupOptions,
): Promise<Backup> {
  return inScratch(project, async (folder) => {
    if (await place.get(LABEL, join(folder, LABEL))) {
      throw new EngineError('BACKUP_EXISTS', { place: place.name })
    }
    const head = await project.catalog.db
      .selectFrom('catalog')
      .select(['revision', 'journal'])
      .executeTakeFirstOrThrow()
    const catalog = await writeLines(join(folder, CATALOG), async (take) =>
      dumpCatalog(project.catalog, take),
    )
    const parts = await writeLines(join(folder, PARTS), async (take) => {
      for await (const page of partPages(project.catalog.db)) {
        for (const part of page) await take(JSON.stringify(part))
      }
    })
    if (withParts)
      await copyParts(project, place, (done) => onProgress?.('parts', done, parts.lines))
    failpoint('backup.copied')
    const backup: Backup = {
      format: 'tributary-backup/1',
      at: new Date(project.clock.nowMs()).toISOString(),
      store: project.store.name,
      migrations: [...(await migrationsOf(project.catalog))],
      ...head,
      catalog,
      parts,
      with_parts: withParts,
    }
    await writeFile(join(folder, LABEL), `${JSON.stringify(backup, null, 2)}\n`)
    for (const name of [CATALOG, PARTS, LABEL]) await place.put(name, join(folder, name))
    const entry = { atMs: project.clock.nowMs(), actor, action: 'backup', subject: place.name }
    await project.catalog.write(async (trx) => insertAudit(trx, { ...entry, run: null }))
    await projectJournal(project)
    return backup
  })
}

async function inScratch<Result>(
  { scratchRoot }: Project,
  work: (folder: string) => Promise<Result>,
): Promise<Result> {
  await mkdir(scratchRoot, { recursive: true })
  const folder = await mkdtemp(join(scratchRoot, 'tributary-backup-'))
  try {
    return await work(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Writes lines through gzip; memory is the stream's. */
async function writeLines(
  file: string,
  write: (take: (line: string) => Promise<void>) => Promise<unknown>,
): Promise<z.output<typeof FILE>> {
  const zip = createGzip()
  const written = pipeline(zip, createWriteStream(file))
  let lines = 0
  await write(async (line) => {
    lines += 1
    if (!zip.write(`${line}\n`)) await new Promise((resolve) => zip.once('drain', resolve))
  })
  zip.end()
  await written
  return { ...(await identity(file)), lines }
}

async function identity(file: string): Promise<{ size_bytes: number; sha256: string }> {
  const sum = createHash('sha256')
  await pipeline(createReadStream(file), sum)
  return { size_bytes: (await stat(file)).size, sha256: sum.digest('hex') }
}

interface StoredFile {
  readonly path: string
  readonly size_bytes: number
  readonly sha256: string
}

const PAGE_ROWS = 2_000

/** Every part that a kept version names, once. */
async function* partPages(db: Connection): AsyncIterable<readonly StoredFile[]> {
  for (let after = ''; ;) {
    const { rows } = await sql<StoredFile>`
      select distinct path, size_bytes, sha256 from part where path > ${after}
      order by path limit ${sql.lit(PAGE_ROWS)}`.execute(db)
    const last = rows.at(-1)
    if (last === undefined) return
    after = last.path
    yield rows
  }
}

async function copyParts(
  { catalog, store }: Project,
  place: BackupPlace,
  onCopied: (done: number) => void,
): Promise<void> {
  let done = 0
  for await (const page of partPages(catalog.db)) {
    for (const part of page) {
      const file = await store.fetch({ ...part, sizeBytes: part.size_bytes })
      await place.put(`parts/${part.path}`, file)
      onCopied((done += 1))
    }
  }
}

export interface Restored extends RolledForward {
  readonly rows: number
  /** parts that were put back from the backup */
  readonly putBack: number
}

/**
 * Restores a backup into an empty catalog, rolls it forward, and looks at the store; writes nothing
 * there but parts that it lost.
 * Throws CATALOG_NOT_EMPTY, BACKUP_INVALID, CATALOG_NEWER.
 */
export async function restore(
  project: Project,
  place: BackupPlace,
  options: Omit<BackupOptions, 'withParts'>,
): Promise<Restored> {
  return inScratch(project, async (folder) => {
    const backup = await readLabel(place, folder)
    const known = await migrationsOf(project.catalog)
    const foreign = backup.migrations.find((name) => !known.includes(name))
    if (foreign !== undefined) {
      throw new EngineError('CATALOG_NEWER', { found: foreign, known: known.at(-1) ?? 'none' })
    }
    await fetchChecked(place, folder, { name: CATALOG, wanted: backup.catalog })
    await fetchChecked(place, folder, { name: PARTS, wanted: backup.parts })
    const putBack = backup.with_parts ? await putPartsBack(project, place, folder) : 0
    let rows = 0
    const forward = await rollForward(project, { actor: options.actor }, async (trx) => {
      await requireEmpty(project, trx)
      rows = await loadCatalog(trx, linesOf(join(folder, CATALOG)))
      failpoint('restore.loaded')
      return 'restore'
    })
    return { ...forward, rows, putBack }
  })
}

async function readLabel(place: BackupPlace, folder: string): Promise<Backup> {
  const file = join(folder, LABEL)
  if (!(await place.get(LABEL, file))) {
    throw new EngineError('BACKUP_INVALID', { file: `${place.name}/${LABEL}`, reason: 'not there' })
  }
  try {
    return BACKUP.parse(JSON.parse(await readFile(file, 'utf8')))
  } catch (error) {
    if (!(error instanceof SyntaxError) && !(error instanceof z.ZodError)) throw error
    const context = { file: `${place.name}/${LABEL}`, reason: 'it is no backup of this program' }
    throw new EngineError('BACKUP_INVALID', context, { cause: error })
  }
}

async function fetchChecked(
  place: BackupPlace,
  folder: string,
  { name, wanted }: { readonly name: string; readonly wanted: z.output<typeof FILE> },
): Promise<void> {
  const isThere = await place.get(name, join(folder, name))
  const found = isThere ? await identity(join(folder, name)) : undefined
  if (found?.sha256 === wanted.sha256) return
  const reason = isThere ? 'it has another SHA-256 than backup.json says' : 'not there'
  throw new EngineError('BACKUP_INVALID', { file: `${place.name}/${name}`, reason })
}

/** Lines are read when they are asked for: a reader that is made early loses the first. */
async function* linesOf(file: string): AsyncIterable<string> {
  const input = createReadStream(file).pipe(createGunzip())
  yield* createInterface({ input, crlfDelay: Infinity })
}

/** Puts back the parts of the backup that the store lost. */
async function putPartsBack(
  { store }: Project,
  place: BackupPlace,
  folder: string,
): Promise<number> {
  let count = 0
  let page: StoredFile[] = []
  const flush = async (): Promise<void> => {
    const sizes = await store.sizes(page.map(({ path }) => path))
    for (const [at, part] of page.entries()) {
      if (sizes[at] === part.size_bytes) continue
      const file = join(folder, 'part')
      if (!(await place.get(`parts/${part.path}`, file))) continue
      // A part that is not what it was is left lost: it is made again, or said to be gone.
      if ((await identity(file)).sha256 !== part.sha256) continue
      await store.putBack(part.path, file)
      count += 1
    }
    page = []
  }
  for await (const line of linesOf(join(folder, PARTS))) {
    page.push(JSON.parse(line) as StoredFile)
    if (page.length >= PAGE_ROWS) await flush()
  }
  await flush()
  return count
}
