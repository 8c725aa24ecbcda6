/** The profile beside a sample: what its columns hold, without one value, and how that moved. */
import { renameSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import type { Catalog } from '../../engine/index.ts'
import { printableJson } from '../../engine/index.ts'
import type { SampleProfile } from '../../registry/sample-profile.ts'
import { sampleProfile } from '../../registry/sample-profile.ts'
import { driftOf } from '../../registry/sample-drift.ts'
import type { LayoutScore } from '../../registry/layout-scores.ts'
import type { SampleRow } from './ledger-tables.ts'
import { ledgerTables } from './ledger-tables.ts'

const driftShape = z.object({
  kind: z.enum(['other', 'added', 'removed', 'reordered', 'type', 'missing', 'length']),
  column: z.string(),
  words: z.string(),
})
const layoutScore = z.object({
  layout: z.string(),
  score: z.number(),
  matched: z.number(),
  compared: z.number(),
  isPossible: z.boolean(),
  why: z.string(),
})
const profileFile = z.object({
  profile: sampleProfile,
  /** null: no file before it was sampled */
  drift: z.object({ against: z.string(), changes: z.array(driftShape).readonly() }).nullable(),
  /** the nearest first */
  layouts: z.array(layoutScore).readonly(),
})

/** What lies beside a sample. */
export type ProfileFile = z.output<typeof profileFile>

/** `data_sample.csv` → `data_sample.csv.profile.json` */
export const profilePath = (sample: string): string => `${sample}.profile.json`

/** What lies beside a sample; undefined: it is gone, or of another version. */
export async function profileFileAt(sample: string): Promise<ProfileFile | undefined> {
  const parsed = profileFile.safeParse(await jsonAt(profilePath(sample)))
  return parsed.success ? parsed.data : undefined
}

async function jsonAt(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, 'utf8'))
  } catch (error) {
    const isGone = error instanceof Error && 'code' in error && error.code === 'ENOENT'
    if (isGone || error instanceof SyntaxError) return undefined
    throw error
  }
}

/** A profile that is still to be written, once what moved is known. */
export interface ProfileToWrite {
  readonly one: Pick<SampleRow, 'place' | 'raw' | 'mtime'>
  /** of this sampler alone */
  readonly draft: string
  /** the place's `samples/`; absolute */
  readonly samples: string
  readonly path: string
  readonly format: string
  readonly profile: SampleProfile
  readonly layouts: readonly LayoutScore[]
}

/** A file that another may be held against. */
type Before = Pick<SampleRow, 'raw' | 'mtime'> & {
  readonly profile: () => Promise<SampleProfile | undefined>
}

/**
 * Writes the profiles of one claim beside their samples, each with what moved since the file before
 * it: of the same place and format, whether sampled now or earlier.
 */
export async function writeProfiles(
  ledger: Pick<Catalog, 'db'>,
  all: readonly ProfileToWrite[],
): Promise<void> {
  const groups = Map.groupBy(all, ({ one, format }) => `${one.place} ${format}`)
  for (const group of groups.values()) {
    const own = group.map(({ one, profile }): Before => ({ ...one, profile: async () => profile }))
    const known = await sampledBefore(ledger, group)
    const newestFirst = [...own, ...known].toSorted((a, b) => b.mtime - a.mtime)
    for (const one of group) {
      const before = newestFirst.find(({ mtime }) => mtime < one.one.mtime)
      const was = await before?.profile()
      const drift =
        before === undefined || was === undefined
          ? null
          : { against: before.raw, changes: driftOf(was, one.profile) }
      write(one, drift)
    }
  }
}

/** Of one place and format: files sampled earlier, the newest first; enough for one a file. */
async function sampledBefore(
  { db }: Pick<Catalog, 'db'>,
  group: readonly ProfileToWrite[],
): Promise<readonly Before[]> {
  const [first] = group
  if (first === undefined) return []
  const times = group.map(({ one }) => one.mtime)
  const find = async (before: number, limit: number) =>
    ledgerTables(db)
      .selectFrom('sample')
      .select(['raw', 'path', 'mtime'])
      .where('place', '=', first.one.place)
      .where('status', '=', 'MADE')
      .where('format', '=', first.format)
      .where('mtime', '<', before)
      .orderBy('mtime', 'desc')
      .limit(limit)
      .execute()
  const rows = [
    ...(await find(Math.max(...times), group.length)),
    ...(await find(Math.min(...times), 1)),
  ]
  return rows.map(({ raw, path, mtime }) => {
    let read: Promise<SampleProfile | undefined> | undefined
    const profile = async (): Promise<SampleProfile | undefined> => {
      read ??= path === null ? undefined : profileAt(join(first.samples, path))
      return read
    }
    return { raw, mtime, profile }
  })
}

const profileAt = async (sample: string): Promise<SampleProfile | undefined> =>
  (await profileFileAt(sample))?.profile

function write(
  { samples, path, draft, profile, layouts }: ProfileToWrite,
  moved: ProfileFile['drift'],
): void {
  const target = profilePath(join(samples, path))
  writeFileSync(draft, `${printableJson({ profile, drift: moved, layouts }, 2)}\n`)
  renameSync(draft, target)
}
