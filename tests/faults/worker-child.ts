/**
 * `node worker-child.ts FOLDER [FAULT_PLAN]`: a reconciler and two workers bring the job to its second
 * state, under a plan of faults. One that ends prints how often each failpoint was hit.
 */
import { factChanges } from '../support/engine-project.ts'
import { drain, openExecutor } from '../support/workers.ts'
import { AFTER, openJob } from './engine-job.ts'
import { installFaults } from './support/fault-plan.ts'

const [root = '', plan = ''] = process.argv.slice(2)
const { hits } = installFaults(plan)
const job = await openJob(root, { durable: true })
await using executor = await openExecutor(job, 'embedded')
await drain(job.project, { executor, workers: 2, also: [factChanges(AFTER)] })
await job.close()
console.log(JSON.stringify(hits))
