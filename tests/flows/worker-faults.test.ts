/** What goes wrong beside others: one bad node, an overtaken attempt, a run and a worker at once. */
import { afterEach, expect, test } from 'vitest'
import type { AssetDefinition, BuildContext, BuildResult } from '../../engine/index.ts'
import { BuildWorker, defineAsset, sameKey } from '../../engine/index.ts'
import { wordFact } from '../support/engine-assets.ts'
import type { EngineProject, Facts } from '../support/engine-project.ts'
import { engineProject, factChanges } from '../support/engine-project.ts'
import { presentNodes, storeOffences } from '../support/engine-state.ts'
import { ACTOR, drain, openExecutor } from '../support/workers.ts'
import { Reconciler } from '../../engine/run/reconcile.ts'

let at: EngineProject
afterEach(async () => at.close())

const textOf = ({ inputs }: Pick<BuildContext, 'inputs'>): string =>
  (inputs.one('word').value as { text: string }).text

/** One published text a word, and what reads it. */
const assets = (
  build: (context: BuildContext) => BuildResult | Promise<BuildResult>,
): readonly AssetDefinition[] => [
  wordFact,
  defineAsset({
    kind: 'stored',
    name: 'shout',
    dimensions: ['i'],
    recipe: '1',
    from: { word: sameKey },
    publish: ([i]) => ({ path: `shout/${i}`, mode: 'folder' }),
    build,
  }),
  defineAsset({
    kind: 'stored',
    name: 'echo',
    dimensions: ['i'],
    recipe: '1',
    from: { shout: sameKey },
    build: ({ inputs }) => ({ parts: [], value: inputs.one('shout').value ?? null }),
  }),
]
const shouted = (text: string): BuildResult => ({
  parts: [{ name: 'text', from: { bytes: text } }],
  value: text,
})
const words = (count: number, text: string): Facts =>
  Object.fromEntries(
    Array.from({ length: count }, (_, i) => [
      `word/${String(i).padStart(3, '0')}`,
      { text: `${text} ${i}`, shelves: [] },
    ]),
  )
const valueOf = async (node: string): Promise<unknown> => {
  const text = (await presentNodes(at.project.catalog)).get(node)?.value
  return text === undefined || text === null ? undefined : JSON.parse(text)
}

test('a value that cannot be had holds back what reads it, and nothing else', async () => {
  const long = defineAsset({
    kind: 'value',
    name: 'long',
    dimensions: ['i'],
    recipe: '1',
    from: { word: sameKey },
    evaluate: (inputs) =>
      textOf({ inputs }).endsWith('1') ? 'x'.repeat(5000) : textOf({ inputs }),
  })
  const reader = defineAsset({
    kind: 'stored',
    name: 'reader',
    dimensions: ['i'],
    recipe: '1',
    from: { long: sameKey },
    build: ({ inputs }) => ({ parts: [], value: inputs.one('long').value ?? null }),
  })
  at = await engineProject({ assets: [wordFact, long, reader] })
  await using executor = await openExecutor(at, 'embedded')
  await drain(at.project, { executor, workers: 1, also: [factChanges(words(4, 'one'))] })
  expect(at.takeLog()).toEqual(['reader[000]', 'reader[002]', 'reader[003]'])
  const { db } = at.project.catalog
  expect((await db.selectFrom('obstacle').selectAll().execute()).map((one) => one.code)).toEqual([
    'VALUE_TOO_LARGE',
  ])
  const mended = { 'word/001': { text: 'mended', shelves: [] } }
  await drain(at.project, { executor, workers: 1, also: [factChanges(mended)] })
  expect(at.takeLog()).toEqual(['reader[001]'])
})

test('a build that cannot be committed fails by itself', async () => {
  at = await engineProject({
    assets: assets((context) => shouted(textOf(context))),
    hooks: {
      onCommit: async (_access, committed) => {
        const bad = committed.find(({ key, outcome }) => key === '001' && outcome === 'built')
        if (bad !== undefined) throw new TypeError('this one cannot be recorded')
      },
    },
  })
  await using executor = await openExecutor(at, 'embedded')
  const reconciler = new Reconciler(at.project, { executor, actor: ACTOR })
  await reconciler.tick([factChanges(words(4, 'one'))])
  await using worker = await BuildWorker.start(at.project, {
    executor,
    slots: 4,
    actor: ACTOR,
    pollMs: 20,
  })
  const { db } = at.project.catalog
  const isDone = async (): Promise<boolean> => {
    await reconciler.tick()
    const stuck = await db.selectFrom('obstacle').select('code').execute()
    return stuck.length > 0 && (await valueOf('echo[003]')) !== undefined
  }
  await expect.poll(isDone, { timeout: 20_000 }).toBe(true)
  await worker.stop(1_000)
  expect([await valueOf('echo[000]'), await valueOf('echo[001]')]).toEqual(['one 0', undefined])
  const failed = db.selectFrom('build').select('error').where('outcome', '=', 'failed')
  expect((await failed.execute()).every(({ error }) => error === 'ASSET_FAILED')).toBe(true)
})

/** Promises that a test keeps when it wants to. */
function gates(
  count: number,
): readonly { readonly opened: Promise<void>; readonly open: () => void }[] {
  return Array.from({ length: count }, () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    return { opened: promise, open: resolve }
  })
}

test('a worker whose claim was ended, and that takes the node again, commits the later attempt only', async () => {
  const [begun, again, first, second] = gates(4)
  let attempts = 0
  at = await engineProject({
    assets: assets(async (context) => {
      attempts += 1
      ;(attempts === 1 ? begun : again)?.open()
      await (attempts === 1 ? first : second)?.opened
      return shouted(textOf(context))
    }),
  })
  await using executor = await openExecutor(at, 'embedded')
  const reconciler = new Reconciler(at.project, { executor, actor: ACTOR })
  await reconciler.tick([factChanges(words(1, 'one'))])
  const errors: unknown[] = []
  await using worker = await BuildWorker.start(at.project, {
    executor,
    slots: 2,
    actor: ACTOR,
    pollMs: 20,
    onError: (error) => errors.push(error),
  })
  await begun?.opened
  const { db } = at.project.catalog
  await db.updateTable('intent').set({ expires_ms: 1 }).execute()
  await reconciler.tick()
  await db.updateTable('job').set({ holder: null }).execute()
  await again?.opened
  first?.open()
  await expect.poll(() => worker.active).toBe(1)
  second?.open()
  await expect
    .poll(async () => {
      await reconciler.tick()
      return valueOf('echo[000]')
    })
    .toBe('one 0')
  await worker.stop(1_000)
  expect(errors).toEqual([])
  expect(await db.selectFrom('intent').selectAll().execute()).toEqual([])
  expect(await storeOffences(at.project, { root: at.root })).toEqual([])
})

test('what a worker built while a run was under way is not taken back by the run', async () => {
  let meanwhile: (() => Promise<void>) | undefined
  at = await engineProject({
    assets: assets(async (context) => {
      const act = meanwhile
      meanwhile = undefined
      await act?.()
      return shouted(textOf(context))
    }),
  })
  // More than a run claims at once.
  const count = 260
  await at.run('*', { facts: words(count, 'one') })
  await using executor = await openExecutor(at, 'embedded')
  const { catalog } = at.project
  meanwhile = async () => {
    const row = await catalog.db
      .selectFrom('node')
      .innerJoin('asset', 'asset.id', 'node.asset')
      .select(['node.id', 'node.version'])
      .where('asset.name', '=', 'shout')
      .where('node.key', '=', '259')
      .executeTakeFirstOrThrow()
    const task = { node: row.id, asset: 'shout', key: '259', run: 2, place: 1, group: '', pool: '' }
    await catalog.write(async (trx) => executor.enqueue(trx, [task]))
    await using worker = await BuildWorker.start(at.project, { executor, slots: 1, actor: ACTOR })
    await expect.poll(async () => valueOf('shout[259]'), { timeout: 20_000 }).toBe('two 259')
    await worker.stop(1_000)
  }
  await at.run('*', { facts: words(count, 'two') })
  expect([await valueOf('shout[259]'), await valueOf('echo[259]')]).toEqual(['two 259', 'two 259'])
  expect((await at.plan()).steps).toEqual([])
})

test('a run does not end while a node of it is claimed, though nothing hands that node out any more', async () => {
  const [begun, finish] = gates(2)
  at = await engineProject({
    assets: assets(async (context) => {
      begun?.open()
      await finish?.opened
      return shouted(textOf(context))
    }),
  })
  await using executor = await openExecutor(at, 'embedded')
  const reconciler = new Reconciler(at.project, { executor, actor: ACTOR })
  await reconciler.tick([factChanges(words(1, 'one'))])
  const worker = await BuildWorker.start(at.project, { executor, slots: 1, actor: ACTOR })
  await begun?.opened
  const { db } = at.project.catalog
  // What a frozen worker finds: its job was queued again, and another ended it at the standing claim.
  await db.deleteFrom('job').execute()
  await reconciler.tick()
  const runs = db.selectFrom('run').select(['status', 'counts'])
  expect((await runs.execute()).map(({ status }) => status)).toEqual(['dispatched'])
  finish?.open()
  await expect
    .poll(async () => (await reconciler.tick(), valueOf('shout[000]')), { timeout: 20_000 })
    .toBe('one 0')
  await expect
    .poll(async () => (await reconciler.tick(), valueOf('echo[000]')), { timeout: 20_000 })
    .toBe('one 0')
  await worker.stop(1_000)
  await reconciler.tick()
  expect(await runs.execute()).toEqual([{ status: 'succeeded', counts: '{"built":2}' }])
})
