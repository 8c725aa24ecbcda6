import { mkdtempSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { defineAsset, fileFacts, sameKey } from '../../engine/index.ts'
import type { EngineProject } from '../support/engine-project.ts'
import { engineProject } from '../support/engine-project.ts'

const rule = defineAsset({ kind: 'fact', name: 'rule', dimensions: ['r'] })
const table = defineAsset({
  kind: 'stored',
  name: 'table',
  dimensions: ['r'],
  recipe: '1',
  from: { rule: sameKey },
  build: ({ inputs }) => ({ parts: [], value: inputs.one('rule').value ?? null }),
})

let folder: string
let at: EngineProject
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tributary-files-'))
  at = await engineProject({ assets: [rule, table] })
  const observer = fileFacts({
    asset: 'rule',
    folder,
    key: (name) => /^(\w+)\.(json|txt)$/.exec(name)?.slice(1, 2),
    value: (text) => text.trim(),
  })
  at = { ...at, run: async () => at.runOn({ ...at.project, observers: [observer] }) }
})
afterEach(async () => {
  await at.close()
  rmSync(folder, { recursive: true, force: true })
})
const write = (name: string, text: string): void => writeFileSync(join(folder, name), text)

test('a file is a fact: new, changed, touched, reformatted, removed', async () => {
  write('a.json', 'one')
  write('b.json', 'two')
  write('README', 'no rule')
  await at.run()
  expect(at.takeLog()).toEqual(['table[a]', 'table[b]'])
  write('a.json', 'one more')
  await at.run()
  expect(at.takeLog()).toEqual(['table[a]'])
  utimesSync(join(folder, 'a.json'), new Date(), new Date())
  await at.run()
  write('b.json', '  two\n')
  await at.run()
  expect(at.takeLog()).toEqual([])
  rmSync(join(folder, 'a.json'))
  expect((await at.run()).counts.retired).toBe(1)
  expect((await at.run()).run).toBe(undefined)
})

test('a renamed file that keeps its key keeps its fact', async () => {
  write('a.json', 'one')
  await at.run()
  renameSync(join(folder, 'a.json'), join(folder, 'a.txt'))
  const report = await at.run()
  expect([report.counts.retired, at.takeLog()]).toEqual([0, ['table[a]']])
  expect((await at.run()).run).toBe(undefined)
})
