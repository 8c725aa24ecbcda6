/** What is left of a text that nobody may read, and which names are none. Pure. */
import { isNamePart } from './name-words.ts'
import type { TextCoding } from './text-record.ts'

/** Nothing of it survives but its shape: letters are x, digits 0, what is not ASCII is x. */
export function scrambledText(text: string): string {
  return text
    .replaceAll(/[A-Z]/g, 'X')
    .replaceAll(/[^\0-\x7f]|[a-z]/gu, 'x')
    .replaceAll(/\d/g, '0')
}

const SCRAMBLED = Buffer.from(
  Array.from({ length: 256 }, (_, byte) =>
    byte < 0x80 ? scrambledText(String.fromCharCode(byte)).charCodeAt(0) : 0x78,
  ),
)

/** The same for bytes of a file that cannot be read as text: as many bytes. */
export function scrambledBytes(source: Buffer, { encoding, isBigEndian }: TextCoding): Buffer {
  if (encoding !== 'utf-16') return Buffer.from(source.map((byte) => SCRAMBLED[byte] as number))
  const units = Buffer.from(source)
  for (let at = 0; at + 1 < units.length; at += 2) {
    const unit = isBigEndian ? units.readUInt16BE(at) : units.readUInt16LE(at)
    const other = SCRAMBLED[Math.min(unit, 0xff)] as number
    if (isBigEndian) units.writeUInt16BE(other, at)
    else units.writeUInt16LE(other, at)
  }
  return units
}

/** Cells that no header has: an address, or five digits and more without any letter. */
const RECORD_CELL = /^[^@\s]+@[^@\s]+\.[^@\s]+$|^(?=(?:\D*\d){5})[^\p{L}]+$/u

/** Whether what should be a header is more likely a record of data. */
export const looksLikeData = (names: readonly string[]): boolean =>
  names.some((name) => name.length <= NAME_CHARS_MAX && RECORD_CELL.test(name))

/** A longer one is looked at no further. */
const NAME_CHARS_MAX = 256

/** A number, an address or a date where a name should be. */
const DATA_IN_NAME = /\d{5}|@|\d{2}[-/.]\d{2}/

/** Whether a name holds what may be somebody's number, address or date. */
export const isDataInName = (name: string): boolean => DATA_IN_NAME.test(name)

/** A name of a header's cell; of one without a word of names the shape. `own` are surely names. */
export const nameText = (name: string, own: ReadonlySet<string>): string =>
  own.has(plainName(name)) || (!isDataInName(name) && isNamePart(name)) ? name : scrambledText(name)

/** Names are alike without case, blanks around them and a byte order mark. */
export const plainName = (name: string): string =>
  name
    .replace(/^\ufeff/, '')
    .trim()
    .toLowerCase()

/** What a file is, told by its name: never a person's. */
const KNOWN_EXTENSION =
  /(?:\.(?:csv|tsv|psv|tab|txt|dat|jsonl?|ndjson|xml|hl7|x12|edi|xlsx?|parquet|pdf|html?|log|md|sql|zip|tar|tgz|gz|gzip|bz2|zst)){1,2}$/i

/**
 * Names of an archive's members that tell nobody's: of each folder and stem the shape, the extension
 * as it is; a second one of the same shape ends in `-2`.
 */
export function hiddenNames(names: readonly string[]): readonly string[] {
  const met = new Map<string, number>()
  return names.map((name) => {
    const extension = KNOWN_EXTENSION.exec(name)?.[0] ?? ''
    const end = name.endsWith('/') ? '/' : extension
    const stem = scrambledText(name.slice(0, name.length - end.length))
    const before = met.get(stem + end) ?? 0
    met.set(stem + end, before + 1)
    return before === 0 ? stem + end : `${stem}-${before + 1}${end}`
  })
}
