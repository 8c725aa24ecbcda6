/** `node months-child.ts FOLDER FROM TO [FAULT_PLAN]`: a run for each edition, in order. */
import { openMonths } from './months-job.ts'
import { installFaults } from './support/fault-plan.ts'

const [root = '', from = '', to = '', plan = ''] = process.argv.slice(2)
installFaults(plan)
const job = await openMonths(root)
for (let edition = Number(from); edition <= Number(to); edition++) {
  await job.run('*', { facts: { 'edition/x': edition } })
}
await job.close()
