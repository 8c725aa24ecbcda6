/**
 * One changed source of N: `one-source ROOT REVISION`. The listing of the sources, and then the
 * decision from the observed fact to the plan; several edits in one process, nothing is kept.
 */
import { Rollback } from '../../../engine/catalog/transaction.ts'
import type { Plan } from '../../../engine/core/plan.ts'
import { observe, planIn } from '../../../engine/run/planning.ts'
import { writeSource } from '../peers/cases.ts'
import { openPeers } from '../peers/job.ts'

const ROUNDS = 7
const [root = '.', revision = '1'] = process.argv.slice(2)
const project = await openPeers({ root })
const options = { actor: { name: 'bench', reason: 'benchmark' } }
const rounds = []
for (let round = 0; round < ROUNDS; round++) {
  writeSource(root, 11, { revision: Number(revision) * 100 + round })
  const started = performance.now()
  const observed = await observe(project)
  const seen = performance.now()
  const plan = await project.catalog.write<Plan>(async (trx) => {
    const made = await planIn(trx, { project, options, observed, run: 0 })
    throw new Rollback(made.plan)
  })
  const decided = performance.now()
  rounds.push({ look_ms: seen - started, decide_ms: decided - seen, steps: plan.steps.length })
}
await project.catalog.close()
console.log(JSON.stringify({ rounds }))
