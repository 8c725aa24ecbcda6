import { describe, expect, test } from 'vitest'
import type { StoreFacts } from '../../engine/index.ts'
import { storeRemarks } from '../../engine/index.ts'

const GOOD: StoreFacts['answers'] = {
  verbs: 'work',
  list_after_write: 'at once',
  create_if_absent: 'one winner',
  swap_quoted: 'holds',
  swap_bare: 'holds',
  staged: 'invisible',
  abort_then_complete: 'refused',
  abort_race: '0',
  complete_twice: 'repeats',
  checksum_put: 'refused',
  checksum_part: 'refused',
  list_order: 'bytes',
  key_and_folder: 'both',
  uploads_by_folder: 'listed',
  upload_expiry: '7',
  versioning: 'on',
  object_lock: 'on',
}
const remarks = (differs: StoreFacts['answers'], server?: string) =>
  storeRemarks({ server, atMs: 0, answers: { ...GOOD, ...differs } })
const words = (differs: StoreFacts['answers'], server?: string): string =>
  remarks(differs, server)
    .map((one) => `${one.level}: ${one.words}`)
    .join('\n')

describe('what a store may be used for', () => {
  test('one that does everything is safe, and nothing is warned of', () => {
    expect(remarks({}).map(({ level }) => level)).toEqual(['ok', 'ok', 'ok'])
    expect(words({})).toMatch(/^ok: safe for tributary/)
  })

  test.each([
    [{ staged: 'visible' }, 'a staged upload before it is completed: visible'],
    [{ abort_then_complete: 'completes' }, 'complete after an abort: completes'],
  ] as const)('%o makes it unusable, and nothing else is said', (differs, said) => {
    const found = remarks(differs)
    expect(found).toEqual([{ level: 'error', words: `not safe: ${said}. Do not use this store` }])
  })

  test('one that cannot be used at all says why, and nothing else', () => {
    expect(words({ verbs: 'AccessDenied' })).toMatch(
      /^error: it cannot be written.*AccessDenied.*$/,
    )
  })

  test('what is missing and not needed does no harm; other programs are warned', () => {
    const found = words({ create_if_absent: 'ignored', swap_quoted: 'ignored' })
    expect(found).toMatch(/^ok: safe for tributary/)
    expect(found).toMatch(/warning: conditional writes do not hold: no other program/)
  })

  test('an abort that may lose is handled, whatever its count', () => {
    expect(words({ abort_race: '3' })).toMatch(
      /ok: an abort may say OK and lose: the key is looked/,
    )
  })

  test('uploads that expire say when recovery must run', () => {
    expect(words({ upload_expiry: '1' })).toMatch(
      /warning: uploads left open are removed after 1 day/,
    )
    expect(words({ upload_expiry: 'none' }, 'MinIO')).toMatch(/warning: MinIO .* after 24 h/)
    expect(words({ upload_expiry: 'not to be had' })).toMatch(
      /ok: nothing removes uploads left open/,
    )
  })

  test('a bucket without versions or lock, and bytes that are not checked, are warned of', () => {
    const found = words({ versioning: 'off', object_lock: 'off', checksum_part: 'accepted' })
    expect(found.match(/^warning/gm)).toHaveLength(3)
  })
})
