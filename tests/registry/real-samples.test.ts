/** The tools that draft and lint layouts, beside real files. */
import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { askTable } from '../../engine/index.ts'
import { CliProject } from '../cli/cli-project.ts'
import { dataFolder } from '../support/scenario.ts'

const real = dataFolder('real')

test.runIf(real).each([
  ['synthea/patients.csv', 357],
  ['desynpuf/DE1_0_2008_Beneficiary_Summary_File_Sample_1.csv', 10_000],
  ['desynpuf/DE1_0_2008_to_2010_Inpatient_Claims_Sample_1.csv', 5775],
])('a layout inferred from %s reads it without a reject', async (path, rows) => {
  using project = await CliProject.create()
  const file = join(real ?? '', path)
  const inferred = await project.run(['registry', 'infer', file, '--as', 'drafts/real'])
  expect(inferred.code).toBe(0)
  const { stdout } = await project.run(['registry', 'try', 'drafts/real', file, '--json'])
  expect(JSON.parse(stdout)).toMatchObject({ accepted: rows, rejected: 0 })
})

const rvu = dataFolder('real/cms-rvu/rvu25d')

describe.runIf(rvu)('beside the files of RVU25D', () => {
  interface Fixed {
    resources: [
      { schema: { fields: { name: string; 'x-at': { start: number; length: number } }[] } },
    ]
    'x-ingest': { rows?: { exactBytes?: number } }
  }
  async function checked(edits: Readonly<Record<string, (layout: Fixed) => void>>) {
    using project = await CliProject.create()
    for (const [path, edit] of Object.entries(edits)) {
      const file = join(project.root, `registry/layouts/${path}.json`)
      const layout = JSON.parse(readFileSync(file, 'utf8')) as Fixed
      edit(layout)
      writeFileSync(file, JSON.stringify(layout, null, 2))
    }
    const { stdout } = await project.run(['registry', 'check', '--samples', rvu ?? ''])
    return stdout
  }
  const move =
    (name: string, start: number, length: number) =>
    ({ resources: [{ schema }] }: Fixed): void => {
      const found = schema.fields.find((one) => one.name === name)
      if (found === undefined) throw new Error(`no field ${name}`)
      found['x-at'] = { start, length }
    }

  test('the shipped layouts agree with their twins, but for names and codes the CSV has otherwise than text and workbook', async () => {
    const told = [
      ...(await checked({})).matchAll(/layouts\/(\w+)\/\w+\.json:\S+ \w+ (\w+) differs/g),
    ]
    expect(told.map(([, type, name]) => `${type} ${name}`)).toEqual([
      'anes locality_name',
      'anes locality_name',
      'locco mac',
      'locco locality',
      'locco state_name',
      'locco fee_schedule_area',
      'locco counties',
      'locco mac',
      'locco locality',
    ])
  })

  test('positions that cut a number at its neighbour are told three ways', async () => {
    // As a registry made by hand had them: work RVU from byte 62, prices from 23, 40 bytes a record.
    const text = await checked({
      'pprrvu/txt': move('work_rvu', 62, 4),
      'oppscap/txt': (layout) => {
        layout['x-ingest'].rows = { ...layout['x-ingest'].rows, exactBytes: 40 }
      },
    })
    expect(text).toMatch(
      /pprrvu\/txt\.json:\S+ warning bytes 60 to 61 of PPRRVU2025_Oct\.txt hold data in \d+ of 19090 records/,
    )
    expect(text).toMatch(/work_rvu differs from its twin PPRRVU2025_Oct\.\w+ in 2455 of 19090 rows/)
    expect(text).toMatch(
      /oppscap\/txt\.json:\S+ error most data records of OPPSCAP_Oct\.txt have 38 bytes \(first: line 1\), none has the 40/,
    )
    expect(text).toMatch(/error every record of OPPSCAP_Oct\.txt is skipped \(LENGTH_SHORT\)/)
  })
})

const suites = dataFolder('suites')

test.runIf(suites)(
  'an archive that is no workbook gives no row, and nothing else happens',
  async () => {
    const files = ['zip-hostile/yauzl-failure', 'bombs'].flatMap((folder) =>
      readdirSync(join(suites ?? '', folder)).map((name) => join(suites ?? '', folder, name)),
    )
    expect(files.length).toBeGreaterThan(30)
    for (const path of files) {
      const read = await askTable({
        task: 'rows',
        path,
        sheet: undefined,
        rowsMax: 100,
        cellsMax: 10,
      })
      expect('rows' in read ? read.rows : []).toEqual([])
    }
  },
)
