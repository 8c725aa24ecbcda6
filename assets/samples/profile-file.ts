/** The profile beside a sample: what its columns hold, without one value, and how that moved. */
import { readFile, rename, writeFile } from 'node:fs/promises'
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

const drift = z.object({
  kind: z.enum(['added', 'removed', 'reordered', 'type', 'missing', 'length']),
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
  drift: z.object({ against: z.string(), changes: z.array(drift).readonly() }).nullable(),
  /** the nearest first */
  layouts: z.array(layoutScore).readonly(),
})

/** What lies beside a sample. */
export type ProfileFile = z.output<typeof profileFile>

/** `data_sample.csv` → `data_sample.csv.profile.json` */
export const profilePath = (sample: string): string => `${sample}.profile.json`

/** The file before this one in its place, of the same format: what its profile is held against. */
async function fileBefore(
  { db }: Pick<Catalog, 'db'>,
  one: Pick<SampleRow, 'id' | 'place' | 'mtime'>,
  format: string,
): Promise<Pick<SampleRow, 'raw' | 'path'> | undefined> {
  return ledgerTables(db)
    .selectFrom('sample')
    .select(['raw', 'path'])
    .where('place', '=', one.place)
    .where('status', '=', 'MADE')
    .where('mtime', '<', one.mtime)
    .where('format', '=', format)
    .orderBy('mtime', 'desc')
    .limit(1)
    .executeTakeFirst()
}

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

export interface ProfileWritten {
  /** the place's `samples/`; absolute */
  readonly samples: string
  readonly path: string
  readonly format: string
  readonly profile: SampleProfile
  readonly layouts: readonly LayoutScore[]
}

/** Writes a profile beside its sample, with what moved since the file before, where one was made. */
export async function writeProfile(
  ledger: Pick<Catalog, 'db'>,
  one: Pick<SampleRow, 'id' | 'place' | 'mtime'>,
  { samples, path, format, profile, layouts }: ProfileWritten,
): Promise<void> {
  const moved = await driftSince(ledger, one, { samples, format, profile })
  const document = { profile, drift: moved, layouts }
  const target = profilePath(join(samples, path))
  const draft = `${target}.draft`
  await writeFile(draft, `${printableJson(document, 2)}\n`)
  await rename(draft, target)
}

/** What moved since the file before this one in its place, of the same format. */
export async function driftSince(
  ledger: Pick<Catalog, 'db'>,
  one: Pick<SampleRow, 'id' | 'place' | 'mtime'>,
  { samples, format, profile }: Pick<ProfileWritten, 'samples' | 'format' | 'profile'>,
): Promise<ProfileFile['drift']> {
  const before = await fileBefore(ledger, one, format)
  if (before === undefined || before.path === null) return null
  const known = await profileFileAt(join(samples, before.path))
  if (known === undefined) return null
  return { against: before.raw, changes: driftOf(known.profile, profile) }
}
