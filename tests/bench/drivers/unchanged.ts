/** `materialize` of a grid as a process: `unchanged ROOT PARTITIONS`. Prints what it found to do. */
import { materialize } from '../../../engine/run/materialize.ts'
import type { GridName } from '../scale/grid.ts'
import { GRIDS, openGrid } from '../scale/grid.ts'

const [root = '.', name = '160'] = process.argv.slice(2)
const project = await openGrid({ root, size: GRIDS[Number(name) as GridName] })
const actor = { name: 'bench', reason: 'benchmark' }
const { run, plan } = await materialize(project, { actor, command: 'materialize', concurrency: 2 })
await project.catalog.close()
console.log(
  JSON.stringify({ run: run ?? null, steps: plan.steps.length, unchanged: plan.unchanged }),
)
