/** The shipped APCD family beside what is published of it. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { openRegistry } from '../../registry/folder.ts'
import { REPOSITORY } from '../support/road-folder.ts'
import { dataFolder } from '../support/scenario.ts'

interface SourceColumn {
  readonly name: string
}
const tuva = dataFolder('real/tuva-schema')

describe.runIf(tuva)('beside the published Tuva Input Layer', () => {
  test.each([
    ['medical_claim', 4],
    ['pharmacy_claim', 4],
    ['eligibility', 0],
  ])('%s has its columns in its order, then %i of our own', async (fileType, own) => {
    const text = readFileSync(join(tuva ?? '', 'tuva-input-layer-columns.json'), 'utf8')
    const { tables } = JSON.parse(text) as { tables: Record<string, readonly SourceColumn[]> }
    const { registry } = await openRegistry(REPOSITORY)
    const schema = registry.schemas.find(({ id }) => id === `${fileType}/v1`)
    const names = schema?.columns.map(({ name }) => name) ?? []
    const theirs = (tables[fileType] ?? []).map(({ name }) =>
      name === 'state' ? 'member_state' : name,
    )
    expect(theirs.length).toBeGreaterThan(20)
    expect(names.slice(0, theirs.length)).toEqual(theirs)
    expect(names.length - theirs.length).toBe(own)
  })
})

const apcd = dataFolder('real/apcd-layouts')

test.runIf(apcd)('the medical layout has the published codes, in order and length', async () => {
  const text = readFileSync(join(apcd ?? '', 'tx-apcd-cdl-v2-fields.json'), 'utf8')
  const { medical } = JSON.parse(text) as {
    medical: readonly { code: string; maxLength: number; type: string }[]
  }
  const { registry } = await openRegistry(REPOSITORY)
  const layout = registry.layouts.find(({ id }) => id === 'medical_claim/cdl/v1')
  const columns = layout?.slices.parse.columns ?? []
  expect(columns.map(({ name }) => name)).toEqual(medical.map(({ code }) => code))
  expect(columns).toHaveLength(165)
  const texts = medical.flatMap(({ code, maxLength, type }, at) =>
    type === 'text' && columns[at]?.type === 'string' ? [{ code, maxLength }] : [],
  )
  expect(texts.length).toBeGreaterThan(140)
  expect(
    texts.map(({ code }) => ({
      code,
      maxLength: columns.find(({ name }) => name === code)?.maxLength,
    })),
  ).toEqual(texts)
})
