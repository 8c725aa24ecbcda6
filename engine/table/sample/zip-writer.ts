/** A small ZIP archive in memory, the same bytes for the same members: stored, and of no date. */
import { ZipFile } from 'yazl'

export interface ZipPart {
  readonly name: string
  readonly bytes: Buffer
}

/** The first date that a ZIP can tell; it holds local time, so that its zone does not matter. */
const NO_DATE = new Date(1980, 0, 1)

/** Writes the parts in their order. Names are relative and without backslashes. */
export async function zipBytes(parts: readonly ZipPart[]): Promise<Buffer> {
  const zip = new ZipFile()
  for (const { name, bytes } of parts) {
    zip.addBuffer(bytes, name, {
      mtime: NO_DATE,
      mode: 0o100_644,
      compress: false,
      forceDosTimestamp: true,
    })
  }
  zip.end()
  const blocks: Buffer[] = []
  for await (const block of zip.outputStream) blocks.push(Buffer.from(block))
  return Buffer.concat(blocks)
}
