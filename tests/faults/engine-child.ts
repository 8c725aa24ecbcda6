/**
 * `node engine-child.ts FOLDER [FAULT_PLAN]`: the job's second state, under a plan of faults. A run
 * that ends prints how often each failpoint was hit; its exit code is 0 only if it succeeded.
 */
import { AFTER, openJob } from './engine-job.ts'
import { installFaults } from './support/fault-plan.ts'

const [root = '', plan = ''] = process.argv.slice(2)
const { hits } = installFaults(plan)
const job = await openJob(root, { durable: true })
const { status } = await job.run('*', { facts: AFTER })
await job.close()
console.log(JSON.stringify(hits))
process.exitCode = status === 'succeeded' ? 0 : 1
