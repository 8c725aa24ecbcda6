/** Samples of Parquet files: the first rows of the first row group, and nothing that is damaged. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { sampleParquet } from '../../../engine/table/sample/sample-parquet.ts'
import { dataFolder } from '../../support/scenario.ts'
import { fileAt, reasonOf, requestOf } from './packed-files.ts'

const DESCRIBED = {
  'datapage_v1-corrupt-checksum.parquet': 'corrupt',
  'dict-page-offset-zero.parquet': 'corrupt', // a list of the footer has another type
  'large_string_map.brotli.parquet': 'too-large', // a page of over 2 GB
  'nation.dict-malformed.parquet': 'corrupt', // a page reaches beyond its column
  'repeated_no_annotation.parquet': 'corrupt', // its footer counts other rows than there are
  'rle-dict-uncompressed-corrupt-checksum.parquet': 'corrupt',
}

test('of other people’s files each gives a sample, or is described with a word', async (context) => {
  const suite = dataFolder('suites/parquet-testing/data')
  if (suite === undefined) return context.skip()
  const described: Record<string, string> = {}
  for (const name of readdirSync(suite).filter((one) => /[.]parquet([.]encrypted)?$/.test(one))) {
    const sample = await sampleParquet(requestOf(fileAt(join(suite, name))))
    const reason = reasonOf(sample)
    if (reason !== undefined && reason !== 'encrypted') described[name] = reason
  }
  expect(described).toEqual(DESCRIBED)
})
