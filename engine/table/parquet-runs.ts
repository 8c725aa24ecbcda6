/**
 * Small numbers of Parquet, levels and places in a dictionary, as runs and packed bits; as many as
 * are there whole. Pure. Source: parquet-format 2.11, «RLE / Bit-Packing Hybrid».
 */

const GROUP_VALUES = 8
const BITS_MAX = 32
const HEADER_BYTES_MAX = 5

export interface Runs {
  readonly numbers: Uint32Array
  /** of what they were read from: whole runs, and of the last one whole groups */
  readonly bytes: number
}

/** Reads up to `countMax` numbers. */
export function runsOf(bytes: Buffer, bits: number, countMax: number): Runs {
  const numbers = new Uint32Array(bits > BITS_MAX ? 0 : countMax)
  const widthBytes = Math.ceil(bits / 8)
  let [at, count] = [0, 0]
  while (count < numbers.length) {
    const head = headAt(bytes, at)
    if (head === undefined) break
    const wanted = Math.floor(head.value / 2) * (head.value % 2 === 1 ? GROUP_VALUES : 1)
    const most = Math.min(wanted, numbers.length - count)
    const start = at + head.bytes
    if (head.value % 2 === 0) {
      if (start + widthBytes > bytes.length) break
      numbers.fill(widthBytes === 0 ? 0 : bytes.readUIntLE(start, widthBytes), count, count + most)
      at = start + widthBytes
      count += most
      continue
    }
    const packed = bytes.subarray(start, start + (wanted / GROUP_VALUES) * bits)
    const there = bits === 0 ? most : Math.min(most, Math.floor((packed.length * 8) / bits))
    unpack(packed, bits, numbers.subarray(count, count + there))
    at = start + Math.ceil((Math.ceil(there / GROUP_VALUES) * GROUP_VALUES * bits) / 8)
    count += there
    if (there < most) break
  }
  return { numbers: numbers.subarray(0, count), bytes: Math.min(at, bytes.length) }
}

/** How many of a run; undefined: it is cut off, or no number. */
function headAt(
  bytes: Buffer,
  start: number,
): { readonly value: number; readonly bytes: number } | undefined {
  let [value, scale] = [0, 1]
  for (let at = 0; at < HEADER_BYTES_MAX; at += 1) {
    const byte = bytes[start + at]
    if (byte === undefined) return undefined
    value += (byte & 127) * scale
    if (byte < 128) return { value, bytes: at + 1 }
    scale *= 128
  }
  return undefined
}

/** Numbers of `bits` each, the lowest bit first. */
function unpack(packed: Buffer, bits: number, into: Uint32Array): void {
  const size = 2 ** bits
  let [held, heldBits, at] = [0, 0, 0]
  for (let place = 0; place < into.length; place += 1) {
    for (; heldBits < bits; heldBits += 8) {
      held += (packed[at] ?? 0) * 2 ** heldBits
      at += 1
    }
    into[place] = held % size
    held = Math.floor(held / size)
    heldBits -= bits
  }
}
