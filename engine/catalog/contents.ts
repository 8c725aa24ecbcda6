/** What versions contain: small JSON values and content ids, loaded for many nodes at once. */
import { sql } from 'kysely'
import type { ContentId, Json } from '../core/digest.ts'
import { ABSENT } from '../core/digest.ts'
import { assert } from '../core/errors.ts'
import type { Connection, DialectName } from './open.ts'
import { rowsTable } from './rows.ts'

/** What a version contains. */
export interface Content {
  readonly contentId: ContentId
  readonly value: Json | undefined
}
export const ABSENT_CONTENT: Content = { contentId: ABSENT, value: undefined }

/** The version ids under which nodes had some content before; those that never had are left out. */
export async function findVersions(
  { db, dialect }: { readonly db: Connection; readonly dialect: DialectName },
  contents: readonly { readonly node: number; readonly contentId: ContentId }[],
): Promise<ReadonlyMap<number, number>> {
  if (contents.length === 0) return new Map()
  const wanted = rowsTable(
    dialect,
    { node: 'int', content_id: 'text' },
    contents.map(({ node, contentId }) => [node, contentId]),
  )
  const { rows } = await sql<{ node: number; id: number }>`
    select v.node, v.id from ${wanted} w
    join version v on v.node = w.node and v.content_id = w.content_id`.execute(db)
  return new Map(rows.map((row) => [row.node, row.id]))
}

/**
 * What versions contain, remembered: a fan-in reads the same mapping thousands of times.
 *
 * Lives as long as one transaction or one stage of a run; versions never change, so nothing here
 * can become wrong, only large.
 */
export class Contents {
  readonly #known = new Map<number, Content>([[0, ABSENT_CONTENT]])

  /** Loads what is not yet known. */
  async load(
    { db, dialect }: { readonly db: Connection; readonly dialect: DialectName },
    versions: Iterable<number>,
  ): Promise<void> {
    const missing = [...new Set(versions)].filter((id) => !this.#known.has(id))
    if (missing.length === 0) return
    const wanted = rowsTable(
      dialect,
      { id: 'int' },
      missing.map((id) => [id]),
    )
    const { rows } = await sql<{ id: number; content_id: ContentId; value: string | null }>`
      select v.id, v.content_id, v.value from ${wanted} w join version v on v.id = w.id
    `.execute(db)
    for (const { id, content_id: contentId, value } of rows) this.set(id, { contentId, value })
  }

  set(
    version: number,
    content: { readonly contentId: ContentId; readonly value: string | null },
  ): void {
    const value = content.value === null ? undefined : (JSON.parse(content.value) as Json)
    this.#known.set(version, { contentId: content.contentId, value })
  }

  get(version: number): Content {
    const content = this.#known.get(version)
    assert(content !== undefined, `version ${version} was loaded`)
    return content
  }
}
