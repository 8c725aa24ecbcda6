/**
 * Faults at the N-th system call of a kind, through strace: no word of the product takes part.
 *
 * strace counts for each thread by itself, so a sweep goes on until a run ends with no fault.
 */
import { spawnSync } from 'node:child_process'
import type { Ended } from './child.ts'
import { runNode } from './child.ts'

/** What a step of a commit is made of, by kind. */
export const SYSCALLS = {
  sends: 'write,writev,sendto,sendmsg',
  syncs: 'fsync,fdatasync',
  renames: 'rename,renameat,renameat2',
  removals: 'unlink,unlinkat,rmdir',
  pages: 'pwrite64',
  makings: 'mkdir,mkdirat,symlink,symlinkat,link,linkat',
} as const

export type SyscallKind = keyof typeof SYSCALLS

/** Whether programs may be traced here; some containers forbid it. */
export const canTrace = (): boolean =>
  spawnSync('strace', ['-f', '-qq', '-o', '/dev/null', 'true']).status === 0

/** Runs a script and kills it just before its N-th call of a kind. */
export const killAtSyscall = async (
  kind: SyscallKind,
  hit: number,
  words: readonly string[],
): Promise<Ended> => traced(kind, `signal=SIGKILL:when=${hit}`, words)

/** Runs a script whose N-th call of a kind fails, or with `+` that one and all after it. */
export const failSyscall = async (
  calls: string,
  fault: { readonly code: string; readonly when: string },
  words: readonly string[],
): Promise<Ended> => {
  const inject = `inject=${calls}:error=${fault.code}:when=${fault.when}`
  return runNode(words, { command: ['strace', '-f', '-qq', '-o', '/dev/null', '-e', inject] })
}

async function traced(kind: SyscallKind, what: string, words: readonly string[]): Promise<Ended> {
  const calls = SYSCALLS[kind]
  const options = ['-f', '-qq', '-o', '/dev/null', '-e', `trace=${calls}`]
  return runNode(words, { command: ['strace', ...options, '-e', `inject=${calls}:${what}`] })
}
