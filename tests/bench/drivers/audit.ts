/** The full audit of a grid's trace, and its two halves apart: `audit ROOT PARTITIONS`. */
import { auditTrace } from '../../../engine/catalog/trace-audit.ts'
import { loadDefinitions } from '../../../engine/run/project.ts'
import type { GridName } from '../scale/grid.ts'
import { GRIDS, openGrid } from '../scale/grid.ts'

const [root = '.', name = '160'] = process.argv.slice(2)
const { catalog, graph } = await openGrid({ root, size: GRIDS[Number(name) as GridName] })
const cpu = process.cpuUsage()
const started = performance.now()
const report = await catalog.read(async (db) => {
  const snapshot = { db, dialect: catalog.dialect }
  return auditTrace(snapshot, await loadDefinitions(graph, snapshot, false))
})
const { user, system } = process.cpuUsage(cpu)
const figures = { wall_ms: performance.now() - started, cpu_ms: (user + system) / 1000 }
await catalog.close()
const peak = process.resourceUsage().maxRSS / 1024
console.log(
  JSON.stringify({ ...figures, peak_rss_mb: peak, ...report, faults: report.faults.slice(0, 3) }),
)
