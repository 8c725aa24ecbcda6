/** ZIP and tar archives in memory, as small as they can be: members are stored, not compressed. */
import { crc32 } from 'node:zlib'

export type Members = Readonly<Record<string, string | Buffer>>

/** A member that is encrypted already, in AE-2. */
export interface ShutMember {
  readonly bytes: Buffer
  readonly contentBytes: number
}

const AES_FIELD = Buffer.from('\x01\x99\x07\x00\x02\x00AE\x03\x00\x00', 'latin1')

/** A ZIP archive (APPNOTE 4.3) of stored members, and of encrypted ones behind them. */
export function zipOf(members: Members, shut: Readonly<Record<string, ShutMember>> = {}): Buffer {
  const locals: Buffer[] = []
  const directory: Buffer[] = []
  let at = 0
  const plain = Object.entries(members).map(([name, content]) => {
    const bytes = Buffer.from(content)
    return { name, bytes, sum: crc32(bytes), contentBytes: bytes.length, isShut: false }
  })
  const others = Object.entries(shut).map(([name, one]) => ({ name, ...one, sum: 0, isShut: true }))
  for (const { name, bytes, sum, contentBytes, isShut } of [...plain, ...others]) {
    const title = Buffer.from(name)
    const extra = isShut ? AES_FIELD : Buffer.alloc(0)
    const facts = Buffer.alloc(26)
    facts.writeUInt16LE(20, 0)
    facts.writeUInt16LE(isShut ? 0x0801 : 0x0800, 2) // names are UTF-8
    facts.writeUInt16LE(isShut ? 99 : 0, 4)
    facts.writeUInt32LE(sum, 10)
    facts.writeUInt32LE(bytes.length, 14)
    facts.writeUInt32LE(contentBytes, 18)
    facts.writeUInt16LE(title.length, 22)
    facts.writeUInt16LE(extra.length, 24)
    const local = Buffer.concat([Buffer.from('PK\x03\x04'), facts, title, extra, bytes])
    const rest = Buffer.alloc(14)
    rest.writeUInt32LE(at, 10)
    directory.push(Buffer.concat([Buffer.from('PK\x01\x02\x14\x00'), facts, rest, title, extra]))
    locals.push(local)
    at += local.length
  }
  const size = directory.reduce((sum, entry) => sum + entry.length, 0)
  const end = Buffer.alloc(22)
  end.write('PK\x05\x06', 'latin1')
  end.writeUInt16LE(directory.length, 8)
  end.writeUInt16LE(directory.length, 10)
  end.writeUInt32LE(size, 12)
  end.writeUInt32LE(at, 16)
  return Buffer.concat([...locals, ...directory, end])
}

const BLOCK_BYTES = 512

/** A tar archive (POSIX.1 ustar). */
export function tarOf(members: Members): Buffer {
  const blocks = Object.entries(members).flatMap(([name, content]) => {
    const bytes = Buffer.from(content)
    const head = Buffer.alloc(BLOCK_BYTES)
    head.write(name, 0)
    head.write(`0000644\0${'0'.repeat(7)}\0${'0'.repeat(7)}\0`, 100, 'latin1')
    head.write(`${bytes.length.toString(8).padStart(11, '0')}\0${'0'.repeat(11)}\0`, 124, 'latin1')
    head.write(`${' '.repeat(8)}0`, 148, 'latin1')
    head.write('ustar\x0000', 257, 'latin1')
    const sum = head.reduce((total, byte) => total + byte, 0)
    head.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
    const padding = Buffer.alloc((BLOCK_BYTES - (bytes.length % BLOCK_BYTES)) % BLOCK_BYTES)
    return [head, bytes, padding]
  })
  return Buffer.concat([...blocks, Buffer.alloc(2 * BLOCK_BYTES)])
}
