/**
 * `node road-child.ts FOLDER CLOCK_MS [FAILPOINT HIT]`: one run of a project at a given time, killed
 * at the given hit of a failpoint. A run that ends prints how often each failpoint was hit.
 */
import { installFailpoints } from '../../engine/index.ts'
import { runRoad } from './road-run.ts'

const [root = '', clockMs = '', name, hit] = process.argv.slice(2)
const hits: Record<string, number> = {}
installFailpoints((point) => {
  hits[point] = (hits[point] ?? 0) + 1
  if (point === name && hits[point] === Number(hit)) process.kill(process.pid, 'SIGKILL')
})
await runRoad(root, Number(clockMs))
console.log(JSON.stringify(hits))
