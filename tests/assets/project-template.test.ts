/** What `init` writes, and that it never overwrites. */
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { CONFIG_DEFAULTS, configDocument, readConfig } from '../../assets/config.ts'
import { firstDeliveries } from '../../assets/demo-data.ts'
import { initProject } from '../../assets/project-template.ts'
import { isEngineError, sha256 } from '../../engine/index.ts'
import { openRegistry } from '../../registry/folder.ts'
import { jsonSchemaText } from '../../registry/json-schema.ts'

const repository = join(import.meta.dirname, '../..')
let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tributary-init-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const init = async (withSamples: boolean): Promise<readonly string[]> =>
  initProject({ folder, from: repository, withSamples })
const read = (path: string): string => readFileSync(join(folder, path), 'utf8')

test('a new project holds the shipped registry, and reads without an issue', async () => {
  const written = await init(true)
  const { registry, warnings } = await openRegistry(folder)
  const shipped = (await openRegistry(repository)).registry
  expect(warnings).toEqual([])
  expect(registry.layouts).toEqual(shipped.layouts)
  expect(registry.submitters).toEqual(shipped.submitters)
  expect(written.filter((path) => /\.(?:ts|js)$/.test(path))).toEqual([])
  const onDisk = readdirSync(folder, { recursive: true, withFileTypes: true })
  expect(onDisk.filter((entry) => entry.isFile())).toHaveLength(written.length)
})

test('without samples there is no submitter and no delivery', async () => {
  await init(false)
  const { registry } = await openRegistry(folder)
  expect(registry.submitters).toEqual([])
  expect(readdirSync(join(folder, 'inbox'))).toEqual([])
})

test('the configuration names every default, and changes none', async () => {
  await init(false)
  const given = { root: folder, environment: {}, flags: {}, cores: 2, memoryMb: 4096 }
  const values = (): unknown =>
    Object.entries(readConfig(given)).map(([name, setting]) => [
      name,
      typeof setting === 'string' || !('value' in setting)
        ? JSON.stringify(setting, (key, value: unknown) => (key === 'origin' ? undefined : value))
        : setting.value,
    ])
  const written = values()
  writeFileSync(join(folder, 'tributary.json'), '{}')
  expect(values()).toEqual(written)
  // These follow from the machine and the store.
  const named = [
    ...Object.keys(CONFIG_DEFAULTS),
    '$schema',
    'concurrency',
    'memory_mb',
    'retain_versions',
    's3',
  ]
  expect(Object.keys(configDocument.shape).toSorted()).toEqual(named.toSorted())
})

test('a drop’s quiet time is a whole number of seconds, minutes or hours', () => {
  const minutes = (quiescence: string): number => {
    writeFileSync(join(folder, 'tributary.json'), JSON.stringify({ intake: { quiescence } }))
    return readConfig({ root: folder, environment: {}, flags: {}, cores: 2, memoryMb: 4096 })
      .quiescenceMinutes.value
  }
  expect(['0s', '30s', '10m', '2h'].map(minutes)).toEqual([0, 0.5, 10, 120])
  for (const wrong of ['10', '', '1.5h', '-1m', '10 m', '1d']) {
    expect(() => minutes(wrong)).toThrow(/intake.quiescence: a duration is a whole number/)
  }
})

test('editors find the JSON Schema that tributary.json names', async () => {
  await init(false)
  const { $schema } = JSON.parse(read('tributary.json')) as { $schema: string }
  expect(read($schema)).toBe(jsonSchemaText(configDocument))
})

test('an existing file stops it by name, and nothing is written', async () => {
  writeFileSync(join(folder, 'README.md'), 'mine')
  const refused = await init(true).catch((error: unknown) => error)
  expect(isEngineError(refused, 'PROJECT_EXISTS') && refused.context.path).toBe('README.md')
  expect(readdirSync(folder)).toEqual(['README.md'])
  expect(read('README.md')).toBe('mine')
})

test('health data and state stay out of git, what people write does not', async () => {
  await init(true)
  const ignored = read('.gitignore').match(/^\/.*\/$/gm)
  expect(ignored).toEqual(['/data/', '/inbox/', '/scraped/', '/staging/', '/.tributary/'])
  expect(read('README.md').split('\n').length).toBeLessThanOrEqual(30)
})

test('the demo’s deliveries have the same bytes every time', () => {
  const bytes = firstDeliveries().flatMap(({ path, text }) => [path, text])
  expect(sha256(bytes.join('\n'))).toMatchInlineSnapshot(
    `"c19212d21ac8c1eee5789f8032971f08b97f8b64b1e24408446b6d7aaeb64600"`,
  )
})
