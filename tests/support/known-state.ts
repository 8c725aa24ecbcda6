/** What a person would miss if the catalog were lost, and a project that has some of everything. */
import { sql } from 'kysely'
import type { Project } from '../../engine/index.ts'
import { encounters, medicalFile } from './deliveries.ts'
import type { RoadProject } from './project.ts'
import { soundRoad } from '../verify/verified-road.ts'

/** Everything a person would miss: submissions, decisions, contents, winners, holds, registry. */
export async function known({ catalog }: Project): Promise<Readonly<Record<string, unknown>>> {
  const { db } = catalog
  const { rows: nodes } = await sql<{ name: string; key: string; content: string; value: string }>`
    select a.name, n.key, v.content_id as content, v.value, n.waiting from node n
    join asset a on a.id = n.asset join version v on v.id = n.version
    where a.name <> 'freshness' order by a.name, n.key`.execute(db)
  const tables: Record<string, unknown> = {}
  for (const table of [
    'submission',
    'submission_file',
    'registry_file',
    'inbox_object',
    'finding',
    'first_wanted',
  ]) {
    const { rows } = await sql<object>`select * from ${sql.table(table)} order by 1, 2`.execute(db)
    tables[table] = rows
  }
  const received = await db.selectFrom('catalog').select('received_ms').executeTakeFirstOrThrow()
  return { nodes, ...tables, received }
}

/** Every decision there is, once. */
export async function decidedRoad(
  database: 'sqlite' | 'postgres' = 'sqlite',
): Promise<RoadProject> {
  const road = await soundRoad(database)
  const id = async (drop: string): Promise<string> => (await road.submission(drop)).submission_id
  const alpha = (month: string) =>
    ({ state: 'MA', fileType: 'medical', submitter: 'alpha', month }) as const
  road.deliver('alpha/short', [medicalFile('2024-02', encounters('2024-02', 3, 'short'))])
  road.deliver('beta/short', [medicalFile('2024-01', encounters('2024-01', 2, 'short'))])
  road.deliver('alpha/again', [medicalFile('2024-02', encounters('2024-02', 3, 'short'))])
  road.deliver('gamma/first', [medicalFile('2024-01', encounters('2024-01', 2, 'g'))])
  road.deliver('alpha/odd', [{ name: 'what_is_this.csv', content: 'a,b\n1,2\n' }])
  await road.run()
  await road.decide({ kind: 'confirm', submission: await id('beta/short'), months: 'all' })
  await road.decide({ kind: 'reject', submission: await id('beta/february'), months: ['2024-02'] })
  await road.decide({ kind: 'pin', submission: await id('alpha/q1'), month: alpha('2024-01') })
  await road.run()
  return road
}
