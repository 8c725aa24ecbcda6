/** The same with a look at every part in the store: `verify ROOT PARTITIONS`. */
import { materialize } from '../../../engine/run/materialize.ts'
import { verifyStore } from '../../../engine/run/verify-store.ts'
import type { GridName } from '../scale/grid.ts'
import { GRIDS, openGrid } from '../scale/grid.ts'

const [root = '.', name = '160'] = process.argv.slice(2)
const project = await openGrid({ root, size: GRIDS[Number(name) as GridName] })
const actor = { name: 'bench', reason: 'benchmark' }
const also = [await verifyStore(project)]
const { run, plan } = await materialize(project, {
  actor,
  also,
  command: 'materialize',
  concurrency: 2,
})
await project.catalog.close()
console.log(
  JSON.stringify({ run: run ?? null, steps: plan.steps.length, unchanged: plan.unchanged }),
)
