import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openLocalStore } from '../../minio/local-store.ts'
import { objectStoreContract } from '../contracts/object-store.ts'

objectStoreContract('a folder', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tributary-store-'))
  const root = join(folder, 'store')
  const reopen = () => openLocalStore({ root })
  return {
    store: reopen(),
    reopen,
    folder,
    visible: async () => filesIn(root, '').toSorted(),
    damage: async (path, bytes) => {
      rmSync(join(root, path))
      if (bytes !== undefined) writeFileSync(join(root, path), bytes)
    },
    close: async () => rmSync(folder, { recursive: true, force: true }),
  }
})

/** Every file behind the published links. */
function filesIn(root: string, folder: string): string[] {
  return readdirSync(join(root, folder)).flatMap((name) => {
    const path = folder === '' ? name : `${folder}/${name}`
    if (path === '.versions' || !existsSync(join(root, path))) return []
    return statSync(join(root, path)).isDirectory() ? filesIn(root, path) : [path]
  })
}
