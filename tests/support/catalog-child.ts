/** Opens a catalog in a process of its own, and writes: several of these start at once. */
import { openCatalog } from '../../engine/index.ts'
import { MIGRATIONS } from '../../migrations/index.ts'

const [url = '', writes = '1'] = process.argv.slice(2)
const catalog = await openCatalog({ url, migrations: MIGRATIONS })
for (let at = 0; at < Number(writes); at++) {
  await catalog.write(async ({ db, revision }) => {
    const row = {
      at_ms: revision,
      actor: 'test',
      action: 'wrote',
      subject: '',
      reason: '',
      run: null,
    }
    await db.insertInto('audit').values(row).execute()
  })
}
await catalog.close()
