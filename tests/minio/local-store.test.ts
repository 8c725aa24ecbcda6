import {
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { ObjectStore, StagePart } from '../../engine/index.ts'
import { sha256 } from '../../engine/index.ts'
import { openLocalStore } from '../../minio/local-store.ts'
import { errorCode, rejectedCode } from '../support/error-code.ts'

let root: string
let store: ObjectStore
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'tributary-store-'))
  store = openLocalStore({ root: join(root, 'store') })
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

const at = (path: string): string => join(root, 'store', path)
const bytes = (text: string) => ({
  source: { bytes: Buffer.from(text) },
  sizeBytes: text.length,
  sha256: sha256(text),
})

/** Stages; a folder is undone by its name, so nothing is noted. */
const stage = async (folder: string, parts: readonly StagePart[]): Promise<readonly string[]> =>
  store.stage(folder, parts, async () => undefined)

/** Stages and shows parts, as an attempt and its publication do. */
async function show(
  path: string,
  attempt: string,
  { mode = 'folder', ...parts }: Readonly<Record<string, string>> & { mode?: 'folder' | 'files' },
) {
  const folder = store.folderFor(path, attempt)
  const names = Object.keys(parts)
  const paths = await stage(
    folder,
    Object.entries(parts).map(([name, text]) => ({ name, ...bytes(text) })),
  )
  await store.sync([folder])
  const shown = names.map((name, place) => ({ name, path: paths[place] ?? '' }))
  await store.project({ path, mode, current: { parts: shown } })
  return folder
}

test('nothing that is staged is visible before it is shown', async () => {
  const folder = store.folderFor('gold/m=1', '@r1-1')
  await stage(folder, [{ name: 'part', ...bytes('x') }])
  expect(existsSync(at('gold'))).toBe(false)
  await store.abort([folder])
  await store.abort([folder])
  expect(readdirSync(at('.versions/gold/m=1'))).toEqual([])
})

test('a folder is swapped whole, by a relative link', async () => {
  await show('gold/m=1', '@r1-1', { a: '1', b: '1' })
  await show('gold/m=1', '@r1-2', { a: '2' })
  expect(readdirSync(at('gold/m=1'))).toEqual(['a'])
  expect(readFileSync(at('gold/m=1/a'), 'utf8')).toBe('2')
  expect(readlinkSync(at('gold/m=1'))).toBe('../.versions/gold/m=1/@r1-2')
  await store.project({ path: 'gold/m=1', mode: 'folder', current: undefined })
  await store.project({ path: 'gold/m=1', mode: 'folder', current: undefined })
  expect(readdirSync(at('gold'))).toEqual([])
})

test('files stand beside what others put there, and only ours are removed', async () => {
  await show('silver/s', '@r1-1', { mode: 'files', a: '1', b: '1' })
  await show('silver/s/month', '@r1-1', { part: 'm' })
  writeFileSync(at('silver/s/theirs.txt'), 'a person’s')
  await show('silver/s', '@r1-2', { mode: 'files', b: '2' })
  expect(readdirSync(at('silver/s')).toSorted()).toEqual(['b', 'month', 'theirs.txt'])
  await store.project({ path: 'silver/s', mode: 'files', current: undefined })
  expect(readdirSync(at('silver/s')).toSorted()).toEqual(['month', 'theirs.txt'])
})

test('a folder of a person’s at a published path is never removed', async () => {
  mkdirSync(at('gold/m=1'), { recursive: true })
  writeFileSync(at('gold/m=1/kept.txt'), 'theirs')
  await store.project({ path: 'gold/m=1', mode: 'folder', current: undefined })
  expect(readFileSync(at('gold/m=1/kept.txt'), 'utf8')).toBe('theirs')
  expect(await rejectedCode(show('gold/m=1', '@r1-1', { a: '1' }))).toBe('STORE_UNUSABLE')
})

test('a part that carries over is the same file, and outlives the version it came from', async () => {
  const first = await show('gold/m=1', '@r1-1', { a: '1' })
  const folder = store.folderFor('gold/m=1', '@r1-2')
  await stage(folder, [{ ...bytes('1'), name: 'a', source: { stored: `${first}/a` } }])
  expect(statSync(at(`${folder}/a`)).ino).toBe(statSync(at(`${first}/a`)).ino)
  await store.remove([first])
  expect(readFileSync(at(`${folder}/a`), 'utf8')).toBe('1')
})

test('a part to carry over that is gone is PART_MISSING, and names the part', async () => {
  const folder = store.folderFor('gold/m=1', '@r1-2')
  const staged = stage(folder, [
    { ...bytes('1'), name: 'a', source: { stored: '.versions/gold/m=1/@r1-1/a' } },
  ])
  await expect(staged).rejects.toMatchObject({
    code: 'PART_MISSING',
    context: { path: '.versions/gold/m=1/@r1-1/a' },
  })
})

test('what is read is checked against its SHA-256', async () => {
  const folder = await show('gold/m=1', '@r1-1', { a: 'one', big: 'x'.repeat(3 << 20) })
  const part = (name: string, text: string) => ({
    path: `${folder}/${name}`,
    sizeBytes: text.length,
    sha256: sha256(text),
  })
  expect(readFileSync(await store.fetch(part('a', 'one')), 'utf8')).toBe('one')
  expect(await store.fetch(part('big', 'x'.repeat(3 << 20)))).toBe(at(`${folder}/big`))
  expect(await rejectedCode(store.fetch(part('a', 'two')))).toBe('PART_CHANGED')
  expect(await rejectedCode(store.fetch(part('none', 'x')))).toBe('PART_MISSING')
  expect(await store.sizes([`${folder}/a`, `${folder}/none`])).toEqual([3, undefined])
})

test('manifests are numbered and immutable in name; writing one again is no harm', async () => {
  await store.writeManifest('gold/m=1', 2, 'two')
  await store.writeManifest('gold/m=1', 10, 'ten')
  await store.writeManifest('gold/m=1', 10, 'ten')
  expect(readdirSync(at('.versions/gold/m=1/_manifest'))).toEqual([
    '0000000002.json',
    '0000000010.json',
  ])
  expect(await store.lastManifest('gold/m=1')).toEqual({ number: 10, text: 'ten' })
})

test('manifests are found again: a path’s together, in order, and one by its number', async () => {
  await store.writeManifest('silver/s', 1, 's1')
  await store.writeManifest('silver/s/m=1', 2, 'm2')
  await store.writeManifest('silver/s', 11, 's11')
  await show('silver/s', '@r1-1', { part: 'x' })
  const all = await Array.fromAsync(store.manifests())
  expect(all.filter(({ path }) => path === 'silver/s').map(({ number }) => number)).toEqual([1, 11])
  expect(all.filter(({ path }) => path === 'silver/s/m=1')).toEqual([
    { path: 'silver/s/m=1', number: 2 },
  ])
  expect(await Array.fromAsync(store.manifests('silver/s'))).toHaveLength(2)
  expect(await Array.fromAsync(store.manifests('nowhere'))).toEqual([])
  expect(await store.readManifest('silver/s', 11)).toBe('s11')
  expect(await store.readManifest('silver/s', 12)).toBeUndefined()
})

test('a changed part is set aside: gone for readers and builds, its bytes stay', async () => {
  const folder = await show('gold/m=1', '@r1-1', { 'a.parquet': '1', 'b.parquet': '2' })
  await store.setAside([`${folder}/a.parquet`, `${folder}/a.parquet`])
  expect(await store.sizes([`${folder}/a.parquet`, `${folder}/b.parquet`])).toEqual([undefined, 1])
  expect(readFileSync(at(`${folder}/a.parquet.changed`), 'utf8')).toBe('1')
  expect(await Array.fromAsync(store.strays())).toEqual([])
})

test('a path that leaves the store is refused wherever it is given', async () => {
  for (const path of ['../x', 'a/../../x', '/etc', 'a//b', './a', 'a/.', '', 'a\0b']) {
    expect([path, errorCode(() => store.folderFor(path, '@r1-1'))]).toEqual([path, 'PATH_INVALID'])
    expect(await rejectedCode(store.abort([path]))).toBe('PATH_INVALID')
    expect(await rejectedCode(store.remove([path]))).toBe('PATH_INVALID')
    expect(await rejectedCode(store.fetch({ path, sizeBytes: 1, sha256: '' }))).toBe('PATH_INVALID')
    expect(await rejectedCode(store.project({ path, mode: 'folder', current: undefined }))).toBe(
      'PATH_INVALID',
    )
  }
  const escaping = stage('.versions/a/@r1-1', [{ name: '../../../out', ...bytes('x') }])
  expect(await rejectedCode(escaping)).toBe('PATH_INVALID')
  expect(existsSync(join(root, 'out'))).toBe(false)
})

test('a submitter who is called like an attempt is none', async () => {
  await show('silver/r1-2/m=1', '@r3-1', { a: '1' })
  const folders: string[] = []
  for await (const folder of store.units()) folders.push(folder)
  expect(folders).toEqual(['.versions/silver/r1-2/m=1/@r3-1'])
})

test('a store that cannot be written says where and why', async () => {
  writeFileSync(join(root, 'file'), '')
  expect(errorCode(() => openLocalStore({ root: join(root, 'file', 'store') }))).toBe(
    'STORE_UNUSABLE',
  )
  linkSync(join(root, 'file'), join(root, 'other'))
  expect(() => openLocalStore({ root: join(root, 'other') })).toThrow(/file:\/\/.*other/)
})

test('a half-written object of the journal is left to its writer for an hour, then it is a stray', async () => {
  await store.writeManifest('_catalog/journal', 1, 'one')
  const folder = '.versions/_catalog/journal/_manifest'
  writeFileSync(at(`${folder}/0000000002.json.tmp`), '{')
  expect(await Array.fromAsync(store.strays())).toEqual([])
  const old = new Date(Date.now() - 2 * 60 * 60 * 1000)
  utimesSync(at(`${folder}/0000000002.json.tmp`), old, old)
  expect(await Array.fromAsync(store.strays())).toEqual([`${folder}/0000000002.json.tmp`])
})
