/** The delivery scenario with its truth, as it lies beside the repository (never copied into it). */
import { createHash } from 'node:crypto'
import { cpSync, existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { RoadProject } from './project.ts'
import { REPOSITORY } from './road-folder.ts'

const DATA = join(REPOSITORY, '../shared/data')

/** A folder of real or scenario data; says so when it is absent, so that a test can end there. */
export function dataFolder(name: string): string | undefined {
  const folder = join(DATA, name)
  if (existsSync(folder)) return folder
  console.log(`left out: ${folder} is not there; the data that tests read lies beside the clone`)
  return undefined
}

interface Month {
  readonly rows: number
  readonly sha256: string
  readonly winners: Readonly<Record<string, { readonly submission: string; readonly rows: number }>>
}
type ByMonth<Value> = Readonly<Record<string, Readonly<Record<string, Value>>>>

export interface Wave {
  readonly wave: number
  readonly canonical: ByMonth<Month>
  readonly canonical_months_changed: Readonly<Record<string, readonly string[]>>
}

export interface Scenario {
  readonly folder: string
  readonly state: string
  readonly submitters: readonly string[]
  readonly submissions: readonly {
    readonly wave: number
    readonly submission: string
    readonly file_type: string
    readonly outcome: string
    readonly rows?: number
    readonly rejects?: number
    readonly out_of_period?: number
  }[]
  readonly actions: readonly { readonly withdraw?: string; readonly confirm?: string }[]
  readonly waves: readonly Wave[]
}

export function readScenario(): Scenario | undefined {
  const folder = dataFolder('scenarios/synthea-ma')
  if (folder === undefined) return undefined
  const text = readFileSync(join(folder, 'expected.json'), 'utf8')
  return { folder, ...(JSON.parse(text) as Omit<Scenario, 'folder'>) }
}

/** Copies a wave's deliveries into the inbox: all of them, or some drops (`anthem/medical-2021`). */
export function deliverWave(
  { folder }: Scenario,
  wave: number,
  {
    road,
    only = () => true,
  }: { readonly road: RoadProject; readonly only?: (drop: string) => boolean },
): void {
  const inbox = join(folder, `wave${wave}/inbox`)
  for (const submitter of readdirSync(inbox)) {
    for (const name of readdirSync(join(inbox, submitter))) {
      const drop = `${submitter}/${name}`
      if (only(drop)) cpSync(join(inbox, drop), road.path(`inbox/${drop}`), { recursive: true })
    }
  }
}

/** Month → its rows and the digest of them, as the scenario's truth defines it. */
export async function canonicalDigests(
  road: RoadProject,
  months: readonly string[],
): Promise<Readonly<Record<string, string>>> {
  const lines = new Map<string, Buffer[]>(months.map((month) => [month, []]))
  for (const [fileType = '', group] of Map.groupBy(months, (month) => month.split('/')[1])) {
    const cells = ['submitter_id', ...schemaColumns(road, fileType)]
    const texts = cells.map((name) => `coalesce(cast("${name}" as varchar), '')`)
    const month = `concat_ws('/', state, file_type, atomic_month) as month`
    const rows = await road.canonicalRows(group, [
      month,
      `${texts.join(' || chr(31) || ')} as line`,
    ])
    for (const row of rows) {
      const { month: found, line } = row as { readonly month: string; readonly line: string }
      lines.get(found)?.push(Buffer.from(line))
    }
  }
  return Object.fromEntries([...lines].map(([month, found]) => [month, digestOf(found)]))
}

function digestOf(lines: readonly Buffer[]): string {
  const text = lines.toSorted((a, b) => Buffer.compare(a, b)).map((line) => line.toString())
  return `${lines.length} ${createHash('sha256').update(text.join('\n')).digest('hex')}`
}

function schemaColumns(road: RoadProject, fileType: string): readonly string[] {
  const text = readFileSync(road.path(`schemas/${fileType}/v1.json`), 'utf8')
  const { columns } = JSON.parse(text) as { readonly columns: readonly { readonly name: string }[] }
  return columns.map(({ name }) => name)
}
