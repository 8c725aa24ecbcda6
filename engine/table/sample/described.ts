/** The sample of a file that no sample can be made of: what it is, and why there is none. */
import { printableJson } from '../../core/printable.ts'
import type { RangedFile, Sample } from './contract.ts'

export interface Described {
  readonly file: Pick<RangedFile, 'name' | 'sizeBytes' | 'modifiedAt'>
  /** what the file is, as far as that is known: `parquet` */
  readonly kind: string
  /** one word of lower case and dashes: `encrypted` */
  readonly reason: string
  /** quotes nothing of the file */
  readonly detail?: string
  readonly readBytes: number
  readonly head: Buffer
}

/** A sample of facts about the file, as `.meta.json`: no byte of its content is in it. */
export function describedSample(described: Described): Sample {
  const { file, kind, reason, detail, readBytes, head } = described
  const { modifiedAt } = file
  const facts = {
    original: file.name,
    size: file.sizeBytes,
    ...(modifiedAt !== undefined && { mtime: modifiedAt }),
    type: kind,
    reason,
    ...(detail !== undefined && { detail }),
  }
  return {
    bytes: Buffer.from(`${printableJson(facts, 2)}\n`),
    extension: '.meta.json',
    format: 'described',
    records: 0,
    isWhole: false,
    isCut: false,
    readBytes,
    head,
    columns: [],
  }
}
