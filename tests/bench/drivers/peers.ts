/** One run of the peers' job as a process: `peers ROOT [job|values|facts|empty] [--fast]`. */
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { materialize } from '../../../engine/run/materialize.ts'
import { openPeers } from '../peers/job.ts'
import type { PeersJob } from '../peers/job.ts'

const [root = '.', job = 'job', fast] = process.argv.slice(2)
if (job !== 'empty') {
  const project = await openPeers({ root, job: job as PeersJob, durable: fast !== '--fast' })
  const actor = { name: 'bench', reason: 'benchmark' }
  const report = await materialize(project, { actor, command: 'materialize', concurrency: 2 })
  const wal = statSync(join(root, 'state', 'catalog.db-wal'), { throwIfNoEntry: false })
  await project.catalog.close()
  console.log(
    JSON.stringify({ counts: report.counts, status: report.status, wal_bytes: wal?.size ?? 0 }),
  )
}
