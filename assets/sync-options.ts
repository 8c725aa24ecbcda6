/** What a sync of the registry needs to know: shared by what watches it and what reads it. */
import type { PlanningAccess } from '../engine/index.ts'
import type { Registry } from '../registry/registry.ts'

/** Where the catalog remembers what registry files looked like. */
export const REGISTRY_SCOPE = 'registry'

export interface SyncOptions {
  /** runs in the planning transaction, after the registry changed */
  readonly after: (access: PlanningAccess, registry: Registry) => Promise<void>
  /** a schema may be activated although a live layout has no mapping to it */
  readonly allowBlocked: boolean
}
