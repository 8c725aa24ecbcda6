/** I3: what is skipped is current. The trace agrees with its replay, and every part is there. */
import { auditTrace, counted, nodeText } from '../../engine/index.ts'
import type { InvariantResult, Verification } from './invariant.ts'
import { Faults, conclude } from './invariant.ts'

const TRACE_FAULTS = {
  unmarked: 'reads another version than is current and is not marked dirty',
  marked: 'is marked dirty for an input, and none differs',
  'member-missing': 'is given by a parent and has no edge to it',
  'member-extra': 'has an edge to a parent that does not give it',
} as const

export async function verifyNoStaleSkip(verification: Verification): Promise<InvariantResult> {
  const { platform, definitions, audit, deep } = verification
  const { catalog } = platform.project
  const faults = new Faults()
  const trace = await catalog.read(async (db) =>
    auditTrace({ db, dialect: catalog.dialect }, definitions),
  )
  for (const fault of trace.faults) {
    const parent = fault.parent === undefined ? '' : ` (${fault.parent})`
    faults.add(`${fault.node} ${TRACE_FAULTS[fault.kind]}${parent}`)
  }
  for (const fault of audit.missing) {
    faults.add(`${nodeText(fault)}: ${fault.part} ${fault.what}`)
  }
  const checked = deep ? 'with their SHA-256' : 'in their size'
  return conclude('I3', {
    faults,
    holds: `${counted(trace.edges, 'edge')} agree with what is dirty; ${counted(audit.parts, 'part')} are there ${checked}`,
    evidence: { nodes: trace.nodes, edges: trace.edges, parts: audit.parts },
  })
}
