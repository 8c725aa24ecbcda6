/**
 * A project to damage: two submitters of medical claims, three months, values that can only be
 * themselves, a rejected record, a correction, a withdrawal.
 */
import type { InvariantId, InvariantResult } from '../../assets/verify/invariant.ts'
import { verifyProject } from '../../assets/verify/verify-project.ts'
import type { Row } from '../support/deliveries.ts'
import { encounters, medicalFile } from '../support/deliveries.ts'
import { RoadProject } from '../support/project.ts'

/** A patient of the project: long enough to be looked for. */
export const PATIENT = 'synthetic-person-000001'

const visits = (month: string, count: number, tag: string): readonly Row[] =>
  encounters(month, count, tag).map((row, at) => ({
    ...row,
    PATIENT: `synthetic-person-${String(at + 1).padStart(6, '0')}`,
  }))

/** Makes it; it holds everything. Clone it for each test. */
export async function soundRoad(database: 'sqlite' | 'postgres' = 'sqlite'): Promise<RoadProject> {
  const road = await RoadProject.create({ submitters: { alpha: 'MA', beta: 'MA' }, database })
  const months = ['2024-01', '2024-02', '2024-03']
  const rows = (tag: string, count: number): readonly Row[] =>
    months.flatMap((month) => visits(month, count, tag))
  // 30 sound records and one that is none: its START is no date.
  const broken = { ...visits('2024-01', 1, 'bad')[0], START: 'yesterday' }
  road.deliver('alpha/q1', [medicalFile(['2024-01', '2024-03'], [...rows('alpha', 10), broken])])
  road.deliver('beta/q1', [medicalFile(['2024-01', '2024-03'], rows('beta', 4))])
  await road.run()
  road.deliver('beta/february', [medicalFile('2024-02', visits('2024-02', 5, 'again'))])
  road.deliver('alpha/march', [medicalFile('2024-03', visits('2024-03', 12, 'wrong'))])
  await road.run()
  const { submission_id: submission } = await road.submission('alpha/march')
  await road.decide({ kind: 'withdraw', submission })
  await road.run()
  return road
}

export interface Verdict {
  /** ids of the invariants that do not hold */
  readonly broken: readonly InvariantId[]
  readonly of: (id: InvariantId) => InvariantResult
}

/** What doctor says. */
export async function verdictOn(
  road: Pick<RoadProject, 'platform' | 'project'>,
  { deep = false }: { readonly deep?: boolean } = {},
): Promise<Verdict> {
  const results = await verifyProject({ ...road.platform, project: road.project }, { deep })
  return {
    broken: results.flatMap(({ id, holds }) => (holds ? [] : [id])),
    of: (id) => {
      const result = results.find((one) => one.id === id)
      if (result === undefined) throw new Error(`${id} was not evaluated`)
      return result
    },
  }
}
