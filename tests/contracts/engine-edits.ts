import { afterEach, describe, expect, test } from 'vitest'
import { library, upper } from '../support/engine-assets.ts'
import type { Database, EngineProject } from '../support/engine-project.ts'
import { engineProject } from '../support/engine-project.ts'
import { identityOf, namesIn, shownText } from '../support/store-view.ts'

const FIRST = {
  'word/1': { text: 'one', shelves: ['a'] },
  'word/2': { text: 'two', shelves: ['a', 'b'] },
  'word/3': { text: 'three', shelves: ['b'] },
}
const ALL = ['shelf[a]', 'shelf[b]', 'upper[1]', 'upper[2]', 'upper[3]']

/** Declares the suite for a project on one kind of state and store. */
export function engineEdits(database: Database): void {
  describe(`edits on ${database}`, () => {
    let at: EngineProject
    afterEach(async () => at.close())

    /** A project with three words on two shelves, built once. */
    const built = async (): Promise<void> => {
      at = await engineProject({ assets: library, database })
      await at.run('*', { facts: FIRST })
      expect(at.takeLog()).toEqual(ALL)
    }
    const verdicts = async (call = {}): Promise<readonly string[]> =>
      (await at.plan('*', call)).steps.map((step) => `${step.verdict} ${step.asset}[${step.key}]`)
    const shown = async (file: string): Promise<string> => shownText(at, file)

    test('a first build executes every build once, and the next plan is empty', async () => {
      await built()
      expect(await shown('shelf/s=b/2.txt')).toBe('null TWO')
      expect(await shown('page/s=b/3.txt')).toBe('null THREE')
      const { revision } = await at.project.catalog.db
        .selectFrom('catalog')
        .select('revision')
        .executeTakeFirstOrThrow()
      const report = await at.run()
      expect([report.run, report.plan.steps, report.plan.unchanged]).toEqual([undefined, [], 7])
      const after = await at.project.catalog.db
        .selectFrom('catalog')
        .select('revision')
        .executeTakeFirstOrThrow()
      expect(after.revision).toBe(revision)
      expect(at.takeLog()).toEqual([])
    })

    test('one changed word builds its own way down, part by part', async () => {
      await built()
      const facts = { 'word/3': { text: 'drei', shelves: ['b'] } }
      expect(await verdicts({ facts })).toEqual([
        'build upper[3]',
        'maybe shelf[b]',
        'maybe page[b]',
      ])
      const kept = await identityOf(at, 'shelf/s=b/2.txt')
      const report = await at.run('*', { facts })
      expect(at.takeLog()).toEqual(['shelf[b]', 'upper[3]'])
      expect(report.counts).toMatchObject({ built: 2, reused: 1, cutoff: 0, failed: 0 })
      expect(await shown('page/s=b/3.txt')).toBe('null DREI')
      // The other part is the same file, linked, or the same object: not written again.
      expect(await identityOf(at, 'shelf/s=b/2.txt')).toBe(kept)
      expect(await shown('shelf/s=a/1.txt')).toBe('null ONE')
    })

    test('a word that differs only in case is cut off where the difference ends', async () => {
      await built()
      const report = await at.run('*', { facts: { 'word/1': { text: 'One', shelves: ['a'] } } })
      expect(at.takeLog()).toEqual(['upper[1]'])
      expect(report.counts).toMatchObject({ built: 0, cutoff: 1, reused: 0 })
    })

    test('a part of a word that nothing reads changes nothing', async () => {
      await built()
      const facts = { 'word/1': { text: 'one', shelves: ['a'], more: 'noted' } }
      await at.run('*', { facts })
      expect(at.takeLog()).toEqual(['upper[1]'])
    })

    test('an edit that is taken back before the build executes nothing', async () => {
      await built()
      await at.run('page/a', { facts: { 'word/3': { text: 'drei', shelves: ['b'] } } })
      expect(at.takeLog()).toEqual([])
      expect(await verdicts()).toHaveLength(3)
      await at.run('*', { facts: { 'word/3': FIRST['word/3'] } })
      expect(at.takeLog()).toEqual([])
      expect(await verdicts()).toEqual([])
    })

    test('an edit that is taken back after the build links the parts it had', async () => {
      await built()
      const before = await identityOf(at, 'upper/i=3/upper.txt')
      await at.run('*', { facts: { 'word/3': { text: 'drei', shelves: ['b'] } } })
      at.takeLog()
      const facts = { 'word/3': FIRST['word/3'] }
      expect(await verdicts({ facts })).toEqual([
        'reuse upper[3]',
        'reuse shelf[b]',
        'reuse page[b]',
      ])
      const report = await at.run('*', { facts })
      expect(at.takeLog()).toEqual([])
      expect(report.counts).toMatchObject({ built: 0, reused: 3 })
      expect(await shown('page/s=b/3.txt')).toBe('null THREE')
      // A bucket copies it: a superseded key never returns.
      if (database !== 'services') {
        expect(await identityOf(at, 'upper/i=3/upper.txt')).toBe(before)
      }
    })

    test('a word moves from one shelf to another: members follow its value', async () => {
      await built()
      const facts = { 'word/1': { text: 'one', shelves: ['b', 'c'] } }
      expect(await verdicts({ facts })).toEqual([
        'build upper[1]',
        'reuse shelf[a]',
        'maybe shelf[b]',
        'maybe shelf[c]',
        'reuse page[a]',
        'maybe page[b]',
        'maybe page[c]',
      ])
      await at.run('*', { facts })
      expect(at.takeLog()).toEqual(['shelf[b]', 'shelf[c]', 'upper[1]'])
      expect(await namesIn(at, 'shelf/s=a')).toEqual(['2.txt'])
      expect(await namesIn(at, 'page/s=b')).toEqual(['1.txt', '2.txt', '3.txt'])
    })

    test('a shelf without words is retired, and comes back from the parts it had', async () => {
      await built()
      const gone = { 'word/1': undefined, 'word/2': { text: 'two', shelves: ['b'] } }
      const report = await at.run('*', { facts: gone })
      expect(report.counts).toMatchObject({ retired: 3 })
      expect(at.takeLog()).toEqual(['upper[2]'])
      expect(await namesIn(at, 'page')).toEqual(['s=b'])
      expect(await verdicts()).toEqual([])
      await at.run('*', { facts: FIRST })
      expect(at.takeLog()).toEqual([])
      expect(await shown('page/s=a/1.txt')).toBe('null ONE')
    })

    test('an on-demand value is evaluated when it is read, and followed from then on', async () => {
      await built()
      const facts = { 'setting/2': 'second' }
      expect(await verdicts({ facts })).toEqual([
        'build shelf[a]',
        'build shelf[b]',
        'maybe page[a]',
        'maybe page[b]',
      ])
      await at.run('*', { facts })
      expect(at.takeLog()).toEqual(['shelf[a]', 'shelf[b]'])
      expect(await shown('page/s=a/2.txt')).toBe('{"label":"second"} TWO')
      await at.run('*', { facts: { 'setting/9': 'of nobody' } })
      expect(at.takeLog()).toEqual([])
    })

    test('a new recipe builds its own asset again, and what changes below', async () => {
      await built()
      const louder = { ...upper, recipe: '2' }
      at = await at.reopen(library.map((asset) => (asset === upper ? louder : asset)))
      const { steps } = await at.plan()
      expect(steps.slice(0, 3).map(({ verdict, causes }) => [verdict, causes[0]?.kind])).toEqual([
        ['build', 'recipe'],
        ['build', 'recipe'],
        ['build', 'recipe'],
      ])
      const report = await at.run()
      expect(at.takeLog()).toEqual(['upper[1]', 'upper[2]', 'upper[3]'])
      expect(report.counts).toMatchObject({ built: 0, cutoff: 3 })
    })

    test('a force builds the selection with its reason, and cutoff still applies', async () => {
      await built()
      const force = { force: true, actor: { name: 'ada', reason: 'the disk was replaced' } }
      const { steps } = await at.plan('upper/2', force)
      expect(steps).toMatchObject([
        {
          asset: 'upper',
          key: '2',
          verdict: 'build',
          causes: [{ kind: 'forced', reason: 'the disk was replaced' }],
        },
      ])
      const report = await at.run('upper/2', force)
      expect(at.takeLog()).toEqual(['upper[2]'])
      expect(report.counts).toMatchObject({ built: 0, cutoff: 1 })
      const audit = await at.project.catalog.db
        .selectFrom('audit')
        .selectAll()
        .where('action', '=', 'force')
        .execute()
      expect(audit).toMatchObject([
        { actor: 'ada', reason: 'the disk was replaced', subject: 'upper/2' },
      ])
    })

    test('a hold is shown until the value changes, and holds nothing else up', async () => {
      await built()
      await at.run('*', { facts: { 'word/4': { text: 'four', shelves: [] } } })
      expect(at.takeLog()).toEqual(['upper[4]'])
      expect((await at.plan()).waiting).toEqual([
        { asset: 'place', key: '4', kind: 'hold', why: 'stands nowhere' },
      ])
      await at.run('*', { facts: { 'word/4': { text: 'four', shelves: ['a'] } } })
      expect((await at.plan()).waiting).toEqual([])
    })

    test('a blocked node says why, waits, and keeps its readers waiting', async () => {
      await built()
      const facts = { 'word/4': { text: 'four', shelves: ['forbidden'] } }
      await at.run('*', { facts })
      const { steps, waiting } = await at.plan()
      expect(steps).toEqual([])
      expect(waiting).toEqual([
        { asset: 'page', key: 'forbidden', kind: 'blocked', why: 'no page may show it' },
      ])
    })
  })
}
