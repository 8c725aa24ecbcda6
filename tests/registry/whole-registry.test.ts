/** Issues between files, and the set of registry files that ships. */
import { readFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { isEngineError } from '../../engine/index.ts'
import { exportJsonSchemas } from '../../registry/json-schema.ts'
import { loadFolder, openRegistry } from '../../registry/folder.ts'
import { readRegistry } from '../../registry/read.ts'
import {
  edited,
  LAYOUT,
  MAPPING,
  RULES,
  sampleFiles,
  SCHEMA,
  SUBMITTERS,
} from './sample-registry.ts'

const issues = (changed: Readonly<Record<string, string>>): readonly string[] =>
  readRegistry(sampleFiles(changed)).issues.map(
    ({ file, line, column, kind, text }) =>
      `${file}:${line}:${column} ${kind === 'error' ? '' : 'warning: '}${text}`,
  )
const textOf = (path: string): string =>
  sampleFiles().find((file) => file.path === path)?.text ?? ''

describe('issues between files', () => {
  test('all errors of all files come at once, by place', () => {
    const found = issues({
      ...edited(LAYOUT, '"quoteChar"', '"quoteChr"'),
      ...edited(SUBMITTERS, '"MA"', '"Massachusetts"'),
      [SCHEMA]: '{ "status": "ACTIVE", ',
    })
    expect(found).toEqual([
      'registry/layouts/visits/clinic.json:8:9 unknown property "quoteChr"; did you mean quoteChar?',
      'registry/submitters.json:6:16 a state is two capital letters',
      expect.stringMatching(/^schemas\/visits\/v1.json:1:\d+ /),
    ])
  })

  test('an identity defined twice names the other file', () => {
    expect(issues({ 'registry/submitters.yml': textOf(SUBMITTERS) })).toEqual([
      `registry/submitters.yml:3:5 submitter north is defined by ${SUBMITTERS} too`,
    ])
    expect(issues({ [LAYOUT.replace('json', 'yml')]: textOf(LAYOUT) })).toContain(
      `${LAYOUT.replace('json', 'yml')}:1:1 layout visits/clinic/v1 is defined by ${LAYOUT} too`,
    )
  })

  test('two ACTIVE schemas of a file type are both named', () => {
    expect(issues({ 'schemas/visits/v2.json': textOf(SCHEMA) })).toEqual([
      `${SCHEMA}:2:13 visits/v2 is ACTIVE too; one version of a file type may be`,
      'schemas/visits/v2.json:2:13 visits/v1 is ACTIVE too; one version of a file type may be',
    ])
  })

  test('two ACTIVE versions of a layout that detect the same files may not overlap', () => {
    const second = LAYOUT.replace('.json', '.v2.json')
    expect(issues({ [second]: textOf(LAYOUT) })).toEqual([
      `${second}:51:18 the effective window overlaps that of visits/clinic/v1, and both detect the same files`,
    ])
    const apart = {
      ...edited(LAYOUT, '"from": "2020-01"', '"from": "2020-01", "to": "2023-12"'),
      [second]: textOf(LAYOUT).replace('2020-01', '2024-01'),
    }
    expect(issues(apart)).toEqual([])
    expect(issues({ [second]: textOf(LAYOUT).replace('visits_.*', 'v_.*') })).toEqual([])
  })

  test('a layout has the version it says, and its file’s name may say the same', () => {
    const ids = (changed: Readonly<Record<string, string>>): unknown =>
      readRegistry(sampleFiles(changed)).registry?.layouts.map(({ id }) => id)
    const versioned = (version: string): string =>
      textOf(LAYOUT).replace('"resources"', `"version": "${version}", "resources"`)
    const later = (version: string): string =>
      versioned(version).replace('2020-01', '2024-01').replace('visits_.*', 'v_.*')
    expect(ids({ [LAYOUT]: versioned('v2') })).toEqual(['visits/clinic/v2'])
    const second = LAYOUT.replace('.json', '.v10.json')
    expect(ids({ [LAYOUT]: versioned('v9'), [second]: later('v10') })).toEqual([
      'visits/clinic/v9',
      'visits/clinic/v10',
    ])
    expect(issues({ [second]: later('v11') })).toEqual([
      `${second}:3:14 the file name says version v10`,
    ])
    expect(issues({ [LAYOUT]: versioned('one') })).toEqual([
      `${LAYOUT}:3:14 a version is v1, or numbers like 2019.0.0`,
    ])
  })

  test('a layout without a mapping to the active schema is a warning, and still reads', () => {
    const inactive = edited(MAPPING, '"ACTIVE"', '"INACTIVE"')
    expect(issues(inactive)).toEqual([
      `${LAYOUT}:1:1 warning: layout visits/clinic has no ACTIVE mapping to visits/v1: months it wins are blocked`,
    ])
    expect(readRegistry(sampleFiles(inactive)).registry).toBeDefined()
  })

  test('a rule set of its own replaces the file type’s for a layout', () => {
    const own = textOf(RULES).replace('"rules"', '"layout": "clinic", "rules"')
    const set = { 'registry/rules/visits/clinic.json': own }
    const other = edited(RULES, '"column": "code"', '"column": "gone"')
    // The file type's own set then measures no layout, so its columns are not looked for.
    expect(issues({ ...set, ...other })).toEqual([`${RULES}:1:1 no layout of visits`])
  })

  test('a reference into a file that cannot be read is not a second error', () => {
    const found = issues({ [LAYOUT]: '{' })
    expect(found.every((issue) => issue.startsWith(`${LAYOUT}:`))).toBe(true)
    expect(found).not.toEqual([])
  })

  test('a file out of place, an anchor and YAML named .json are refused', () => {
    const yaml = 'submitters:\n  - id: &a south\n    name: *a\n    state: MA\n'
    expect(
      issues({
        'registry/layout/visits/clinic/v2.json': '{}',
        'schemas/visits/v01.json': '{}',
        'registry/submitters.yaml': yaml,
        'registry/submitters/west.json': '{ "id": "west", "state": "MA" }',
        'schemas/visits/v2.json': 'status: INACTIVE\ncolumns: []\n',
      }),
    ).toEqual([
      expect.stringMatching(/^registry\/layout\/visits.*:1:1 no registry file has its place here/),
      expect.stringMatching(/^registry\/submitters.yaml:2:\d+ anchors, aliases/),
      expect.stringMatching(/^registry\/submitters.yaml:3:11 anchors, aliases/),
      'registry/submitters/west.json:1:1 no registry file has its place here; expected registry/submitters.json',
      'schemas/visits/v01.json:1:1 no registry file has its place here; expected schemas/{file_type}/v{n}.json',
      'schemas/visits/v2.json:1:1 this file is YAML: name it .yaml, or write JSON',
    ])
  })

  test('no text makes the reader throw', () => {
    for (const text of ['', '[', '\0', '['.repeat(200_000), '"', '- - -', '{"a":'.repeat(5000)]) {
      expect(readRegistry([{ path: 'schemas/a/v1.json', text }]).registry).toBeUndefined()
      expect(readRegistry([{ path: 'schemas/a/v1.yaml', text }]).registry).toBeUndefined()
    }
  })
})

describe('the registry that ships', () => {
  const root = new URL('../../', import.meta.url).pathname

  test('reads with no issue', async () => {
    const { registry, warnings } = await openRegistry(root)
    expect(warnings).toEqual([])
    expect(registry.layouts.map(({ id }) => id)).toEqual([
      'anes/csv/v1',
      'anes/txt/v1',
      'anes/xlsx/v1',
      'eligibility/cdl/v1',
      'eligibility/star/v1',
      'gpci/csv/v1',
      'gpci/txt/v1',
      'gpci/xlsx/v1',
      'locco/csv/v1',
      'locco/txt/v1',
      'locco/xlsx/v1',
      'medical/synthea/v1',
      'medical_claim/cdl/v1',
      'medical_claim/star/v1',
      'members/synthea-20/v1',
      'members/synthea/v1',
      'oppscap/csv/v1',
      'oppscap/txt/v1',
      'pharmacy/synthea/v1',
      'pharmacy_claim/cdl/v1',
      'pharmacy_claim/star/v1',
      'pprrvu/csv/v1',
      'pprrvu/txt/v1',
      'provider/cdl/v1',
      'provider/star/v1',
      'synpuf_beneficiary/desynpuf/v1',
      'synpuf_inpatient/desynpuf/v1',
      'zip5/txt/v1',
    ])
  })

  test('names the seed’s canonical columns', async () => {
    const { registry } = await openRegistry(root)
    const names = (id: string): string | undefined =>
      registry.schemas
        .find((schema) => schema.id === id)
        ?.columns.map(({ name }) => name)
        .join()
    expect(names('medical/v1')).toBe(
      'member_id,encounter_id,provider_id,service_start_date,service_end_date,encounter_class,code,description',
    )
    expect(names('pharmacy/v1')).toBe(
      'member_id,medication_id,start_date,stop_date,code,description',
    )
    expect(names('members/v1')).toBe('member_id,birth_date,death_date,gender,race,ethnicity,zip')
  })

  test('comes with the JSON Schemas of its documents, as committed', async () => {
    for (const [name, text] of Object.entries(exportJsonSchemas())) {
      expect({ name, text: await readFile(`${root}registry/json-schema/${name}`, 'utf8') }).toEqual(
        {
          name,
          text,
        },
      )
    }
  })

  test('names in each file the JSON Schema that lies there', async () => {
    const known = Object.keys(exportJsonSchemas())
    for (const { path, text } of await loadFolder(root)) {
      const { $schema } = JSON.parse(text) as { $schema: string }
      const at = new URL($schema, `file:///${path}`).pathname
      expect(known.map((name) => `/registry/json-schema/${name}`)).toContain(at)
    }
  })

  test('a broken folder throws one error with every place', async () => {
    const found = await openRegistry(new URL('fixtures/broken', import.meta.url).pathname).catch(
      (error: unknown) => error,
    )
    expect(isEngineError(found, 'REGISTRY_INVALID') && found.exitCode).toBe(2)
    expect(String(found)).toContain('registry/submitters.yaml:3:12 a state is two capital letters')
  })

  test('a folder without a registry has an empty one', async () => {
    expect(await loadFolder(`${root}docs/none`)).toEqual([])
  })
})
