/**
 * One line of a processed manifest: a raw file, where it went, and what tells its content. Pure.
 *
 * The first three members are seed 002's; what else stands in a line of somebody else is passed
 * over. A line is at most 16 KiB with its end.
 */
import { isUtf8 } from 'node:buffer'
import { z } from 'zod'
import { hasInvisible } from '../engine/index.ts'

export const LINE_BYTES_MAX = 16 * 1024
/** In characters: as long as a path may be on Linux. */
const PATH_MAX = 4096
/** Of years 1 to 9999, in seconds. */
const TIME_MIN = -62_135_596_800
const TIME_MAX = 253_402_300_799

const path = z
  .string()
  .min(1)
  .max(PATH_MAX)
  // A lone surrogate has no bytes: two different ones would be the same name in a database.
  .refine((text) => text.isWellFormed() && !hasInvisible(text))

const entryDocument = z.object({
  raw: path,
  bronze: path,
  mtime: z.number().min(TIME_MIN).max(TIME_MAX),
  size: z.int().min(0).exactOptional(),
  sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .exactOptional(),
  seq: z.int().min(0).exactOptional(),
})

/**
 * What became of one file. Of the road's own, `raw` is `inbox:{path}` or `project:{path}`, or an
 * absolute path outside both, and `bronze` is `store:{path}`: they hold wherever a project lies, in
 * a folder or a bucket. Of others both are paths, relative to the version's folder or absolute.
 */
export interface ProcessedEntry {
  readonly raw: string
  readonly bronze: string
  /** of the raw file, in seconds since 1970 */
  readonly mtime: number
  /** in bytes */
  readonly size?: number
  /** in hex, lower case */
  readonly sha256?: string
  /** of the road's own lines: its number of a landed file, rising by one over all places */
  readonly seq?: number
}

/** The line of an entry, with its end. Throws RangeError where it would be no line of a manifest. */
export function processedLine(entry: ProcessedEntry): string {
  const parsed = entryDocument.safeParse(entry)
  if (!parsed.success) throw new RangeError(`no entry of a manifest: ${formFault(parsed.error)}`)
  const { raw, bronze, mtime, size, sha256, seq } = parsed.data
  const line = `${JSON.stringify({ raw, bronze, mtime, size, sha256, seq })}\n`
  if (Buffer.byteLength(line) > LINE_BYTES_MAX) {
    throw new RangeError(`a line of a manifest is at most ${LINE_BYTES_MAX} bytes`)
  }
  return line
}

/** A line without its end. A fault is in words that quote nothing of it. */
export function parseProcessedLine(
  bytes: Buffer,
): { readonly entry: ProcessedEntry } | { readonly fault: string } {
  if (bytes.length >= LINE_BYTES_MAX) return { fault: 'it is longer than 16 KiB' }
  if (!isUtf8(bytes)) return { fault: 'it is not UTF-8' }
  let json: unknown
  try {
    json = JSON.parse(bytes.toString())
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    return { fault: 'it is not JSON' }
  }
  const parsed = entryDocument.safeParse(json)
  return parsed.success ? { entry: parsed.data } : { fault: formFault(parsed.error) }
}

/** Which member is out of form; the schema's own words may tell of what is there. */
function formFault({ issues: [first] }: z.ZodError): string {
  const [member] = first?.path ?? []
  return member === undefined
    ? 'it is no object'
    : `its ${String(member)} is missing or out of form`
}
