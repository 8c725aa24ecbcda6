/** What every object store does, whatever it stands on: one suite, run on each of them. */
import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { ObjectStore, PartSource, Projection, StagePart } from '../../engine/index.ts'
import { sha256 } from '../../engine/index.ts'
import { errorCode, rejectedCode } from '../support/error-code.ts'

/** A store in a place of its own, and what can be done to that place behind its back. */
export interface StorePlace {
  readonly store: ObjectStore
  /** the same place as another process opens it */
  readonly reopen: () => ObjectStore
  /** what a plain listing shows, as `{published path}/{name}`, sorted; without manifests */
  readonly visible: () => Promise<readonly string[]>
  /** gives a part other bytes; undefined removes it */
  readonly damage: (path: string, bytes: string | undefined) => Promise<void>
  /** a folder for the test's own files, on this machine */
  readonly folder: string
  readonly close: () => Promise<void>
}

/** One staged attempt: how another process undoes it, and where its parts will be. */
interface Attempt {
  readonly folder: string
  readonly notes: readonly string[]
  readonly paths: readonly string[]
}

/** A part of these bytes. */
export const part = (name: string, text: string, source?: PartSource): StagePart => ({
  name,
  source: source ?? { bytes: Buffer.from(text) },
  sizeBytes: Buffer.byteLength(text),
  sha256: sha256(text),
})

/** Stages as the engine does: its folder is noted by the claim, the rest by the store. */
export async function stage(
  store: ObjectStore,
  place: string,
  parts: readonly StagePart[],
): Promise<Attempt> {
  const [path = '', attempt = ''] = place.split(' ')
  const folder = store.folderFor(path, attempt)
  const notes = [folder]
  const paths = await store.stage(folder, parts, async (more) => void notes.push(...more))
  return { folder, notes, paths }
}

/** All that a store holds which the catalog may have to account for. */
export async function unitsOf(store: ObjectStore): Promise<readonly string[]> {
  const found: string[] = []
  for await (const unit of store.units()) found.push(unit)
  return found.toSorted()
}

const PATH = 'gold/m=1'

/** Declares the suite for one kind of store. */
export function objectStoreContract(kind: string, open: () => Promise<StorePlace>): void {
  describe(`a store on ${kind}`, () => {
    let place: StorePlace
    let store: ObjectStore
    beforeEach(async () => {
      place = await open()
      store = place.store
    })
    afterEach(async () => place.close())

    /** Stages, completes, shows; then what it supersedes goes, as after a commit. */
    async function publish(
      at: string,
      texts: Readonly<Record<string, string>>,
      before?: Attempt,
    ): Promise<Attempt> {
      const [path = ''] = at.split(' ')
      const names = Object.keys(texts)
      const parts = Object.entries(texts).map(([name, text]) => part(name, text))
      const made = await stage(store, at, parts)
      await store.sync([made.folder])
      await store.project(projection(path, names, made))
      await store.remove([...new Set((before?.paths ?? []).map(store.unitOf))])
      return made
    }
    const projection = (path: string, names: readonly string[], made: Attempt): Projection => ({
      path,
      mode: 'folder',
      current: { parts: names.map((name, at) => ({ name, path: made.paths[at] ?? '' })) },
    })
    const textOf = async (path: string, text: string): Promise<string> =>
      readFileSync(await store.fetch({ path, ...part('', text) }), 'utf8')

    test('nothing that is staged is visible, and an aborted staging leaves nothing', async () => {
      const { folder, notes } = await stage(store, `${PATH} @r1-1`, [part('a', '1')])
      expect(await place.visible()).toEqual([])
      await store.abort(notes)
      await store.abort(notes)
      expect(await rejectedCode(store.sync([folder]))).not.toBe(undefined)
      expect([await place.visible(), await unitsOf(store)]).toEqual([[], []])
    })

    test('what is synced is there for every process, and superseded units go as a whole', async () => {
      const first = await publish(`${PATH} @r1-1`, { 'a.csv': '1', 'b.csv': '2' })
      expect(await place.visible()).toEqual([`${PATH}/a.csv`, `${PATH}/b.csv`])
      expect(await place.reopen().sizes(first.paths)).toEqual([1, 1])
      const second = await publish(`${PATH} @r1-2`, { 'a.csv': '11' }, first)
      expect(await place.visible()).toEqual([`${PATH}/a.csv`])
      expect(await textOf(second.paths[0] ?? '', '11')).toBe('11')
      expect(await unitsOf(store)).toEqual(second.paths.map(store.unitOf))
      await store.remove(first.paths.map(store.unitOf))
    })

    test('a second sync, as after a lost answer, finds its work done', async () => {
      const { folder, paths } = await stage(store, `${PATH} @r1-1`, [part('a', '1')])
      await store.sync([folder])
      await store.sync([folder])
      expect(await store.sizes(paths)).toEqual([1])
    })

    test('the notes undo a staging from another process, before and after its sync', async () => {
      const other = place.reopen()
      const early = await stage(store, `${PATH} @r1-1`, [part('a', '1'), part('b', '2')])
      await other.abort(early.notes)
      expect(await rejectedCode(store.sync([early.folder]))).toBe('STORE_UNUSABLE')
      const late = await stage(store, `${PATH} @r1-2`, [part('a', '1')])
      await store.sync([late.folder])
      await other.abort(late.notes)
      await other.abort(late.notes)
      expect([await place.visible(), await unitsOf(store)]).toEqual([[], []])
    })

    test('an abort that races a sync ends, with the fenced commit’s own abort, in nothing', async () => {
      const other = place.reopen()
      for (let round = 1; round <= 10; round++) {
        const { folder, notes } = await stage(store, `${PATH} @r1-${round}`, [part('a', '1')])
        await Promise.allSettled([store.sync([folder]), other.abort(notes)])
        await store.abort([folder])
        expect([round, await unitsOf(store)]).toEqual([round, []])
      }
    })

    test('a part that carries over is whole in the next version, and outlives the one before', async () => {
      const first = await publish(`${PATH} @r1-1`, { a: 'one', b: 'two' })
      const [kept = ''] = first.paths
      const parts = [part('a', 'one', { kept }), part('b', '2')]
      const second = await stage(store, `${PATH} @r1-2`, parts)
      await store.sync([second.folder])
      const carried = new Set(second.paths.map(store.unitOf))
      await store.remove(first.paths.map(store.unitOf).filter((unit) => !carried.has(unit)))
      expect(await textOf(second.paths[0] ?? '', 'one')).toBe('one')
      expect(await unitsOf(store)).toEqual([...carried].toSorted())
    })

    test('a part to carry over that is gone is told, and the staging leaves nothing', async () => {
      const { paths } = await publish(`${PATH} @r1-1`, { a: 'one' })
      const [kept = ''] = paths
      await place.damage(kept, undefined)
      const folder = store.folderFor(PATH, '@r1-2')
      const notes = [folder]
      const staged = store.stage(
        folder,
        [part('b', 'two'), part('a', 'one', { kept })],
        async (more) => void notes.push(...more),
      )
      await expect(staged).rejects.toMatchObject({ code: 'PART_MISSING', context: { path: kept } })
      await place.reopen().abort(notes)
      expect((await unitsOf(store)).filter((unit) => unit !== store.unitOf(kept))).toEqual([])
    })

    test('a copy has the bytes of its source and does not need it', async () => {
      const { paths } = await publish('silver/x @r1-1', { p: 'rows', none: '' })
      const [stored = '', empty = ''] = paths
      const parts = [part('p', 'rows', { stored }), part('none', '', { stored: empty })]
      const copy = await stage(store, `${PATH} @r1-2`, parts)
      await store.sync([copy.folder])
      await store.remove(paths.map(store.unitOf))
      expect(await textOf(copy.paths[0] ?? '', 'rows')).toBe('rows')
      expect(await textOf(copy.paths[1] ?? '', '')).toBe('')
      const gone = stage(store, `${PATH} @r1-3`, [part('p', 'rows', { stored })])
      await expect(gone).rejects.toMatchObject({ code: 'PART_MISSING', context: { path: stored } })
    })

    test('what is read is checked: a changed part and a missing one are told apart', async () => {
      const { paths } = await publish(`${PATH} @r1-1`, {
        a: 'one',
        b: 'two',
        c: 'x'.repeat(3 << 20),
      })
      const [a = '', b = '', c = ''] = paths
      const twice = await Promise.all([
        textOf(c, 'x'.repeat(3 << 20)),
        textOf(c, 'x'.repeat(3 << 20)),
      ])
      expect(twice.map((text) => text.length)).toEqual([3 << 20, 3 << 20])
      expect(await store.digest(a)).toBe(sha256('one'))
      expect((await store.readRange(a, 1, 9)).toString()).toBe('ne')
      expect((await store.readRange(c, (3 << 20) - 1, 3 << 20)).toString()).toBe('x')
      await place.damage(a, 'ONE')
      await place.damage(b, undefined)
      expect(await store.digest(a)).toBe(sha256('ONE'))
      expect(await store.digest(b)).toBe(undefined)
      expect(await rejectedCode(store.readRange(b, 0, 1))).toBe('PART_MISSING')
      expect(await rejectedCode(textOf(a, 'one'))).toBe('PART_CHANGED')
      expect(await rejectedCode(textOf(b, 'two'))).toBe('PART_MISSING')
    })

    test('sizes are told for few and for many paths; undefined is what is not there', async () => {
      const names = Array.from({ length: 130 }, (_, at) => `p${at}`)
      const texts = Object.fromEntries(names.map((name, at) => [name, 'x'.repeat(at)]))
      const { paths } = await publish(`${PATH} @r1-1`, texts)
      const lost = paths[7] ?? ''
      await place.damage(lost, undefined)
      const asked = [...paths, ...paths.map((path) => `${path}-none`)]
      const wanted = paths.map((path, at) => (path === lost ? undefined : at))
      expect(await store.sizes(asked)).toEqual([...wanted, ...paths.map(() => undefined)])
      expect(await store.sizes(paths.slice(0, 3))).toEqual([0, 1, 2])
    })

    test('readers see a version when all of its parts are there', async () => {
      const made = await publish(`${PATH} @r1-1`, { a: '1', b: '2' })
      const shown = projection(PATH, ['a', 'b'], made)
      const nothing = { path: 'gold/m=2', mode: 'folder', current: undefined } as const
      expect(await store.shows([shown, nothing])).toEqual([true, true])
      await store.remove(made.paths.map(store.unitOf))
      await store.project({ ...shown, current: undefined })
      expect(await place.visible()).toEqual([])
    })

    test('manifests are numbered, written again without harm, and listed in order', async () => {
      for (const number of [2, 10, 10, 1]) await store.writeManifest(PATH, number, `n${number}`)
      await store.writeManifest('gold/m=1/below', 3, 'n3')
      expect(await store.lastManifest(PATH)).toEqual({ number: 10, text: 'n10' })
      expect(await store.lastManifest('gold/none')).toBe(undefined)
      expect(await store.readManifest(PATH, 2)).toBe('n2')
      expect(await store.readManifest(PATH, 3)).toBe(undefined)
      const numbers: Record<string, number[]> = {}
      for await (const { path, number } of store.manifests()) (numbers[path] ??= []).push(number)
      expect(numbers).toEqual({ [PATH]: [1, 2, 10], 'gold/m=1/below': [3] })
      expect([await place.visible(), await unitsOf(store)]).toEqual([[], []])
    })

    test('awkward names are kept apart and come back as they are', async () => {
      const short =
        'a b/a a.csv a.tar.gz .hidden end. A a+b a%41 aA a=b é \u{1F600} \uFF5E a.r1-1.x'
      const names = [
        short.split(' '),
        'c.r1-1.csv/d c.csv a"&<> a\\b'.split(' '),
        ['with space', `${'l'.repeat(250)}.csv`, `${'l'.repeat(250)}.txt`],
      ].flat()
      const texts = Object.fromEntries(names.map((name, at) => [name, `text ${at}`]))
      const { paths } = await publish(`${PATH} @r1-1`, texts)
      expect(new Set(paths).size).toBe(names.length)
      for (const [at, path] of paths.entries())
        expect(await textOf(path, `text ${at}`)).toBe(`text ${at}`)
      const units = await unitsOf(store)
      expect([...new Set(paths.map(store.unitOf))].toSorted()).toEqual(units)
    })

    test('a file of 64 MiB is moved into the store, and comes back byte for byte', async () => {
      const file = join(place.folder, 'large')
      const block = randomBytes(1 << 20)
      const bytes = Buffer.concat(Array.from({ length: 64 }, () => block))
      writeFileSync(file, bytes)
      const large = { name: 'l', source: { file }, sizeBytes: bytes.length, sha256: sha256(bytes) }
      const { folder, paths } = await stage(store, `${PATH} @r1-1`, [large])
      expect(existsSync(file)).toBe(false)
      await store.sync([folder])
      const [path = ''] = paths
      const fetched = await place.reopen().fetch({ path, ...large })
      expect(sha256(readFileSync(fetched))).toBe(large.sha256)
      const copy = await stage(store, 'gold/m=2 @r1-2', [{ ...large, source: { stored: path } }])
      await store.sync([copy.folder])
      expect(await store.digest(copy.paths[0] ?? '')).toBe(large.sha256)
    })

    test('a changed part is set aside: no reader finds it, its bytes stay', async () => {
      const { paths } = await publish(`${PATH} @r1-1`, { 'a.csv': '1', 'b.csv': '2' })
      const [path = ''] = paths
      await store.setAside([path])
      await store.setAside([path])
      expect((await place.visible()).filter((name) => name.endsWith('.csv'))).toEqual([
        `${PATH}/b.csv`,
      ])
      expect(await store.sizes([path, `${path}.changed`])).toEqual([undefined, 1])
    })

    test('a path that leaves the store is refused wherever it is given', async () => {
      for (const path of ['../x', 'a/../../x', '/etc', 'a//b', './a', 'a/.', '', 'a\0b']) {
        expect([path, errorCode(() => store.folderFor(path, '@r1-1'))]).toEqual([
          path,
          'PATH_INVALID',
        ])
        expect(await rejectedCode(store.abort([path]))).toBe('PATH_INVALID')
        expect(await rejectedCode(store.remove([path]))).toBe('PATH_INVALID')
        const fetched = store.fetch({ path, sizeBytes: 1, sha256: '0' })
        expect(await rejectedCode(fetched)).toBe('PATH_INVALID')
        const shown = store.project({ path, mode: 'folder', current: undefined })
        expect(await rejectedCode(shown)).toBe('PATH_INVALID')
      }
      const escaping = stage(store, 'a @r1-1', [part('../../../out', 'x')])
      expect(await rejectedCode(escaping)).toBe('PATH_INVALID')
    })
  })
}
