/** What packs files, told by first bytes: RFC 1952 gzip, APPNOTE 4.3.7 ZIP, POSIX.1 ustar tar. */

export type PackageKind = 'gzip' | 'zip' | 'tar' | 'plain'

export const PACKAGE_WORDS: Readonly<Record<Exclude<PackageKind, 'plain'>, string>> = {
  gzip: 'gzip-compressed data',
  zip: 'a ZIP archive',
  tar: 'a tar archive',
}

const USTAR_AT = 257
/** First bytes that `packageKind` wants. */
export const MAGIC_BYTES = USTAR_AT + 5

const ZIP = ['PK\x03\x04', 'PK\x05\x06', 'PK\x07\x08']

/** What packs the bytes behind these first ones, at best MAGIC_BYTES of them. */
export function packageKind(head: Buffer): PackageKind {
  if (head[0] === 0x1f && head[1] === 0x8b) return 'gzip'
  if (ZIP.includes(head.toString('latin1', 0, 4))) return 'zip'
  return head.toString('latin1', USTAR_AT, MAGIC_BYTES) === 'ustar' ? 'tar' : 'plain'
}
