import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { sql } from 'kysely'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { AUDIT_START, chainedRow, verifyChain } from '../../engine/catalog/audit-chain.ts'
import type { Catalog } from '../../engine/index.ts'
import { anchorAudit, openCatalog, verifyAudit } from '../../engine/index.ts'
import { MIGRATIONS } from '../../migrations/index.ts'
import { upper, wordFact } from '../support/engine-assets.ts'
import type { EngineProject } from '../support/engine-project.ts'
import { DATABASES, engineProject } from '../support/engine-project.ts'
import { freshDatabase } from '../support/postgres.ts'

const DAY_MS = 86_400_000
const words = (text: string) => ({ facts: { 'word/1': { text, shelves: [] } } })

describe.each(DATABASES)('the audit on %s', (database) => {
  let at: EngineProject
  let catalog: Catalog
  beforeEach(async () => {
    at = await engineProject({ assets: [wordFact, upper], database })
    ;({ catalog } = at.project)
    await at.run(undefined, words('one'))
    await at.run(undefined, words('two'))
  })
  afterEach(async () => at.close())

  /** What somebody does who owns the database. */
  const tamper = async (statement: string): Promise<void> => {
    const off =
      database === 'sqlite'
        ? ['drop trigger if exists audit_no_update', 'drop trigger if exists audit_no_delete']
        : ['alter table audit disable trigger all']
    for (const text of [...off, statement]) await sql.raw(text).execute(catalog.db)
  }
  const faults = async (): Promise<readonly string[]> => (await verifyAudit(at.project)).faults

  test('is whole after two runs, and its rows can be added only', async () => {
    const verdict = await verifyAudit(at.project)
    expect(verdict).toMatchObject({ rows: 4, anchors: 1, faults: [], faultCount: 0 })
    const refused = [`update audit set actor = 'eve'`, `delete from audit where seq = 1`]
    if (database === 'postgres') refused.push('truncate audit')
    for (const statement of refused)
      await expect(sql.raw(statement).execute(catalog.db)).rejects.toThrow(/never changed/)
    expect((await verifyAudit(at.project)).rows).toBe(4)
  })

  test('shows one change of any column of any row', async () => {
    const columns = {
      at_ms: 'at_ms + 1',
      actor: `actor || 'x'`,
      action: `action || 'x'`,
      subject: `subject || 'x'`,
      reason: `reason || 'x'`,
      run: 'coalesce(run, 0) + 1',
      prev_hash: `replace(prev_hash, substr(prev_hash, 1, 1), 'g')`,
      hash: `replace(hash, substr(hash, 1, 1), 'g')`,
      seq: 'seq + 1000',
    }
    await tamper('select 1')
    for (const seq of [1, 2, 3, 4]) {
      for (const [column, change] of Object.entries(columns)) {
        const row = catalog.db.selectFrom('audit').selectAll().where('seq', '=', seq)
        const before = await row.executeTakeFirstOrThrow()
        await sql
          .raw(`update audit set ${column} = ${change} where seq = ${seq}`)
          .execute(catalog.db)
        expect(await faults(), `${column} of ${seq}`).not.toEqual([])
        const moved = column === 'seq' ? seq + 1000 : seq
        await catalog.db.updateTable('audit').set(before).where('seq', '=', moved).execute()
      }
    }
    expect(await faults()).toEqual([])
  })

  test('shows a row that was removed, one that was put in, and an end that was cut off', async () => {
    await tamper('delete from audit where seq = 2')
    expect(await faults()).toContain('row 2 is missing')
    await catalog.db
      .insertInto('audit')
      .values({ ...chainedRow(AUDIT_START, { ...NOBODY }), seq: 2 })
      .execute()
    expect(await faults()).toEqual(
      expect.arrayContaining(['row 2 does not follow row 1', 'row 2 was changed']),
    )
    await tamper('delete from audit where seq >= 2')
    expect(await faults()).toContainEqual(
      expect.stringMatching(/^rows 2 to 2 are gone from the end: the anchor of /),
    )
  })

  test('shows a history that was chained anew, by the anchor outside it', async () => {
    const rows = await catalog.db.selectFrom('audit').selectAll().orderBy('seq').execute()
    await tamper('delete from audit')
    let previous = AUDIT_START
    for (const row of rows) {
      const link = chainedRow(previous, { ...row, actor: row.seq === 1 ? 'nobody' : row.actor })
      await catalog.db.insertInto('audit').values(link).execute()
      previous = link
    }
    expect((await catalog.read(verifyChain)).faults).toEqual([])
    expect(await faults()).toEqual([expect.stringMatching(/^row 2 is not the one that the anchor/)])
  })

  test('a row that a run or a commit should have is missed', async () => {
    await catalog.db.updateTable('run').set({ id: 99 }).where('id', '=', 2).execute()
    expect(await faults()).toEqual(['run 99 planned, and no audit row says so'])
  })

  test('is anchored once a day, each anchor with all before it', async () => {
    expect(await anchorAudit(at.project)).toBeUndefined()
    const later = (days: number) => ({
      ...at.project,
      clock: { ...at.project.clock, nowMs: () => Date.now() + days * DAY_MS },
    })
    await at.runOn(later(1), undefined, words('three'))
    expect(await anchorAudit(later(1))).toBeUndefined()
    expect(await verifyAudit(at.project)).toMatchObject({ rows: 6, anchors: 2, faults: [] })
    expect(await anchorAudit(later(2))).toBeUndefined()
    await at.runOn(later(1), undefined, words('four'))
    expect(await anchorAudit(later(3))).toMatchObject({ seq: 8 })
    // A day on which nothing was written needs none.
    expect(await anchorAudit(later(4))).toBeUndefined()
    expect(await verifyAudit(at.project)).toMatchObject({ anchors: 3, faults: [] })
  })

  test('an anchor that is lost or unreadable is a fault', async () => {
    const folder = join(at.root, 'store/.versions/_audit/_manifest')
    const [name = ''] = readdirSync(folder)
    expect(JSON.parse(readFileSync(join(folder, name), 'utf8'))).toMatchObject({
      anchors: [{ seq: 2 }],
    })
    writeFileSync(join(folder, name), '{}')
    expect(await faults()).toEqual([
      'the last anchor in the store is no list of anchors',
      expect.stringMatching(/^the anchor of \d{4}-\d\d-\d\d is not in the store$/),
    ])
  })

  test('after a restore that is on record, anchors of the lost end are counted and no fault', async () => {
    await tamper('delete from audit where seq >= 2')
    const [first] = await catalog.db.selectFrom('audit').selectAll().execute()
    const atMs = Date.now() + 1
    const restored = { ...NOBODY, at_ms: atMs, action: 'restore' }
    await catalog.db
      .insertInto('audit')
      .values(chainedRow(first ?? AUDIT_START, restored))
      .execute()
    await catalog.db.deleteFrom('audit_anchor').execute()
    expect(await anchorAudit(at.project)).toMatchObject({ seq: 2 })
    const verdict = await verifyAudit(at.project)
    expect([verdict.anchors, verdict.endedAnchors]).toEqual([2, 1])
    expect(verdict.faults.filter((fault) => fault.includes('anchor'))).toEqual([])
  })

  test('rows from before the chain are chained by the migration, and work goes on', async () => {
    const server = database === 'postgres' ? await freshDatabase() : undefined
    const url = server?.url ?? join(at.root, 'old.db')
    const old = Object.fromEntries(
      Object.entries(MIGRATIONS).filter(([name]) => name < '0006-audit'),
    )
    const before = await openCatalog({ url, migrations: old })
    for (const reason of ['a', 'é \u{1F600}', '']) {
      await sql`insert into audit (at_ms, actor, action, subject, reason, run)
        values (5, 'ada', 'run', 'x"y', ${reason}, null)`.execute(before.db)
    }
    await before.close()
    const after = await openCatalog({ url, migrations: MIGRATIONS })
    const report = await after.read(verifyChain)
    expect(report).toMatchObject({ head: { seq: 3 }, faults: [] })
    await after.close()
    await server?.close()
  })
})

const NOBODY = { at_ms: 1, actor: 'eve', action: 'run', subject: '', reason: '', run: null }
