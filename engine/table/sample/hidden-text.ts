/** What is left of a text that nobody may read, and which names are none. Pure. */
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

/** A name of a column or member; of one that looks like data only the shape. */
export const nameText = (name: string): string =>
  DATA_IN_NAME.test(name) ? scrambledText(name) : name
