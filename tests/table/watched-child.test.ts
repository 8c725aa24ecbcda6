import { setTimeout as pause } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { DuckChild } from '../../engine/table/duck-process.ts'
import { rejectedCode } from '../support/error-code.ts'
import { scratchFolder } from './parsing.ts'

const TASK = { statements: ['SELECT 1'], folders: [] }

test('a child that died before its task came is a lost child, not a mistake of ours', async () => {
  await using folder = await scratchFolder()
  const child = await DuckChild.start({ folder: folder.path, rssBytesMax: 1024 ** 3 })
  try {
    await child.run(TASK)
    process.kill(child.pid ?? 0, 'SIGKILL')
    while (child.isFit) await pause(1)
    expect(await rejectedCode(child.run(TASK))).toBe('DUCK_CHILD_LOST')
  } finally {
    await child.end()
  }
})
