/** Rollbacks are carried out by whoever builds: a reconciler and its workers, too. */
import { afterEach, expect, test } from 'vitest'
import { clearRollback, defineAsset, rollBack, sameKey } from '../../engine/index.ts'
import { wordFact } from '../support/engine-assets.ts'
import type { EngineProject } from '../support/engine-project.ts'
import { engineProject, factChanges } from '../support/engine-project.ts'
import { presentNodes } from '../support/engine-state.ts'
import { drain, openExecutor } from '../support/workers.ts'

let at: EngineProject
afterEach(async () => at.close())

let fails = false
const draft = defineAsset({
  kind: 'stored',
  name: 'draft',
  dimensions: ['i'],
  recipe: '1',
  from: { word: sameKey },
  publish: ([i = '']) => ({ path: `draft/${i}`, mode: 'folder' }),
  build: ({ inputs }) => {
    if (fails) throw new Error('no draft today')
    return { parts: [{ name: 'text', from: { bytes: JSON.stringify(inputs.one('word').value) } }] }
  },
})
const page = defineAsset({
  kind: 'stored',
  name: 'page',
  dimensions: ['i'],
  recipe: '1',
  from: { draft: sameKey },
  publish: ([i = '']) => ({ path: `page/${i}`, mode: 'folder' }),
  build: ({ inputs }) => ({
    parts: [{ name: 'text', from: { bytes: `page of ${inputs.one('draft').contentId}` } }],
  }),
})

const NODE = { asset: 'page', key: '1' }
const ACTOR = { name: 'steward', reason: 'bad draft' }
const said = (text: string) => [factChanges({ 'word/1': { text, shelves: [] } })]
const contentId = async ({ project }: EngineProject): Promise<string | undefined> =>
  (await presentNodes(project.catalog)).get('page[1]')?.contentId

test('workers bring the version back, although what it reads fails, and keep it until it is cleared', async () => {
  fails = false
  at = await engineProject({ assets: [wordFact, draft, page] })
  await using executor = await openExecutor(at, 'embedded')
  const work = async (text: string): Promise<string | undefined> => {
    await drain(at.project, { executor, workers: 2, also: said(text) })
    return contentId(at)
  }
  const first = await work('one')
  const second = await work('two')
  expect(second).not.toBe(first)
  fails = true
  await rollBack(at.project, { node: NODE, commitNumber: 1, actor: ACTOR })
  expect(await work('three')).toBe(first)
  fails = false
  expect(await work('four')).toBe(first)
  expect((await at.plan('*', { also: said('four') })).waiting).toMatchObject([
    { kind: 'hold', ...NODE },
  ])
  await clearRollback(at.project, { node: NODE, actor: ACTOR })
  expect([first, second]).not.toContain(await work('four'))
  expect((await at.plan('*', { also: said('four') })).waiting).toEqual([])
})
