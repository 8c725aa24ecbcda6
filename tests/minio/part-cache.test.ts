import {
  existsSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  utimesSync,
  writeFileSync,
  chmodSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { sha256 } from '../../engine/index.ts'
import { PartCache } from '../../minio/part-cache.ts'
import { rejectedCode } from '../support/error-code.ts'

let folder: string
let opened: string[]
/** What the store holds now; a list is given out one after the other. */
let stored: Record<string, string | (() => Readable)>
beforeEach(() => {
  folder = join(mkdtempSync(join(tmpdir(), 'tributary-cache-')), 'cache')
  opened = []
  stored = {}
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const cacheOf = (bytesMax = 1 << 20): PartCache =>
  new PartCache({
    folder,
    bytesMax,
    open: async (path) => {
      opened.push(path)
      const found = stored[path]
      return typeof found === 'string' ? Readable.from([Buffer.from(found)]) : found?.()
    },
  })
const part = (path: string, text: string) => ({
  path,
  sizeBytes: Buffer.byteLength(text),
  sha256: sha256(text),
})
const copies = (): readonly string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'utf8'))
    .toSorted()

test('a part is downloaded once for all who ask, and again by none', async () => {
  stored['a.r1-1.parquet'] = 'one'
  const cache = cacheOf()
  const asked = part('a.r1-1.parquet', 'one')
  const files = await Promise.all([cache.fetch(asked), cache.fetch(asked), cache.fetch(asked)])
  expect(new Set(files).size).toBe(1)
  // The same bytes under another key are the same copy; another process finds it too.
  expect(await cacheOf().fetch(part('b.r2-1.parquet', 'one'))).toBe(files[0])
  expect(opened).toEqual(['a.r1-1.parquet'])
  expect(files[0]?.endsWith('.parquet')).toBe(true)
})

test('a copy that was changed is never handed out', async () => {
  stored['a'] = 'one'
  const cache = cacheOf()
  const file = await cache.fetch(part('a', 'one'))
  chmodSync(file, 0o600)
  writeFileSync(file, 'two')
  expect(readFileSync(await cache.fetch(part('a', 'one')), 'utf8')).toBe('one')
  expect(opened).toEqual(['a', 'a'])
})

test('bytes that differ are asked for once more; then the part has changed', async () => {
  stored['a'] = 'two'
  expect(await rejectedCode(cacheOf().fetch(part('a', 'one')))).toBe('PART_CHANGED')
  expect(opened).toEqual(['a', 'a'])
  expect(await rejectedCode(cacheOf().fetch(part('none', 'one')))).toBe('PART_MISSING')
  expect(copies()).toEqual([])
})

test('a stream that breaks is begun again, three times at most', async () => {
  let breaks = 2
  stored['a'] = () =>
    breaks-- > 0
      ? Readable.from(
          (function* broken() {
            yield Buffer.from('o')
            throw new Error('connection reset')
          })(),
        )
      : Readable.from([Buffer.from('one')])
  const cache = cacheOf()
  expect(readFileSync(await cache.fetch(part('a', 'one')), 'utf8')).toBe('one')
  breaks = 3
  await expect(cache.fetch({ ...part('a', 'oneo') })).rejects.toThrow('connection reset')
  expect(opened.length).toBe(6)
})

test('beyond its limit the copies fetched longest ago go, but none of the last hour', async () => {
  const cache = cacheOf(250)
  const text = (at: number): string => `${at}`.repeat(100)
  const fetch = async (at: number): Promise<string> => {
    stored[`p${at}`] = text(at)
    return cache.fetch(part(`p${at}`, text(at)))
  }
  const files = [await fetch(1), await fetch(2)]
  const old = (hours: number): Date => new Date(Date.now() - hours * 3_600_000)
  utimesSync(files[0] ?? '', old(5), old(5))
  utimesSync(files[1] ?? '', old(2), old(2))
  await fetch(1)
  await fetch(3)
  expect(copies()).toEqual([text(1), text(3)])
  await fetch(4)
  await fetch(5)
  expect(copies()).toEqual([text(1), text(3), text(4), text(5)])
})

test('a download that a dead process left is removed a day later', async () => {
  const cache = cacheOf(0)
  stored['a'] = 'one'
  const file = await cache.fetch(part('a', 'one'))
  const left = `${file}.1-1.tmp`
  writeFileSync(left, 'half')
  utimesSync(left, new Date(0), new Date(0))
  stored['b'] = 'two'
  await cache.fetch(part('b', 'two'))
  expect([existsSync(left), existsSync(file)]).toEqual([false, true])
})
