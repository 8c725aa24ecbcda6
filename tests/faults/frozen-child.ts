/** `node frozen-child.ts URL`: one write transaction that waits inside for a moment, to be frozen. */
import { setTimeout } from 'node:timers/promises'
import { openCatalog } from '../../engine/index.ts'
import { MIGRATIONS } from '../../migrations/index.ts'

const [url = ''] = process.argv.slice(2)
const catalog = await openCatalog({ url, migrations: MIGRATIONS })
await catalog.write(async () => {
  process.send?.('inside')
  await setTimeout(500)
})
await catalog.close()
process.disconnect()
