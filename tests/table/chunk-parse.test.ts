import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { isEngineError } from '../../engine/core/errors.ts'
import type { ChunkContext, ChunkJob } from '../../engine/table/chunk-context.ts'
import { parseChunk } from '../../engine/table/chunk-parse.ts'
import { ChunkWriter } from '../../engine/table/chunk-writer.ts'
import { DeliveredFile } from '../../engine/table/delivered-file.ts'
import { DuckPool } from '../../engine/table/duck-pool.ts'
import { fieldGrammar } from '../../engine/table/grammar.ts'
import { landFile } from '../../engine/table/landing.ts'
import type { ColumnSpec, ParseSpec } from '../../engine/table/spec.ts'
import { ContentBudget, PACKAGE_LIMITS } from '../../engine/table/package-limits.ts'
import { column, parseSpec, scratchFolder } from './parsing.ts'

interface Trial {
  readonly text: string
  readonly spec: ParseSpec
  /** what the grammar takes each column for, whatever SQL does */
  readonly grammar: readonly ColumnSpec[]
  readonly refused?: readonly number[]
}

/** Parses the one chunk of a text with a grammar of its own; gives the error and what is left. */
async function disagreement({ text, spec, grammar, refused = [] }: Trial) {
  await using folder = await scratchFolder()
  await using duck = new DuckPool({ size: 1, folder: join(folder.path, 'duck') })
  const path = join(folder.path, 'a.txt')
  await writeFile(path, text)
  const [scratch, out] = [join(folder.path, 'scratch'), join(folder.path, 'out')]
  await mkdir(out)
  const { signal } = new AbortController()
  const jobs: ChunkJob[] = []
  const budget = new ContentBudget(PACKAGE_LIMITS)
  const delivered = new DeliveredFile({
    name: 'a',
    path,
    members: undefined,
    format: undefined,
    budget,
    signal,
  })
  const [file] = await Array.fromAsync(delivered.logicalFiles())
  if (file === undefined) throw new Error('a text is a logical file')
  await landFile({
    file,
    fileIndex: 0,
    firstRecord: 1,
    spec,
    writer: new ChunkWriter({ folder: scratch, chunkBytes: 1000, delimiter: '|' }),
    accept: async ({ chunk, fields }) =>
      void jobs.push({ chunk, fields, file: 'a', refused: new Set(refused) }),
  })
  const context: ChunkContext = {
    spec,
    grammars: new Map(grammar.map((one) => [one.name, fieldGrammar(one)])),
    constants: [],
    declaredMonth: '2024-01',
    monthColumn: 'atomic_month',
    memoryMb: 200,
    scratch,
    out,
    duck,
    signal,
  }
  const error = await parseChunk(jobs[0] as ChunkJob, context).catch((e: unknown) => e)
  if (!isEngineError(error, 'ENGINE_DISAGREEMENT')) throw error
  return { ...error.context, text: String(error), left: await readdir(out) }
}

const INTEGER = parseSpec({}, { columns: [column('n', 'integer')] })

test('a record that SQL refuses and the grammar does not stops the parse', async () => {
  const found = await disagreement({
    text: '1\n2\nAnn Smith\n4\n',
    spec: INTEGER,
    grammar: [column('n')],
  })
  expect(found).toMatchObject({ file: 'a', record: 3, left: [] })
  expect(found.what).toBe('was not accepted by SQL, and the grammar finds no fault in it')
  expect(found.text).not.toContain('Smith')
})

test('a record that the grammar refused beforehand and SQL accepts stops the parse', async () => {
  const found = await disagreement({
    text: '1\n2\n3\n',
    spec: INTEGER,
    grammar: [column('n', 'integer')],
    refused: [2],
  })
  expect(found).toMatchObject({ file: 'a', record: 2, left: [] })
  expect(found.what).toBe('was accepted by SQL, and the grammar finds a fault in it')
})

test('a value that SQL wrote otherwise than the grammar reads it stops the parse', async () => {
  const money = (scale: number) => column('paid', 'decimal', { precision: 12, scale })
  const found = await disagreement({
    text: 'Ann|1.50\nBo|\nCy|77.25\n',
    spec: parseSpec({}, { columns: [column('name'), money(2)] }),
    grammar: [column('name'), money(3)],
  })
  expect(found).toMatchObject({ file: 'a', record: 1, left: [] })
  expect(found.what).toBe('was written otherwise than the grammar reads it: column paid')
  expect(found.text).not.toMatch(/Ann|1\.50|77/)
})
