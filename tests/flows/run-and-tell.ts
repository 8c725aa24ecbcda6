/** `node run-and-tell.ts FOLDER`: one run of a project, told as JSON. For runs as another user. */
import { materialize } from '../../engine/index.ts'
import { platformTables } from '../../registry/tables.ts'
import { openRoad } from '../support/open-road.ts'

await using platform = await openRoad(process.argv[2] ?? '')
const canonical: string[] = []
await materialize(platform.project, {
  actor: { name: 'test', reason: 'a test' },
  command: 'materialize',
  concurrency: 2,
  onEvent: (event) => {
    if (event.type !== 'finished' || event.node.asset !== 'gold_canonical') return
    canonical.push(`${event.node.key} ${event.outcome}`)
  },
})
const findings = await platformTables(platform.project.catalog.db)
  .selectFrom('finding')
  .select('words')
  .orderBy('subject')
  .execute()
console.log(JSON.stringify({ canonical, findings: findings.map((one) => one.words) }))
