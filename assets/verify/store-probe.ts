/** What a folder can do as a store: tried in a folder of its own, which is removed afterwards. */
import { constants } from 'node:fs'
import {
  access,
  link,
  mkdir,
  mkdtemp,
  open,
  readlink,
  rename,
  rm,
  stat,
  statfs,
  symlink,
} from 'node:fs/promises'
import { join } from 'node:path'

export interface FolderProbe {
  /** the first thing that did not work, and the system's code for it; undefined: all did */
  readonly failed: { readonly step: string; readonly code: string } | undefined
  /** parts that carry over are linked, not copied */
  readonly hardLinks: boolean
  readonly freeBytes: number
  /** the disk it is on */
  readonly device: number
}

/** Tries create, fsync, rename, symbolic and hard link. Makes the folder if it is not there. */
export async function probeFolder(folder: string): Promise<FolderProbe> {
  let step = 'make a folder'
  let probe: string | undefined
  let hardLinks = true
  try {
    await mkdir(folder, { recursive: true })
    probe = await mkdtemp(join(folder, '.tributary-probe-'))
    const at = (name: string): string => join(probe ?? '', name)
    step = 'write and fsync a file'
    await using file = await open(at('written'), 'w')
    await file.write('probe')
    await file.sync()
    step = 'rename a file over another'
    await (await open(at('target'), 'w')).close()
    await rename(at('written'), at('target'))
    step = 'make and swap a symbolic link'
    await symlink('target', at('first'))
    await symlink('gone', at('link'))
    await rename(at('first'), at('link'))
    if ((await readlink(at('link'))) !== 'target') throw new Error('the link was not swapped')
    hardLinks = await link(at('target'), at('hard')).then(
      () => true,
      () => false, // copied instead: slower, and sound
    )
    const { bavail, bsize } = await statfs(folder)
    const { dev } = await stat(folder)
    return { failed: undefined, hardLinks, freeBytes: bavail * bsize, device: dev }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'no link'
    return { failed: { step, code }, hardLinks, freeBytes: 0, device: 0 }
  } finally {
    if (probe !== undefined) await rm(probe, { recursive: true, force: true })
  }
}

/** The system's code when a folder cannot be listed; undefined: it can. */
export const unreadable = async (folder: string): Promise<string | undefined> =>
  access(folder, constants.R_OK | constants.X_OK).then(
    () => undefined,
    (error: NodeJS.ErrnoException) => error.code ?? 'unknown',
  )
