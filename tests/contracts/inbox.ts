/** What the road relies on of any inbox: run over a folder, and over a bucket of each server. */
import { buffer } from 'node:stream/consumers'
import { expect, test } from 'vitest'
import type { Inbox } from '../../assets/inbox.ts'
import type { Listed } from '../../registry/inbox.ts'
import { rejectedCode } from '../support/error-code.ts'

/** An inbox of its own, empty, and somebody else's hands in it. */
export interface InboxUnderTest extends AsyncDisposable {
  readonly inbox: Inbox
  readonly put: (path: string, content: string) => Promise<void>
  readonly remove: (path: string) => Promise<void>
}

/** Names that are unusual and fit: each has letters that some encoding gives a meaning. */
const FIT_NAMES = [
  'acme/plain.csv',
  'acme/drop one/a b.csv',
  'acme/a+b=c&d.csv',
  'acme/100%41.csv',
  'acme/what?#is.csv',
  "acme/o'x(1)*!.csv",
  'acme/données été.csv',
  'acme/資料😀.csv',
  'acme/d/e/f/deep.csv',
  'acme/~tilde$@:,;.csv',
]
const HOUR_MS = 3_600_000
const MANY = 1_050

const list = async ({ inbox }: InboxUnderTest): Promise<readonly Listed[]> => {
  const { listed, faults } = await inbox.list()
  expect(faults).toEqual([])
  return listed.toSorted((a, b) => (a.path < b.path ? -1 : 1))
}
const only = async (one: InboxUnderTest): Promise<Listed> => {
  const [file, ...others] = await list(one)
  if (file === undefined || others.length > 0) throw new Error('one file was expected')
  return file
}
const text = async ({ inbox }: InboxUnderTest, file: Listed): Promise<string> =>
  (await buffer(inbox.read(inbox.sourceOf(file), file.changedToken))).toString()

/** Declares the contract's tests. `open` is called once a test. */
export function inboxContract(open: () => Promise<InboxUnderTest>): void {
  test('an inbox nobody delivered to is empty', async () => {
    await using one = await open()
    expect(await list(one)).toEqual([])
  })

  test('files are listed with path and size, at any depth, and the same while nothing changes', async () => {
    await using one = await open()
    for (const [at, path] of FIT_NAMES.entries()) await one.put(path, 'x'.repeat(at))
    const listed = await list(one)
    expect(listed.map(({ path, sizeBytes }) => [path, sizeBytes])).toEqual(
      FIT_NAMES.map((path, at) => [path, at]).toSorted(([a = ''], [b = '']) => (a < b ? -1 : 1)),
    )
    expect(await list(one)).toEqual(listed)
  })

  test('a source names the path it was made of, and reads as what was put there', async () => {
    await using one = await open()
    for (const path of FIT_NAMES) await one.put(path, `of ${path}`)
    const { inbox } = one
    const sources = new Set<string>()
    for (const file of await list(one)) {
      const source = inbox.sourceOf(file)
      sources.add(source)
      const modifiedMs = inbox.modifiedMs(file.changedToken) ?? 0
      // A bucket knows when an object was put, and lists no time of the file's own.
      expect(modifiedMs).toBe(file.modifiedAtMs ?? modifiedMs)
      expect(Math.abs(Date.now() - modifiedMs)).toBeLessThan(HOUR_MS)
      expect(inbox.pathOf(source)).toBe(file.path)
      expect(await text(one, file)).toBe(`of ${file.path}`)
      expect((await buffer(inbox.read(source))).toString()).toBe(`of ${file.path}`)
    }
    expect(sources.size).toBe(FIT_NAMES.length)
    expect(inbox.pathOf('/elsewhere/acme/plain.csv')).toBeUndefined()
    expect(inbox.pathOf(`${inbox.name}-not/acme/plain.csv`)).toBeUndefined()
  })

  test('a listing is whole however many files there are', async () => {
    await using one = await open()
    const paths = Array.from({ length: MANY }, (_, at) => `acme/d/${String(at).padStart(4, '0')}`)
    for (let at = 0; at < MANY; at += 50) {
      await Promise.all(paths.slice(at, at + 50).map(async (path) => one.put(path, '')))
    }
    expect((await list(one)).map(({ path }) => path)).toEqual(paths)
  })

  test('other bytes are another version; the one that was listed is never read as the other', async () => {
    await using one = await open()
    await one.put('acme/a.csv', 'before')
    const before = await only(one)
    await one.put('acme/a.csv', 'after!')
    const after = await only(one)
    expect(after.changedToken).not.toBe(before.changedToken)
    expect(await rejectedCode(text(one, before))).toBe('INPUT_CHANGED')
    expect(await text(one, after)).toBe('after!')
  })

  test('a file that is gone cannot be read', async () => {
    await using one = await open()
    await one.put('acme/a.csv', 'a')
    const file = await only(one)
    await one.remove('acme/a.csv')
    expect(await rejectedCode(text(one, file))).toBe('INPUT_UNREADABLE')
  })

  test('a version is removed once, and its place can be delivered to again', async () => {
    await using one = await open()
    await one.put('acme/d/a.csv', 'a')
    await one.put('acme/d/b.csv', 'b')
    const [file, other] = await list(one)
    if (file === undefined) throw new Error('a file was expected')
    expect(await one.inbox.remove(file)).toBe('removed')
    expect(await list(one)).toEqual([other])
    expect(await one.inbox.remove(file)).toBe('gone')
    await one.put('acme/d/a.csv', 'again')
    expect((await list(one)).map(({ path }) => path)).toEqual(['acme/d/a.csv', 'acme/d/b.csv'])
  })

  test('another version than the one to be removed stays', async () => {
    await using one = await open()
    await one.put('acme/a.csv', 'landed')
    const landed = await only(one)
    await one.put('acme/a.csv', 'newer!')
    expect(await one.inbox.remove(landed)).toBe('changed')
    expect(await text(one, await only(one))).toBe('newer!')
  })
}
