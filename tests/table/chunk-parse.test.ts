import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { isEngineError } from '../../engine/core/errors.ts'
import type { ChunkContext } from '../../engine/table/chunk-context.ts'
import { parseChunk } from '../../engine/table/chunk-parse.ts'
import { ChunkWriter, type Chunk } from '../../engine/table/chunk-writer.ts'
import { DuckPool } from '../../engine/table/duck-pool.ts'
import { fieldGrammar } from '../../engine/table/grammar.ts'
import { landFile } from '../../engine/table/landing.ts'
import { column, parseSpec, scratchFolder } from './parsing.ts'

test('a record that SQL refuses and the grammar does not stops the parse', async () => {
  await using folder = await scratchFolder()
  await using duck = new DuckPool({ size: 1, folder: join(folder.path, 'duck') })
  const path = join(folder.path, 'a.txt')
  await writeFile(path, '1\n2\nAnn Smith\n4\n')
  const [scratch, out] = [join(folder.path, 'scratch'), join(folder.path, 'out')]
  await mkdir(out)
  const spec = parseSpec({}, { columns: [column('n', 'integer')] })
  const signal = new AbortController().signal
  const chunks: Chunk[] = []
  await landFile({
    file: { name: 'a', path },
    fileIndex: 0,
    firstRecord: 1,
    spec,
    writer: new ChunkWriter({ folder: scratch, chunkBytes: 1000, delimiter: '|' }),
    contentBytesMax: 1000,
    signal,
    accept: async (chunk) => void chunks.push(chunk),
  })
  const context: ChunkContext = {
    spec,
    // a grammar that takes any text, where the SQL wants integers
    grammars: new Map([['n', fieldGrammar(column('n'))]]),
    constants: [],
    declaredLastMonth: '2024-01',
    monthColumn: 'atomic_month',
    memoryMb: 200,
    scratch,
    out,
    duck,
    signal,
  }
  const job = { chunk: chunks[0] as Chunk, fields: spec.columns, file: 'a' }
  const error = await parseChunk(job, context).catch((e: unknown) => e)
  expect(isEngineError(error, 'ENGINE_DISAGREEMENT') && error.context).toMatchObject({
    file: 'a',
    record: 3,
  })
  expect(String(error)).not.toContain('Smith')
})
