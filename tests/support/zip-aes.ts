/** ZIP archives of AES-256 members in memory, written block by block as the specification says. */
import { createCipheriv, createHmac, pbkdf2Sync } from 'node:crypto'
import type { Members } from './zip.ts'
import { zipOf } from './zip.ts'

/** AE-2, stored: salt, check of the secret, content, authentication code. */
function encrypted(content: Buffer, secret: string): Buffer {
  const salt = Buffer.from('sixteen bytes of')
  const keys = pbkdf2Sync(secret, salt, 1000, 66, 'sha1')
  const cipher = createCipheriv('aes-256-ecb', keys.subarray(0, 32), null)
  const bytes = Buffer.from(content)
  for (let start = 0; start < bytes.length; start += 16) {
    const counter = Buffer.alloc(16)
    counter.writeUInt32LE(start / 16 + 1)
    const mask = cipher.update(counter)
    for (let at = start; at < Math.min(start + 16, bytes.length); at += 1) {
      bytes[at] = (bytes[at] ?? 0) ^ (mask[at - start] ?? 0)
    }
  }
  const code = createHmac('sha1', keys.subarray(32, 64)).update(bytes).digest().subarray(0, 10)
  return Buffer.concat([salt, keys.subarray(64), bytes, code])
}

/** With a secret the members are encrypted; `plain` ones are not. */
export const aesZipOf = (members: Members, secret: string, plain: Members = {}): Buffer => {
  const shut = Object.entries(members).map(([name, content]) => {
    const bytes = Buffer.from(content)
    return [name, { bytes: encrypted(bytes, secret), contentBytes: bytes.length }] as const
  })
  return zipOf(plain, Object.fromEntries(shut))
}
