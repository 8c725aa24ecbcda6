/**
 * `node requests-child.ts FOLDER COUNT MONTHS`: asks for months, one at a time and in turn, and prints
 * the number of each request as it is acknowledged.
 */
import { addRequests } from '../../assets/queue-requests.ts'
import { openRoad } from '../support/open-road.ts'
import { environmentOf } from './support/road-place.ts'

const [root = '', count = '', months = ''] = process.argv.slice(2)
await using platform = await openRoad(root, environmentOf(root), { sync: false })
const actor = { name: `process ${process.pid}`, reason: 'a test' }
for (let asked = 0; asked < Number(count); asked++) {
  const month = `2024-${String((asked % Number(months)) + 1).padStart(2, '0')}`
  const [id] = await addRequests(
    platform.project,
    [{ state: 'MA', fileType: 'medical', month }],
    actor,
  )
  console.log(id)
}
