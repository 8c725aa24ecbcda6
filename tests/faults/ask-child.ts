/** `node ask-child.ts FOLDER COUNT NAME`: asks for months, one after the other, as one person. */
import { addRequests } from '../../assets/queue-requests.ts'
import { openRoad } from '../support/open-road.ts'

const [root = '', count = '0', name = ''] = process.argv.slice(2)
await using platform = await openRoad(root, {}, { sync: false })
for (let at = 0; at < Number(count); at++) {
  const month = { state: 'MA', fileType: 'medical', month: `2024-0${(at % 5) + 1}` }
  await addRequests(platform.project, [month], { name, reason: `request ${at}` })
}
