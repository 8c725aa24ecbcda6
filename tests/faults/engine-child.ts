/**
 * `node engine-child.ts FOLDER [FAULT_PLAN]`: the job's second state, under a plan of faults. A run
 * that ends prints how often each failpoint was hit.
 */
import { AFTER, openJob } from './engine-job.ts'
import { installFaults } from './support/fault-plan.ts'

const [root = '', plan = ''] = process.argv.slice(2)
const { hits } = installFaults(plan)
const job = await openJob(root)
await job.run('*', { facts: AFTER })
await job.close()
console.log(JSON.stringify(hits))
