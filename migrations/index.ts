/** Every migration, in order; forward only. A name, once released, never changes. */
import type { Kysely } from 'kysely'
import { createCatalog } from './0001-catalog.ts'

export type MigrationDialect = 'sqlite' | 'postgres'
export type Migrate = (db: Kysely<unknown>, dialect: MigrationDialect) => Promise<void>

export const MIGRATIONS: Readonly<Record<string, Migrate>> = {
  '0001-catalog': createCatalog,
}
