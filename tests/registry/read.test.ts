import { describe, expect, test } from 'vitest'
import { readRegistry } from '../../registry/read.ts'
import type { RegistryFile } from '../../registry/source.ts'
import { MAPPING_FAULTS } from './mapping-faults.ts'
import { FAULTS } from './registry-faults.ts'
import type { Fault } from './registry-faults.ts'
import { edited, MAPPING, sampleFiles } from './sample-registry.ts'

const issuesOf = (files: readonly RegistryFile[]): readonly string[] =>
  readRegistry(files).issues.map(
    ({ file, line, column, kind, text }) =>
      `${file}:${line}:${column} ${kind === 'error' ? '' : 'warning: '}${text}`,
  )
const issues = (changed: Readonly<Record<string, string>>): readonly string[] =>
  issuesOf(sampleFiles(changed))

/** Where a passage of a sound file stands once it is replaced. */
const place = (fault: Fault): string => {
  const [, path, from, to, { at = to }] = fault
  const text = edited(path, from, to)[path] ?? ''
  const before = text.slice(0, text.indexOf(at)).split('\n')
  return `${path}:${before.length}:${(before.at(-1)?.length ?? 0) + 1}`
}

describe('a sound registry', () => {
  test('reads without an issue, from JSON and from YAML', () => {
    expect(issues({})).toEqual([])
    const yaml = sampleFiles().map(({ path, text }) => ({
      path: path.replace(/json$/, 'yaml'),
      text,
    }))
    expect(issuesOf(yaml)).toEqual([])
    expect(readRegistry(yaml).registry?.layouts).toEqual(
      readRegistry(sampleFiles()).registry?.layouts,
    )
  })

  test('has identities from paths, and a mapping has its tests', () => {
    const { registry } = readRegistry(sampleFiles())
    expect(registry?.layouts.map(({ id }) => id)).toEqual(['visits/clinic/v1'])
    expect(registry?.mappings[0]).toMatchObject({ id: 'visits/clinic/v1', schema: 'visits/v1' })
    expect(registry?.mappings[0]?.tests?.rows).toHaveLength(1)
  })
})

describe('an issue says where', () => {
  test.each([
    [`expr: paid + piad`, 7],
    [`expr: 'concat(code, ''x'', piad)'`, 21],
    [`expr: "concat(code, \\"piad\\")"`, 14],
    [`expr: >-\n        paid + piad`, 0],
  ])('in an expression in YAML: %s', (rule, offset) => {
    const [mapping] = sampleFiles().filter(({ path }) => path === MAPPING)
    const text = `schema: visits/v1
status: ACTIVE
columns:
  visit_id: { source: visit }
  amount:
      ${rule}
`
    const files = sampleFiles().filter((file) => file !== mapping)
    const path = MAPPING.replace('json', 'yaml')
    expect(issuesOf([...files, { path, text }]).filter((one) => one.includes('piad'))).toEqual([
      expect.stringContaining(`${path}:6:${13 + offset} no column "piad"`),
    ])
  })

  test.each([...FAULTS, ...MAPPING_FAULTS])('%s', (...fault) => {
    const [, path, from, to, { text }] = fault
    const found = issues(edited(path, from, to))
    const where = `${place(fault)} `
    expect(found.filter((issue) => issue.startsWith(where) && issue.includes(text))).toEqual([
      expect.any(String),
    ])
  })
})
