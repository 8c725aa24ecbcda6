/**
 * Plans after one mapping edit, in process: `edit ROOT PARTITIONS REVISION`.
 *
 * Prints the time from the changed file to the plan, of the first plan of the process and of the
 * next ones, each after an edit of its own; the catalog is left as it was.
 */
import { makePlan } from '../../../engine/run/planning.ts'
import type { GridName } from '../scale/grid.ts'
import { EDITED, GRIDS, openGrid, writeMapping } from '../scale/grid.ts'

const ROUNDS = 5
const [root = '.', name = '160', revision = '1'] = process.argv.slice(2)
const project = await openGrid({ root, size: GRIDS[Number(name) as GridName] })
const options = { actor: { name: 'bench', reason: 'benchmark' } }
const rounds = []
for (let round = 0; round < ROUNDS; round++) {
  writeMapping(root, EDITED, Number(revision) * ROUNDS + round)
  const cpu = process.cpuUsage()
  const started = performance.now()
  const { steps } = await makePlan(project, options)
  const { user, system } = process.cpuUsage(cpu)
  const [first] = steps
  rounds.push({
    wall_ms: performance.now() - started,
    cpu_ms: (user + system) / 1000,
    steps: steps.length,
    pointers: first?.causes[0]?.pointers ?? [],
  })
}
writeMapping(root, EDITED, 0)
await project.catalog.close()
console.log(JSON.stringify({ rounds, peak_rss_mb: process.resourceUsage().maxRSS / 1024 }))
