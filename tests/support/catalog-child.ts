/** Opens a catalog in a process of its own, and writes: several of these start at once. */
import { insertAudit, openCatalog } from '../../engine/index.ts'
import { MIGRATIONS } from '../../migrations/index.ts'

const [url = '', writes = '1'] = process.argv.slice(2)
const catalog = await openCatalog({ url, migrations: MIGRATIONS })
for (let at = 0; at < Number(writes); at++) {
  await catalog.write(async (trx) =>
    insertAudit(trx, {
      atMs: trx.revision,
      actor: { name: 'test', reason: '' },
      action: 'wrote',
      subject: '',
      run: null,
    }),
  )
}
await catalog.close()
