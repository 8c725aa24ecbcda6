/**
 * Facts from files: each file that matches a pattern is a fact, unread while it looks untouched.
 *
 * «Untouched» is size and modification time in nanoseconds; the fact itself is a value made from
 * the content, so a touched or reformatted file changes nothing.
 */
import { readFile, stat } from 'node:fs/promises'
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { sql } from 'kysely'
import { rowsTable } from '../catalog/rows.ts'
import type { Json } from '../core/digest.ts'
import { frameDigest, sha256 } from '../core/digest.ts'
import type { Key } from '../core/key.ts'
import { formatKey } from '../core/key.ts'
import type { Fact, Observation, Observer } from './project.ts'

export interface FileFacts {
  /** the fact asset */
  readonly asset: string
  readonly folder: string
  /** the key of a file by its name; undefined: not one of ours */
  readonly key: (name: string) => Key | undefined
  /** the slice that builds may depend on; default: the content's digest and size */
  readonly value?: (text: string) => Json
}

const READS_AT_ONCE = 32

/** Observes one folder, not its subfolders. A file that is gone makes its fact absent. */
export function fileFacts(facts: FileFacts): Observer {
  const scope = `facts:${facts.asset}`
  return {
    name: facts.asset,
    observe: async ({ db }) => {
      const seen = await db
        .selectFrom('seen_file')
        .select(['path', 'token'])
        .where('scope', '=', scope)
        .execute()
      const known = new Map(seen.map((row) => [row.path, row.token]))
      const present = listed(facts)
      const fresh = present.filter((file) => known.get(file.name) !== file.token)
      const here = new Set(present.map((file) => file.name))
      const gone = seen.filter((row) => !here.has(row.path)).map((row) => row.path)
      const keys = new Set(present.map((file) => formatKey(file.key)))
      const digest = frameDigest([
        scope,
        ...fresh.flatMap((file) => [file.name, file.token]),
        ...gone,
      ])
      if (fresh.length === 0 && gone.length === 0) return { digest }
      const read = await readAll(facts, fresh)
      return { digest, apply: applyOf({ facts, scope, read, gone, keys }) }
    },
  }
}

interface ListedFile {
  readonly name: string
  readonly key: Key
  readonly token: string
}

function listed({ folder, key }: FileFacts): readonly ListedFile[] {
  return readdirSync(folder).flatMap((name) => {
    const own = key(name)
    if (own === undefined) return []
    const { size, mtimeNs } = statSync(join(folder, name), { bigint: true })
    return [{ name, key: own, token: `${mtimeNs}:${size}` }]
  })
}

interface ReadFile extends ListedFile {
  readonly sha256: string
  readonly value: Json
}

async function readAll(
  { folder, value }: FileFacts,
  files: readonly ListedFile[],
): Promise<readonly ReadFile[]> {
  const queue = [...files]
  const read: ReadFile[] = []
  const worker = async (): Promise<void> => {
    for (let file = queue.pop(); file !== undefined; file = queue.pop()) {
      const path = join(folder, file.name)
      const text = await readFile(path, 'utf8')
      const digest = sha256(text)
      const plain = { sha256: digest, size_bytes: (await stat(path)).size }
      read.push({ ...file, sha256: digest, value: value === undefined ? plain : value(text) })
    }
  }
  await Promise.all(Array.from({ length: READS_AT_ONCE }, worker))
  return read
}

function applyOf({
  facts,
  scope,
  read,
  gone,
  keys,
}: {
  readonly facts: FileFacts
  readonly scope: string
  readonly read: readonly ReadFile[]
  readonly gone: readonly string[]
  /** of the files that are there: a renamed file may keep its key */
  readonly keys: ReadonlySet<string>
}): NonNullable<Observation['apply']> {
  return async ({ trx, writeFacts }) => {
    const fresh: Fact[] = read.map((file) => ({
      asset: facts.asset,
      key: formatKey(file.key),
      value: file.value,
    }))
    const absent: Fact[] = gone.flatMap((name) => {
      const own = facts.key(name)
      const key = own === undefined ? undefined : formatKey(own)
      return key === undefined || keys.has(key)
        ? []
        : [{ asset: facts.asset, key, value: undefined }]
    })
    await writeFacts([...fresh, ...absent])
    const rows = rowsTable(
      trx.dialect,
      { path: 'text', token: 'text', sha256: 'text' },
      read.map((file) => [file.name, file.token, file.sha256]),
    )
    await sql`insert into seen_file (scope, path, token, sha256)
      select ${scope}, path, token, sha256 from ${rows} w where true
      on conflict (scope, path) do update set token = excluded.token,
        sha256 = excluded.sha256`.execute(trx.db)
    if (gone.length === 0) return
    const lost = rowsTable(
      trx.dialect,
      { path: 'text' },
      gone.map((path) => [path]),
    )
    await sql`delete from seen_file where scope = ${scope}
      and path in (select path from ${lost} w)`.execute(trx.db)
  }
}
