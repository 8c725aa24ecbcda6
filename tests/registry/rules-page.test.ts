/** docs/rules.md: its examples are registry entries as they stand there, one of each kind. */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { readRegistry } from '../../registry/read.ts'
import { LAYOUT, RULES, sampleFiles, sampleText, VARIANCE } from './sample-registry.ts'

const ROSTERS = 'registry/layouts/rosters/clinic.json'
const page = readFileSync(new URL('../../docs/rules.md', import.meta.url), 'utf8')
const blocks = (language: string): readonly string[] =>
  [...page.matchAll(new RegExp(`\`\`\`${language}\\n(.*?)\`\`\``, 'gs'))].map(
    ([, text = '']) => text,
  )

test('every example is sound, and every kind has one', () => {
  const json = blocks('json')
  const rules = json.filter((text) => text.includes('"kind"'))
  const [set = ''] = json.filter((text) => !text.includes('"kind"'))
  const [csv = ''] = blocks('csv')
  const read = (file: string, text: string) =>
    readRegistry(
      sampleFiles({
        [RULES]: `{"rules":[${rules.join(',')}]}`,
        [ROSTERS]: sampleText(LAYOUT),
        [file]: text,
      }).filter(({ path }) => path !== VARIANCE),
    )
  for (const { issues, registry } of [
    read('registry/code-sets/kinds.json', set),
    read('registry/code-sets/kinds.csv', csv),
  ]) {
    // The layout that CROSS_FILE looks into has no canonical table.
    expect(issues.filter(({ kind }) => kind !== 'warning')).toEqual([])
    const kinds = registry?.ruleSets.flatMap(({ measure }) => measure.map(({ kind }) => kind))
    expect([...new Set(kinds)]).toEqual(
      [...page.matchAll(/^## ([A-Z_]+)$/gm)].map(([, kind]) => kind),
    )
    expect(registry?.codeSets).toHaveLength(1)
  }
})

test('the page names every kind there is', () => {
  const schema = readFileSync(
    new URL('../../registry/json-schema/rule-set.json', import.meta.url),
    'utf8',
  )
  const known = [...schema.matchAll(/"const": "([A-Z_]+)"/g)].map(([, kind = '']) => kind)
  expect(known.filter((kind) => !page.includes(`## ${kind}\n`))).toEqual([])
  expect(known.length).toBeGreaterThan(8)
})
