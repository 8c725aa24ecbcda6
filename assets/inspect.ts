/** Looks at one delivered file: its digest, what it really is, and its first records. */
import { createHash } from 'node:crypto'
import { constants, createGunzip } from 'node:zlib'
import { firstRecords } from '../engine/index.ts'
import type { FirstRecords } from '../registry/layout-fit.ts'
import type { Layout } from '../registry/layout.ts'
import type { DeliveredFile } from '../registry/route.ts'
import { monthOf } from '../registry/routing.ts'
import type { Refusal } from '../registry/sniff.ts'
import { SNIFF_BYTES, innerName, quarantineReason, sniff } from '../registry/sniff.ts'

/** Bytes of the file that are kept to look at; a stream gives them in blocks of any size. */
const START_BYTES = 1 << 20
/** Decompressed bytes that routing may look at. */
const HEAD_BYTES = 256 * 1024

export interface InspectedFile {
  /** how the catalog names its bytes */
  readonly source: string
  readonly name: string
  readonly sizeBytes: number
  readonly sha256: string
  /** why it is not data; undefined: it goes on */
  readonly refusal: Refusal | undefined
  /** decompressed first bytes */
  readonly head: Buffer
}

/** Reads the file once; throws what its bytes throw. */
export async function inspect({
  source,
  name,
  bytes,
}: {
  readonly source: string
  readonly name: string
  readonly bytes: AsyncIterable<Buffer>
}): Promise<InspectedFile> {
  const sum = createHash('sha256')
  const start: Buffer[] = []
  let startBytes = 0
  let sizeBytes = 0
  for await (const block of bytes) {
    sum.update(block)
    sizeBytes += block.length
    if (startBytes >= START_BYTES) continue
    start.push(block)
    startBytes += block.length
  }
  const first = Buffer.concat(start)
  const sniffed = sniff(first.subarray(0, SNIFF_BYTES), name)
  const file = { source, name, sizeBytes, sha256: sum.digest('hex') }
  const refusal = quarantineReason(sniffed, name)
  if (refusal !== undefined) return { ...file, refusal, head: Buffer.alloc(0) }
  if (sniffed.kind !== 'gzip') return { ...file, refusal, head: first.subarray(0, HEAD_BYTES) }
  const head = await gunzipHead(first)
  const inner = innerName(name)
  const inside = sniff(head.subarray(0, SNIFF_BYTES), inner)
  return { ...file, head, refusal: quarantineReason(inside, inner, { inside: 'gzip' }) }
}

/** The first decompressed bytes; a broken stream gives what there was: the parse will say so. */
async function gunzipHead(first: Buffer): Promise<Buffer> {
  const gunzip = createGunzip({ finishFlush: constants.Z_SYNC_FLUSH })
  gunzip.end(first)
  const blocks: Buffer[] = []
  let bytes = 0
  try {
    for await (const block of gunzip) {
      blocks.push(block as Buffer)
      bytes += (block as Buffer).length
      if (bytes >= HEAD_BYTES) break
    }
  } catch (error) {
    if (blocks.length === 0 && !(error instanceof Error)) throw error
  }
  return Buffer.concat(blocks).subarray(0, HEAD_BYTES)
}

/** What routing asks of a file: its first records as each layout's dialect reads them. */
export function describe(file: InspectedFile, layouts: readonly Layout[]): DeliveredFile {
  const byLayout: Record<string, FirstRecords> = {}
  for (const { id, slices } of layouts) {
    if (slices.route.status !== 'ACTIVE') continue
    const { control, fields, ...found } = firstRecords(file.head, slices.parse)
    const values = control.find((one) => one.role === 'header')?.values ?? {}
    const first = monthOf(values.periodBegin ?? '')
    const last = monthOf(values.periodEnd ?? '')
    byLayout[id] = {
      ...(fields && { columnCount: fields.length }),
      ...(fields && slices.parse.dialect.header && { headerNames: fields }),
      ...found,
      ...(values.layoutVersion !== undefined && { controlVersion: values.layoutVersion }),
      ...(values.fileType !== undefined && { controlFileType: values.fileType }),
      ...(values.testFlag !== undefined && { testFlag: /^t/i.test(values.testFlag) }),
      ...(first !== undefined && last !== undefined && { controlPeriod: { first, last } }),
    }
  }
  return { name: file.name, byLayout }
}
