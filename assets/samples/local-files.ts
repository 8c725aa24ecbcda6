/**
 * Files that no manifest names: those a person gives, and, where samples are made of what was
 * delivered, whatever lies in the inbox under a name that is not temp_.
 */
import { realpath, stat } from 'node:fs/promises'
import { join, relative, resolve, sep } from 'node:path'
import type { Catalog } from '../../engine/index.ts'
import { EngineError, isEngineError } from '../../engine/index.ts'
import { isUrl } from '../config.ts'
import type { Platform } from '../platform.ts'
import type { ProcessedEntry } from '../processed-entry.ts'
import type { Callings } from './chosen.ts'
import { sampleNamed } from './chosen.ts'
import { ledgerTables } from './ledger-tables.ts'
import { LINES_MAX, takeFiles } from './ledger.ts'

/** Of files from anywhere; no manifest may have such a place. */
const LOCAL_PLACE = '@local/unrouted/files'
const INBOX = 'inbox:'
/** Of one command: of each the ledger is asked for several names. */
const WORDS_MAX = 1000
/** A folder of an inbox may be called anything; a place is made of plain names. */
const PLAIN = /^[a-z0-9_][a-z0-9_.-]{0,63}$/

/** Where samples of a submitter's files lie before anybody knows what they are. */
const unroutedPlace = (submitter: string): string =>
  PLAIN.test(submitter) ? `${submitter}/unrouted/inbox` : LOCAL_PLACE

/** Whether a place is one whose files may lie anywhere: a person of this machine named them. */
export const isLocalPlace = (place: string): boolean => place === LOCAL_PLACE

export interface LocalFile {
  readonly place: string
  readonly entry: ProcessedEntry
}

/** A file of this machine as an entry; undefined: there is none. Throws SAMPLE_UNKNOWN for a folder. */
export async function localFile(
  { config }: Pick<Platform, 'config'>,
  path: string,
): Promise<LocalFile | undefined> {
  const real = await realpath(path).catch(() => undefined)
  if (real === undefined) return undefined
  const found = await stat(real).catch(() => undefined)
  if (found === undefined) return undefined
  if (!found.isFile()) throw new EngineError('SAMPLE_UNKNOWN', { name: path, nearest: undefined })
  const told = { mtime: found.mtimeMs / 1000, size: found.size }
  const inbox = isUrl(config.inbox.value)
    ? undefined
    : await realpath(config.inbox.value).catch(() => undefined)
  if (inbox !== undefined && real.startsWith(inbox + sep)) {
    return inInbox(relative(inbox, real).split(sep).join('/'), told)
  }
  return { place: LOCAL_PLACE, entry: { raw: real, bronze: real, ...told } }
}

interface Named {
  /** that a person's words are relative to */
  readonly folder: string
  readonly words: readonly string[]
}

/**
 * What the ledger may call each file that a command names: as it was typed, where it lies or lay, and
 * as the inbox names it. No file need be there. Throws USAGE for more than 1,000.
 */
export async function callingsOf(
  { config }: Pick<Platform, 'config'>,
  { folder, words }: Named,
): Promise<readonly Callings[]> {
  requireFew(words)
  const inbox = isUrl(config.inbox.value) ? undefined : config.inbox.value
  const roots = inbox === undefined ? [] : [inbox, await realpath(inbox).catch(() => inbox)]
  return Promise.all(
    words.map(async (word) => {
      const path = resolve(folder, word)
      const lying = [path, await realpath(path).catch(() => path)]
      const delivered = roots.flatMap((root) =>
        lying.flatMap((one) => (one.startsWith(root + sep) ? [inboxName(root, one)] : [])),
      )
      return [...new Set([word, ...lying, ...delivered])]
    }),
  )
}

export interface NamedFiles {
  readonly names: readonly Callings[]
  /** those that lie on this machine */
  readonly locals: readonly LocalFile[]
}

/** The files that a command is to read: a word that is a file here is that file and no other. */
export async function namedFiles(
  platform: Pick<Platform, 'config'>,
  { folder, words }: Named,
): Promise<NamedFiles> {
  requireFew(words)
  const names: Callings[] = []
  const locals: LocalFile[] = []
  for (const word of words) {
    const path = resolve(folder, word)
    // A sample stands for the file it is of: none is made of it.
    if (sampleNamed(platform.config.staging.prefix.value, path) !== undefined) {
      names.push([path])
      continue
    }
    const local = await localFile(platform, path)
    if (local !== undefined) locals.push(local)
    names.push([local?.entry.raw ?? word])
  }
  return { names, locals }
}

function requireFew(words: readonly string[]): void {
  if (words.length <= WORDS_MAX) return
  const reason = `at most ${WORDS_MAX} files by name; --place takes any number`
  throw new EngineError('USAGE', { command: 'samples', reason })
}

/**
 * Looks again at files that a person named and whose samples show values as they are: no manifest
 * tells when they change, and the reason was given for what was there.
 */
export async function lookAgainAtRaw(platform: Platform, ledger: Catalog): Promise<void> {
  const { config } = platform
  const shown = await ledgerTables(ledger.db)
    .selectFrom('sample')
    .select(['id', 'place', 'raw'])
    .where('is_raw', '=', 1)
    .where((eb) => eb.or([eb('place', '=', LOCAL_PLACE), eb('raw', 'like', 'inbox:%')]))
    .execute()
  for (const { id, place, raw } of shown) {
    const isInbox = raw.startsWith(INBOX)
    if (isInbox && isUrl(config.inbox.value)) continue
    const path = isInbox ? join(config.inbox.value, raw.slice(INBOX.length)) : raw
    const local = await localFile(platform, path).catch((error: unknown) => {
      if (isEngineError(error, 'SAMPLE_UNKNOWN')) return undefined // a folder by now
      throw error
    })
    if (local === undefined) continue
    const isSame = local.place === place && local.entry.raw === raw
    if (isSame) await takeFiles(ledger, { place, entries: [local.entry] })
    // A link by now: what it leads to is another file.
    else if (!isInbox) await endRaw(ledger, id)
  }
}

const endRaw = async (ledger: Catalog, id: number): Promise<void> =>
  ledger.write(async ({ db }) => {
    const own = ledgerTables(db).updateTable('sample').where('id', '=', id)
    await own.set({ raw_until_ms: 0 }).execute()
  })

const inboxName = (root: string, path: string): string =>
  INBOX + relative(root, path).split(sep).join('/')

function inInbox(path: string, told: Pick<ProcessedEntry, 'mtime' | 'size'>): LocalFile {
  const raw = INBOX + path
  return { place: unroutedPlace(path.split('/', 1)[0] ?? ''), entry: { raw, bronze: raw, ...told } }
}

/** Takes in whatever lies in a folder inbox. Memory: its listing. */
export async function takeInbox(platform: Platform, ledger: Catalog): Promise<void> {
  const { config, inbox } = platform
  if (isUrl(config.inbox.value)) {
    const reason = 'samples.from is raw, and the inbox is no folder: use bronze'
    throw new EngineError('CONFIG_INVALID', { file: 'tributary.json', reason })
  }
  const { listed } = await inbox.list()
  const files: LocalFile[] = []
  for (const { path, sizeBytes } of listed) {
    if (path.endsWith('/_SUCCESS')) continue
    const found = await stat(join(config.inbox.value, path)).catch(() => undefined)
    if (found !== undefined)
      files.push(inInbox(path, { mtime: found.mtimeMs / 1000, size: sizeBytes }))
  }
  for (const [place, own] of Map.groupBy(files, (file) => file.place)) {
    for (let at = 0; at < own.length; at += LINES_MAX) {
      const entries = own.slice(at, at + LINES_MAX).map(({ entry }) => entry)
      await takeFiles(ledger, { place, entries })
    }
  }
}
