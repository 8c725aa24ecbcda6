/** Counts what a process asks of the disk, by file, where strace can be used. */
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from './measure.ts'
import { hasProgram, inFolder, measure } from './measure.ts'

export interface DiskCalls {
  /** fsync and fdatasync, by kind of file */
  readonly syncs: { readonly catalog: number; readonly store: number }
  /** pwrite and write to the catalog and its log */
  readonly catalog_writes: number
  /** files in the store that were opened */
  readonly store_opens: number
}

const CALLS = 'fsync,fdatasync,pwrite64,write,openat'

/** Runs a command under strace. undefined: strace is missing, or may not trace here. */
export async function diskCalls(command: Command): Promise<DiskCalls | undefined> {
  if (!hasProgram('strace')) return undefined
  return inFolder(async (folder) => {
    const traced = ['-ff', '-y', '-qq', '-e', `trace=${CALLS}`, '-o', join(folder, 'trace')]
    const words = [...traced, command.command, ...command.arguments]
    const { code } = await measure({ ...command, command: 'strace', arguments: words })
    const files = readdirSync(folder)
    if (code !== 0 || files.length === 0) return undefined
    const lines = files.flatMap((name) => readFileSync(join(folder, name), 'utf8').split('\n'))
    const count = (call: RegExp, path: RegExp): number =>
      lines.filter((line) => call.test(line) && path.test(line)).length
    const catalog = /<[^>]*catalog\.db(-wal|-journal)?>/
    return {
      syncs: {
        catalog: count(/^(fsync|fdatasync)\(/, catalog),
        store: count(/^(fsync|fdatasync)\(/, /<[^>]*\/store[/>]/),
      },
      catalog_writes: count(/^(pwrite64|write)\(/, catalog),
      store_opens: count(/^openat\(/, /\/store\/[^"]*\/part/),
    }
  })
}
