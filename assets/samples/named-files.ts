/** The files that words of a command name. */
import { realpath } from 'node:fs/promises'
import { resolve, sep } from 'node:path'
import { EngineError } from '../../engine/index.ts'
import { isUrl } from '../config.ts'
import type { Platform } from '../platform.ts'
import type { Callings } from './chosen.ts'
import { sampleNamed } from './chosen.ts'
import type { LocalFile } from './local-files.ts'
import { inboxName, localFile } from './local-files.ts'

/** Of one command: of each the ledger is asked for several names. */
const WORDS_MAX = 1000

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
