/**
 * `node engine-child.ts FOLDER [FAILPOINT HIT]`: the job's second state, killed at the given hit of
 * a failpoint. A run that ends prints how often each failpoint was hit.
 */
import { installFailpoints } from '../../engine/index.ts'
import { AFTER, openJob } from './engine-job.ts'

const [root = '', name, hit] = process.argv.slice(2)
const hits: Record<string, number> = {}
installFailpoints((point) => {
  hits[point] = (hits[point] ?? 0) + 1
  if (point === name && hits[point] === Number(hit)) process.kill(process.pid, 'SIGKILL')
})
const job = await openJob(root)
await job.run('*', { facts: AFTER })
await job.close()
console.log(JSON.stringify(hits))
