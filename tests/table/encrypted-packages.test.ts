/** Encrypted members: the right secret opens them, and nothing that was changed comes out. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { inspect as shown } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { PackageSecret } from '../../engine/table/package-secret.ts'
import {
  ARCHIVED,
  ARCHIVED_SECRET,
  FOREIGN_ARCHIVES,
  WEAK_ARCHIVES,
} from '../support/encrypted-archives.ts'
import { aesZipOf } from '../support/zip-aes.ts'
import { scratchFolder } from './parsing.ts'
import type { Reading } from './read-package.ts'
import { isRefusal, readPackage } from './read-package.ts'

let folder: Awaited<ReturnType<typeof scratchFolder>>
beforeAll(async () => {
  folder = await scratchFolder()
})
afterAll(async () => folder[Symbol.asyncDispose]())

let count = 0
/** Text of each logical file, by name; or the reason it is refused for, with its words. */
async function read(
  bytes: Buffer,
  values: readonly (string | undefined)[],
  how: Pick<Reading, 'members' | 'limits'> = {},
) {
  const path = join(folder.path, `package-${(count += 1)}`)
  await writeFile(path, bytes)
  const secrets = values.map((value, at) => new PackageSecret(`SECRET_${at + 1}`, value))
  const found = await readPackage(path, { ...how, secrets: async () => secrets })
  return isRefusal(found) ? `${found.reason}: ${found.detail}` : found
}

describe.each(Object.entries(FOREIGN_ARCHIVES))('as %s packs it', (_, bytes) => {
  test('the secret opens it, also behind one that does not', async () => {
    const found = { 'p!claims.csv': ARCHIVED }
    expect(await read(bytes, [ARCHIVED_SECRET])).toEqual(found)
    expect(await read(bytes, ['last year', undefined, ARCHIVED_SECRET])).toEqual(found)
  })

  test('without it the words say which to set', async () => {
    expect(await read(bytes, [])).toMatch(/^PACKAGE_SECRET: .*secret_refs/)
    expect(await read(bytes, [undefined])).toMatch(
      /^PACKAGE_SECRET: .*no secret is set; set SECRET_1$/,
    )
    const wrong = await read(bytes, ['wrong', undefined])
    expect(wrong).toMatch(/^PACKAGE_SECRET: .*and SECRET_1 does not open it/)
    expect(wrong).toMatch(/not set: SECRET_2$/)
  })

  test('one changed byte anywhere in the member refuses it before a byte comes out', async () => {
    // The start of its bytes: behind the name and the extra field of the local header.
    const start = 30 + bytes.readUInt16LE(26) + bytes.readUInt16LE(28)
    const end = bytes.indexOf('PK', start)
    for (let at = start; at < end; at += 13) {
      const changed = Buffer.from(bytes)
      changed[at] = (changed[at] ?? 0) ^ 1
      expect([at, await read(changed, [ARCHIVED_SECRET])]).toEqual([
        at,
        expect.stringMatching(/^PACKAGE_(?:SECRET|CORRUPT)/),
      ])
    }
  })

  test('cut anywhere it is refused', async () => {
    for (let length = 30; length < bytes.length; length += 37) {
      const found = await read(bytes.subarray(0, length), [ARCHIVED_SECRET])
      expect([length, found]).toEqual([length, expect.stringMatching(/^PACKAGE_/)])
    }
  })
})

test.each(Object.entries(WEAK_ARCHIVES))('%s is refused, with the secret too', async (_, bytes) => {
  const words = /^PACKAGE_ENCRYPTED: .*pack it with AES-256$/
  expect(await read(bytes, [ARCHIVED_SECRET])).toMatch(words)
})

test('plain members beside encrypted ones are read; alone they need no secret', async () => {
  const bytes = aesZipOf({ 'a.csv': '1|a\n' }, 'one', { 'b.csv': '2|b\n' })
  const both = { 'p!a.csv': '1|a\n', 'p!b.csv': '2|b\n' }
  expect(await read(bytes, ['one'], { members: '.*' })).toEqual(both)
  expect(await read(bytes, [], { members: 'b[.]csv' })).toEqual({ 'p!b.csv': '2|b\n' })
})

test('members of any length are read, past every block of the counter', async () => {
  for (const bytes of [0, 1, 15, 16, 17, 65_535, 65_536, 65_537, 300_001]) {
    const text = 'synthetic '.repeat(30_001).slice(0, bytes)
    expect(await read(aesZipOf({ 'a.csv': text }, 'one'), ['one'])).toEqual({ 'p!a.csv': text })
  }
})

test('the limits hold for what is encrypted', async () => {
  const pack = (text: string) => aesZipOf({ 'a.csv': text }, 'one')
  const limits = { contentBytes: 6 }
  expect(await read(pack('123456'), ['one'], { limits })).toEqual({ 'p!a.csv': '123456' })
  expect(await read(pack('1234567'), ['one'], { limits })).toMatch(/^TOO_LARGE/)
})

test('a member that is longer than the archive says is refused', async () => {
  const bytes = aesZipOf({ 'a.csv': '1|a\n2|b\n' }, 'one')
  const said = bytes.lastIndexOf('PK\x01\x02') + 24
  for (const wrong of [7, 9]) {
    bytes.writeUInt32LE(wrong, said)
    expect(await read(bytes, ['one'])).toMatch(/^PACKAGE_CORRUPT/)
  }
})

test('where the archive has a checksum as well it is checked as well', async () => {
  const bytes = Buffer.from(FOREIGN_ARCHIVES['pyzipper 0.4.0, AE-1'] as Buffer)
  const sum = bytes.lastIndexOf('PK\x01\x02') + 16
  bytes[sum] = (bytes[sum] ?? 0) ^ 1
  expect(await read(bytes, [ARCHIVED_SECRET])).toMatch(/^PACKAGE_CORRUPT: .*checksum/)
})

test('a secret is in nothing that is printed, compared or sent', () => {
  const secret = new PackageSecret('SECRET_1', 'correct horse')
  const printed = [JSON.stringify(secret), String(secret), shown(secret, { showHidden: true })]
  expect(printed.join(' ')).not.toContain('correct')
  expect(Object.values(secret)).toEqual(['SECRET_1'])
})
