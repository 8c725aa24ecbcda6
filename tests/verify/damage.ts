/** Ways to hurt a project from outside, as a person, a disk or a defect would. */
import { readFileSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { sql } from 'kysely'
import type { RoadProject } from '../support/project.ts'

/** Runs one statement on the catalog, past the program. */
export const tamper = async (road: RoadProject, statement: string): Promise<void> => {
  await sql.raw(statement).execute(road.project.catalog.db)
}

/** Files of current parts of one asset, absolute, by key. */
export async function partFilesOf(road: RoadProject, asset: string): Promise<readonly string[]> {
  const { rows } = await sql<{ path: string }>`
    select p.path from node n join asset a on a.id = n.asset join build b on b.id = n.built
    join part p on p.build = b.parts_build where a.name = ${asset} and n.version <> 0
    order by n.key, p.ordinal`.execute(road.project.catalog.db)
  return rows.map(({ path }) => join(road.path('data'), path))
}

const first = (paths: readonly string[]): string => {
  const [path] = paths
  if (path === undefined) throw new Error('there is no such part')
  return path
}

export const removePart = async (road: RoadProject, asset: string): Promise<void> =>
  rmSync(first(await partFilesOf(road, asset)))

export const cutPart = async (road: RoadProject, asset: string): Promise<void> =>
  truncateSync(first(await partFilesOf(road, asset)), 10)

/** Changes one byte and keeps the size. A part may be one file under several names: hard links. */
export async function flipByte(road: RoadProject, asset: string): Promise<void> {
  const path = first(await partFilesOf(road, asset))
  const bytes = readFileSync(path)
  const at = Math.floor(bytes.length / 2)
  bytes.writeUInt8((bytes.readUInt8(at) + 1) % 256, at)
  writeFileSync(path, bytes)
}

/** The manifests of one published path. */
export const manifestsOf = (road: RoadProject, path: string): readonly string[] => {
  const folder = road.path(`data/.versions/${path}/_manifest`)
  return readdirSync(folder)
    .toSorted()
    .map((name) => join(folder, name))
}
