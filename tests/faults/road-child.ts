/**
 * `node road-child.ts FOLDER CLOCK_MS [FAULT_PLAN]`: one run of a project at a given time, under a
 * plan of faults. A run that ends prints how often each failpoint was hit.
 */
import { runRoad } from './road-run.ts'
import { installFaults } from './support/fault-plan.ts'

const [root = '', clockMs = '', plan = ''] = process.argv.slice(2)
const { hits } = installFaults(plan)
await runRoad(root, Number(clockMs))
console.log(JSON.stringify(hits))
