/**
 * The registry folder as a daemon looks at it: a registry with errors is a finding, and the last
 * good one stays until the folder is whole again.
 */
import type { Connection, Observer, PlanningAccess, Sensor } from '../engine/index.ts'
import { applyAndPlan, isEngineError } from '../engine/index.ts'
import { platformTables } from '../registry/tables.ts'

const CODE = 'REGISTRY_INVALID'
const SUBJECT = 'registry'
const WORDS_MAX = 2000

/** The sensor over the folder's observer. */
export const registrySensor = (folder: Observer, everyMs: number): Sensor => ({
  name: 'registry',
  summary: 'layouts, mappings, rules: takes them over when they are whole',
  timing: { everyMs },
  look: async ({ db, nowMs }) => {
    const open = await openFinding(db)
    try {
      const seen = await folder.observe({ db, nowMs })
      if (seen.apply === undefined && open === undefined) {
        return { kind: 'skip', why: 'nothing has moved' }
      }
      const apply = async (access: PlanningAccess): Promise<void> => {
        await seen.apply?.(access)
        await note(access, undefined)
      }
      return {
        kind: 'act',
        why: 'the registry has moved',
        act: async (access) => applyAndPlan(access, { changes: [{ digest: seen.digest, apply }] }),
      }
    } catch (error) {
      if (!isEngineError(error, CODE)) throw error
      const words = error.message.slice(0, WORDS_MAX)
      const why = 'the registry has errors: the last good one stays'
      if (words === open) return { kind: 'skip', why }
      return {
        kind: 'act',
        why,
        act: async ({ commit, nowMs: atMs }) =>
          commit(async (trx) => {
            await note({ trx, nowMs: atMs }, words)
            return why
          }),
      }
    }
  },
})

async function openFinding(db: Connection): Promise<string | undefined> {
  const row = await platformTables(db)
    .selectFrom('finding')
    .select('words')
    .where('code', '=', CODE)
    .where('subject', '=', SUBJECT)
    .where('closed_ms', 'is', null)
    .executeTakeFirst()
  return row?.words
}

/** Closes the finding at hand and opens another, if there is something to say. */
async function note(
  { trx, nowMs }: Pick<PlanningAccess, 'trx' | 'nowMs'>,
  words: string | undefined,
): Promise<void> {
  const tables = platformTables(trx.db)
  await tables
    .updateTable('finding')
    .set({ closed_ms: nowMs })
    .where('code', '=', CODE)
    .where('subject', '=', SUBJECT)
    .where('closed_ms', 'is', null)
    .execute()
  if (words === undefined) return
  await tables
    .insertInto('finding')
    .values({
      at_ms: nowMs,
      severity: 'error',
      code: CODE,
      subject: SUBJECT,
      words,
      closed_ms: null,
    })
    .execute()
}
