/**
 * The footer of a Parquet file, read by another implementation than the one that wrote it.
 *
 * Every part is checked so before it is committed. parquet-wasm (5 MB) is loaded at the first use;
 * only the tail of the file is read, whatever its size.
 */
import { openAsBlob } from 'node:fs'
import { basename } from 'node:path'
import { EngineError } from '../core/errors.ts'
import { readArrowSchema, type FooterColumn } from './arrow-schema.ts'

export interface Footer {
  readonly rows: number
  readonly rowGroups: number
  /** in file order */
  readonly columns: readonly FooterColumn[]
}

/** Reads the footer of a file (by path) or of bytes. Throws PART_INVALID when there is none. */
export async function readFooter(source: string | Uint8Array<ArrayBuffer>): Promise<Footer> {
  const part = typeof source === 'string' ? basename(source) : 'given as bytes'
  const blob = typeof source === 'string' ? await openAsBlob(source) : new Blob([source])
  const { ParquetFile } = await import('parquet-wasm')
  try {
    using file = await ParquetFile.fromFile(blob)
    using metadata = file.metadata()
    using fileMetadata = metadata.fileMetadata()
    return {
      rows: fileMetadata.numRows(),
      rowGroups: metadata.numRowGroups(),
      // takes the schema with it: nothing to free
      columns: readArrowSchema(file.schema().intoIPCStream()),
    }
  } catch (error) {
    throw new EngineError('PART_INVALID', { part, what: 'no readable footer' }, { cause: error })
  }
}

/** Asserts rows and columns (names, types, order) of a written part. Throws PART_INVALID. */
export async function checkPart(
  path: string,
  want: { readonly rows: number; readonly columns: readonly FooterColumn[] },
): Promise<void> {
  const footer = await readFooter(path)
  const part = basename(path)
  const fail = (what: string): never => {
    throw new EngineError('PART_INVALID', { part, what })
  }
  if (footer.rows !== want.rows) fail(`${footer.rows} rows where ${want.rows} were written`)
  if (footer.columns.length !== want.columns.length) {
    fail(`${footer.columns.length} columns where ${want.columns.length} were written`)
  }
  for (const [index, { name, type }] of want.columns.entries()) {
    const found = footer.columns[index]
    if (found?.name !== name) fail(`column ${index + 1} is not ${name}`)
    if (found?.type !== type) fail(`column ${name} is ${found?.type}, not ${type}`)
  }
}
