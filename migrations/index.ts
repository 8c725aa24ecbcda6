/** Every migration, in order; forward only. A name, once released, never changes. */
import type { Kysely } from 'kysely'
import { createCatalog } from './0001-catalog.ts'
import { createRegistry } from './0002-registry.ts'
import { createWork } from './0003-work.ts'
import { createSensors } from './0004-sensors.ts'
import { chainAudit } from './0006-audit.ts'
import { createJournal } from './0009-care.ts'
import { markCommits } from './0010-commit-marks.ts'
import { noteProcessed } from './0011-processed.ts'

export const MIGRATIONS: Readonly<
  Record<string, (db: Kysely<unknown>, dialect: 'sqlite' | 'postgres') => Promise<void>>
> = {
  '0001-catalog': createCatalog,
  '0002-registry': createRegistry,
  '0003-work': createWork,
  '0004-sensors': createSensors,
  '0006-audit': chainAudit,
  '0009-care': createJournal,
  '0010-commit-marks': markCommits,
  '0011-processed': noteProcessed,
}
