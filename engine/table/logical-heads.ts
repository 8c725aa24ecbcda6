/** The first bytes of what a file holds: what intake and routing look at before a parse. */
import { mkdtemp, open, rm, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import type { ContentSink } from './content-stream.ts'
import { DeliveredFile, type DeliveredFileOptions, type LogicalFile } from './delivered-file.ts'
import { packageKind } from './package-kind.ts'
import { ContentBudget, PACKAGE_LIMITS } from './package-limits.ts'
import { quotedField } from './sheet-text.ts'
import { failTable } from './table-failure.ts'
import { askTable } from './table-process.ts'
import type { SheetHead } from './table-protocol.ts'

export interface LogicalHead {
  /** '' for a file delivered by itself */
  readonly member: string
  /** decompressed; shorter than the member, most often */
  readonly head: Buffer
  /** of a workbook: its first sheets, as their first lines; of Parquet: one, its names */
  readonly sheets?: readonly SheetHead[]
}

/** Every member is looked at, whatever a layout makes of it. */
const ANY = '.*'
/** So many members have a long head; the others have enough to be told by. 16 MiB in all. */
const LONG_HEADS = 32
const LONG_HEAD_BYTES = 256 * 1024
const SHORT_HEAD_BYTES = 8 * 1024
/** So many workbooks of a package are opened, and so many sheets and rows of each. */
const WORKBOOKS = 8
const SHEETS = { sheetsMax: 16, rowsMax: 1024, bytesMax: 256 * 1024 }

export interface HeadsRequest extends Pick<
  DeliveredFileOptions,
  'name' | 'path' | 'secrets' | 'signal'
> {
  /** absolute, and there; workbooks are copied into a folder of their own in it */
  readonly scratch: string
}

/**
 * Of the file itself, or of each member of a ZIP or tar archive, in its order. Inflates no more of a
 * ZIP than that; a tar is read to its end, and a workbook too. Throws PARSE_FAILED for a package
 * that no sound program makes, and for a damaged workbook.
 */
export async function logicalHeads(request: HeadsRequest): Promise<readonly LogicalHead[]> {
  const { scratch, ...options } = request
  const budget = new ContentBudget(PACKAGE_LIMITS)
  const delivered = new DeliveredFile({ ...options, members: ANY, format: 'any', budget })
  const heads: LogicalHead[] = []
  const folder = await mkdtemp(join(scratch, 'tributary-heads-'))
  try {
    for await (const file of delivered.logicalFiles()) {
      const bytes = heads.length < LONG_HEADS ? LONG_HEAD_BYTES : SHORT_HEAD_BYTES
      const books = heads.filter(({ sheets }) => sheets !== undefined).length
      const path = books < WORKBOOKS ? join(folder, 'workbook') : undefined
      heads.push({ member: file.member ?? '', ...(await headOf(file, { bytes, path, request })) })
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
  return heads
}

/** `path`: where a workbook may be copied; undefined: it is not opened. */
async function headOf(
  file: LogicalFile,
  {
    bytes,
    path,
    request,
  }: { readonly bytes: number; readonly path: string | undefined; readonly request: HeadsRequest },
): Promise<Omit<LogicalHead, 'member'>> {
  let copy: Promise<FileHandle> | undefined
  let isBook = false
  const whole = (first: Buffer): ContentSink | undefined => {
    const kind = packageKind(first)
    if (path === undefined || (kind !== 'xlsx' && kind !== 'parquet')) return undefined
    isBook = kind === 'xlsx'
    const opened = open(path, 'w')
    copy = opened
    return async (window) => (await opened).writeFile(window)
  }
  let head: Buffer
  try {
    head = await file.head(bytes, whole)
  } finally {
    await (await copy)?.close()
  }
  if (path === undefined || copy === undefined) return { head }
  const { signal } = request
  if (isBook) {
    const reply = await askTable({ task: 'heads', path, ...SHEETS }, signal)
    return 'fault' in reply ? failTable(file.name, reply) : { head, sheets: reply.heads }
  }
  const reply = await askTable({ task: 'footer', path, pages: false }, signal)
  if ('fault' in reply) failTable(file.name, reply)
  return { head, sheets: [{ name: '', text: `${reply.columns.map(quotedField).join(',')}\n` }] }
}
