/**
 * A small project that stands: four submitters, two file types, three months, three layouts.
 *
 *     MA medical        alpha 2024-01…03, beta 2024-01…02             (layout synthea)
 *     CO medical_claim  star 2024-01, 2024-02 · cdl 2024-02, 2024-03  (layouts star and cdl)
 */
import { createHash } from 'node:crypto'
import { readFileSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import {
  cdlClaims,
  claimLines,
  encounters,
  medicalFile,
  starClaims,
} from '../support/deliveries.ts'
import { RoadProject } from '../support/project.ts'

const SUBMITTERS = { alpha: 'MA', beta: 'MA', star_plan: 'CO', cdl_plan: 'CO' }
const MONTHS = ['2024-01', '2024-02', '2024-03'] as const
/** every canonical month */
const STANDING = [
  'CO/medical_claim/2024-01',
  'CO/medical_claim/2024-02',
  'CO/medical_claim/2024-03',
  'MA/medical/2024-01',
  'MA/medical/2024-02',
  'MA/medical/2024-03',
] as const

/** Makes it and runs it once. Clone it for each test. */
export async function standingRoad(): Promise<RoadProject> {
  const road = await RoadProject.create({ submitters: SUBMITTERS })
  const rows = (months: readonly string[], tag: string) =>
    months.flatMap((month) => encounters(month, 3, tag))
  road.deliver('alpha/q1', [medicalFile(['2024-01', '2024-03'], rows(MONTHS, 'alpha'))])
  road.deliver('beta/early', [
    medicalFile(['2024-01', '2024-02'], rows(MONTHS.slice(0, 2), 'beta')),
  ])
  for (const month of ['2024-01', '2024-02']) {
    road.deliver(`star_plan/${month}`, [starClaims(month, claimLines(month, 2, 's'))])
  }
  for (const month of ['2024-02', '2024-03']) {
    road.deliver(`cdl_plan/${month}`, [cdlClaims(month, claimLines(month, 2, 'c'))])
  }
  const { report, canonical, brokenPromises } = await road.run()
  const words = (await road.findings()).map((finding) => finding.words)
  const complaint = JSON.stringify([report.failures, brokenPromises, canonical, words])
  const isComplete = canonical.join() === STANDING.map((month) => `${month} built`).join()
  if (report.status !== 'succeeded' || brokenPromises.length > 0 || !isComplete) {
    throw new Error(`the standing project does not stand: ${complaint}`)
  }
  return road
}

/** `MA/medical/2024-01/part-alpha.parquet` → inode, time and content, as readers find them. */
export function partIdentities(
  road: RoadProject,
  months: readonly string[] = STANDING,
): Readonly<Record<string, string>> {
  return Object.fromEntries(
    months.flatMap((month) =>
      readdirSync(road.published(month)).map((part) => {
        const path = join(road.published(month), part)
        const { ino, mtimeNs } = statSync(path, { bigint: true })
        const sha256 = createHash('sha256').update(readFileSync(path)).digest('hex')
        return [`${month}/${part}`, `${ino} ${mtimeNs} ${sha256.slice(0, 16)}`]
      }),
    ),
  )
}

/** Names whose identity differs between two looks. */
export const changedNames = (
  before: Readonly<Record<string, string>>,
  after: Readonly<Record<string, string>>,
): readonly string[] =>
  [...new Set([...Object.keys(before), ...Object.keys(after)])]
    .filter((name) => before[name] !== after[name])
    .toSorted()
