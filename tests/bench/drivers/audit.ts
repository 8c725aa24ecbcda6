/** The full audit of a grid's trace, and its two halves apart: `audit ROOT PARTITIONS`. */
import { auditMembers, auditTrace, auditVersions } from '../../../engine/catalog/trace-audit.ts'
import { loadDefinitions } from '../../../engine/run/project.ts'
import type { GridName } from '../scale/grid.ts'
import { GRIDS, openGrid } from '../scale/grid.ts'

const FAULTS_MAX = 100
const [root = '.', name = '160'] = process.argv.slice(2)
const { catalog, graph } = await openGrid({ root, size: GRIDS[Number(name) as GridName] })
const figures = await catalog.read(async (db) => {
  const snapshot = { db, dialect: catalog.dialect }
  const definitions = await loadDefinitions(graph, snapshot, false)
  const cpu = process.cpuUsage()
  const started = performance.now()
  const report = await auditTrace(snapshot, definitions, FAULTS_MAX)
  const whole = performance.now()
  const { user, system } = process.cpuUsage(cpu)
  await auditVersions(snapshot, FAULTS_MAX)
  const versions = performance.now()
  await auditMembers(snapshot, definitions, () => undefined)
  return {
    wall_ms: whole - started,
    cpu_ms: (user + system) / 1000,
    versions_ms: versions - whole,
    members_ms: performance.now() - versions,
    nodes: report.nodes,
    edges: report.edges,
    faults: report.faultCount,
  }
})
await catalog.close()
console.log(JSON.stringify({ ...figures, peak_rss_mb: process.resourceUsage().maxRSS / 1024 }))
