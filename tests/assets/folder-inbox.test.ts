/** The inbox in a folder keeps the contract; what only a folder has is below. */
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { folderInbox } from '../../assets/folder-inbox.ts'
import type { InboxUnderTest } from '../contracts/inbox.ts'
import { inboxContract } from '../contracts/inbox.ts'

async function openFolder(): Promise<InboxUnderTest & { readonly folder: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'tributary-inbox-'))
  return {
    folder,
    inbox: folderInbox(folder),
    put: async (path, content) => {
      mkdirSync(dirname(join(folder, path)), { recursive: true })
      writeFileSync(join(folder, path), content)
    },
    remove: async (path) => rmSync(join(folder, path)),
    [Symbol.asyncDispose]: async () => rmSync(folder, { recursive: true }),
  }
}

inboxContract(openFolder)

test('an inbox that is not there is empty', async () => {
  const { listed, faults } = await folderInbox('/nowhere/at/all').list()
  expect([listed, faults]).toEqual([[], []])
})

test('the folder of a drop goes with its last file, that of the submitter stays', async () => {
  await using one = await openFolder()
  await one.put('acme/d/e/a.csv', 'a')
  await one.put('acme/d/b.csv', 'b')
  const { listed } = await one.inbox.list()
  for (const file of listed.filter(({ path }) => path.endsWith('a.csv'))) {
    await one.inbox.remove(file)
  }
  expect(existsSync(join(one.folder, 'acme/d/e'))).toBe(false)
  expect(existsSync(join(one.folder, 'acme/d'))).toBe(true)
  for (const file of (await one.inbox.list()).listed) await one.inbox.remove(file)
  expect(existsSync(join(one.folder, 'acme/d'))).toBe(false)
  expect(existsSync(join(one.folder, 'acme'))).toBe(true)
})
