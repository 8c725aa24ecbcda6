/** `node sensor-child.ts FOLDER [FAILPOINT SIGNAL]`: one tick, ended at a failpoint by a signal. */
import { installFailpoints } from '../../engine/index.ts'
import { openSensorJob, tickNumbers } from './sensor-job.ts'

const [root = '', name, signal = 'SIGKILL'] = process.argv.slice(2)
installFailpoints((point) => {
  if (point !== name) return
  process.kill(process.pid, signal)
  // A signal that is delivered later must not let anything more happen.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10_000)
})
const job = await openSensorJob(root)
console.log(JSON.stringify(await tickNumbers(job)))
await job.close()
