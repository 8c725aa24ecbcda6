/** Rows of a workbook, read in a child. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { writeXlsx } from 'hucre/xlsx'
import { expect, test } from 'vitest'
import { askTable } from '../../engine/index.ts'
import { CliProject } from '../cli/cli-project.ts'
import { scratchFolder } from './parsing.ts'

const GUIDE = [
  ['Appendix A'],
  [],
  ['Data Element', 'Element Name', 'Type', 'Length'],
  ['MC004', 'Claim number', 'varchar', 35],
  ['MC017', 'Paid date', 'CCYYMMDD', 8],
]
const workbook = async (): Promise<Uint8Array> =>
  writeXlsx({
    sheets: [
      { name: 'Notes', rows: [['x', 1.5, true, new Date('2024-01-31T00:00:00Z')]] },
      { name: 'MC', rows: GUIDE },
    ],
  })

const LIMITS = { rowsMax: 100, cellsMax: 10 }

test('rows come as texts, with the number the workbook gives them', async () => {
  await using folder = await scratchFolder()
  const path = join(folder.path, 'guide.xlsx')
  writeFileSync(path, await workbook())
  expect(await askTable({ task: 'rows', path, sheet: undefined, ...LIMITS })).toEqual({
    rows: [{ line: 1, cells: ['x', '1.5', 'true', '2024-01-31'] }],
  })
  const read = await askTable({ task: 'rows', path, sheet: 'MC', ...LIMITS })
  expect('rows' in read && read.rows.at(-1)).toEqual({
    line: 5,
    cells: ['MC017', 'Paid date', 'CCYYMMDD', '8'],
  })
})

test('a sheet may have as many rows and cells as the limits say, and not one more', async () => {
  await using folder = await scratchFolder()
  const path = join(folder.path, 'guide.xlsx')
  writeFileSync(path, await writeXlsx({ sheets: [{ name: 'A', rows: GUIDE.slice(2) }] }))
  const read = async (rowsMax: number, cellsMax: number) =>
    askTable({ task: 'rows', path, sheet: undefined, rowsMax, cellsMax })
  expect(await read(3, 4)).toHaveProperty('rows.length', 3)
  expect(await read(2, 4)).toMatchObject({ fault: 'TOO_LARGE' })
  expect(await read(3, 3)).toMatchObject({ fault: 'TOO_LARGE' })
})

test('a guide in a workbook is imported; a sheet that is not there is said', async () => {
  using project = await CliProject.create()
  const path = join(project.root, 'guide.xlsx')
  writeFileSync(path, await workbook())
  const run = async (sheet: string) =>
    project.run(['registry', 'import', path, '--sheet', sheet, '--json'])
  const { layout } = JSON.parse((await run('MC')).stdout) as {
    layout: { resources: readonly { schema: { fields: readonly { name: string }[] } }[] }
  }
  expect(layout.resources[0]?.schema.fields.map(({ name }) => name)).toEqual(['MC004', 'MC017'])
  const refused = await run('Other')
  expect(refused.code).toBe(1)
  expect(refused.stderr).toContain('guide.xlsx:1:1 this workbook cannot be read, or it has no such')
})
