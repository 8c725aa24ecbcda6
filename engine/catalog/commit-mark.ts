/**
 * Whether a COMMIT without an answer happened: each write transaction leaves a number in a row that
 * is its writer's own, and the row is asked.
 *
 * The server's own transaction numbers cannot be asked: after a crash it gives those that never
 * reached its log to others (measured: a transaction that was lost was reported as committed). A
 * writer is one connection's worth of one process; its row is its own until the question is settled.
 * The question writes to the row too, so it waits for a transaction that the server has not ended.
 */
import type { Kysely } from 'kysely'
import { sql } from 'kysely'
import { assert } from '../core/errors.ts'
import type { Tables } from './tables.ts'

type Connection = Kysely<Tables>

/** One write transaction's mark. */
export interface CommitMark {
  readonly writer: string
  readonly number: number
}

/** Rows of processes that are gone go after this. */
const FORGOTTEN_AFTER = '1 day'

/** The marks of one process: a row for each transaction it has open at once. */
export class CommitMarks {
  readonly #free: string[] = []
  #own: Promise<string> | undefined
  #writers = 0
  #number = 0

  /** A mark for one transaction; give it back once it is known what became of it. */
  async take(db: Connection): Promise<CommitMark> {
    this.#own ??= draw(db)
    const own = await this.#own.catch((error: unknown) => {
      this.#own = undefined
      throw error
    })
    const writer = this.#free.pop() ?? `${own}.${(this.#writers += 1)}`
    return { writer, number: (this.#number += 1) }
  }

  give({ writer }: CommitMark): void {
    this.#free.push(writer)
  }
}

/** A name no other process has. */
async function draw(db: Connection): Promise<string> {
  const { rows } = await sql<{ name: string }>`
    with forgotten as (delete from commit_mark
      where at < clock_timestamp() - ${FORGOTTEN_AFTER}::interval)
    select gen_random_uuid()::text as name`.execute(db)
  const [row] = rows
  assert(row !== undefined, 'the server draws a name')
  return row.name
}

/** Whether the transaction that left the mark was committed. */
export async function wasCommitted(
  db: Connection,
  { writer, number }: CommitMark,
): Promise<boolean> {
  const { rows } = await sql<{ number: number }>`
    insert into commit_mark (writer, number) values (${writer}, 0)
    on conflict (writer) do update set number = commit_mark.number
    returning number`.execute(db)
  return rows[0]?.number === number
}
