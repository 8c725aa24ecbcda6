/**
 * Files that no manifest names: those a person gives, and, where samples are made of what was
 * delivered, whatever lies in the inbox under a name that is not temp_.
 */
import { realpath, stat } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import type { Catalog } from '../../engine/index.ts'
import { EngineError, isEngineError } from '../../engine/index.ts'
import { isUrl } from '../config.ts'
import type { Platform } from '../platform.ts'
import type { ProcessedEntry } from '../processed-entry.ts'
import { ledgerTables } from './ledger-tables.ts'
import { LINES_MAX, takeFiles } from './ledger.ts'

/** Of files from anywhere; no manifest may have such a place. */
const LOCAL_PLACE = '@local/unrouted/files'
const INBOX = 'inbox:'
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
    return inInbox(inboxName(inbox, real), told)
  }
  return { place: LOCAL_PLACE, entry: { raw: real, bronze: real, ...told } }
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
    .where((eb) => eb.or([eb('place', '=', LOCAL_PLACE), eb('raw', 'like', `${INBOX}%`)]))
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

/** How a ledger calls a file below an inbox. */
export const inboxName = (root: string, path: string): string =>
  INBOX + relative(root, path).split(sep).join('/')

function inInbox(raw: string, told: Pick<ProcessedEntry, 'mtime' | 'size'>): LocalFile {
  const submitter = raw.slice(INBOX.length).split('/', 1)[0] ?? ''
  return { place: unroutedPlace(submitter), entry: { raw, bronze: raw, ...told } }
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
      files.push(inInbox(INBOX + path, { mtime: found.mtimeMs / 1000, size: sizeBytes }))
  }
  for (const [place, own] of Map.groupBy(files, (file) => file.place)) {
    for (let at = 0; at < own.length; at += LINES_MAX) {
      const entries = own.slice(at, at + LINES_MAX).map(({ entry }) => entry)
      await takeFiles(ledger, { place, entries })
    }
  }
}
