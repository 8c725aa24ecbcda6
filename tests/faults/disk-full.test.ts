/**
 * F17: a disk that is full, as a small file system of its own, and files that may not grow. The run
 * says so, and goes on where it was once there is room.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runNode } from './support/child.ts'
import { countFault } from './support/count.ts'
import { EngineWhole } from './support/engine-whole.ts'

const CHILD = fileURLToPath(new URL('engine-child.ts', import.meta.url))
const UNSHARE = ['unshare', '--user', '--map-root-user', '--mount']
const SAYS_FULL = /SQLITE_FULL|SQLITE_IOERR|ENOSPC|EFBIG|DISK_FULL/

const canMount =
  spawnSync(UNSHARE[0] ?? '', [...UNSHARE.slice(1), 'mount', '-t', 'tmpfs', 'none', '/mnt'])
    .status === 0
if (!canMount) process.stderr.write('F17: no file system of its own can be mounted here\n')

let whole: EngineWhole
beforeAll(async () => {
  whole = await EngineWhole.create()
})
afterAll(() => whole[Symbol.dispose]())

/** In a file system with so many KiB left: a run, then room, then nothing; what is there is kept. */
const SCRIPT = `
  mount -t tmpfs -o size=16m none /mnt && cp -a "$1"/. /mnt/ || exit 99
  left=$(df --output=avail -k /mnt | tail -1)
  head -c $(( (left - $2) * 1024 )) /dev/zero > /mnt/filler
  "$3" "$4" /mnt; echo "exit $?"
  rm -f /mnt/filler
  cp -a /mnt/. "$5"/
`

test.skipIf(!canMount).each([0, 16, 64, 200, 400])(
  'with %s KiB left a run says that the disk is full, and goes on once it is not',
  (leftKib) => {
    const before = whole.copy()
    const after = join(before, '..', `after-${leftKib}`)
    mkdirSync(after)
    const words = [
      'sh',
      '-c',
      SCRIPT,
      'sh',
      before,
      String(leftKib),
      process.execPath,
      CHILD,
      after,
    ]
    const ran = spawnSync(UNSHARE[0] ?? '', [...UNSHARE.slice(1), ...words], { encoding: 'utf8' })
    countFault('F17')
    if (!ran.stdout.includes('exit 0')) expect(ran.stderr).toMatch(SAYS_FULL)
    else expect(leftKib).toBeGreaterThan(200)
    return whole.expectAfterNextRun(after)
  },
)

test('files that may not grow beyond a limit: the same', async () => {
  for (const limitKib of [96, 128, 256]) {
    const root = whole.copy()
    const command = ['prlimit', `--fsize=${limitKib * 1024}`]
    const ended = await runNode([CHILD, root], { command })
    countFault('F17')
    expect([limitKib, ended.code === 0]).toEqual([limitKib, false])
    expect(ended.stderr).toMatch(SAYS_FULL)
    await whole.expectAfterNextRun(root)
  }
})
