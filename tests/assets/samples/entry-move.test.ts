/** What a line of a manifest changes: by time and size first, then by content. */
import { expect, test } from 'vitest'
import { entryMove } from '../../../assets/samples/entry-move.ts'

const A = 'a'.repeat(64)
const B = 'b'.repeat(64)
const known = { bronze: 'b/1', mtime: 5, size: 9, sha256: A, status: 'MADE' } as const
const line = { raw: 'r', bronze: 'b/1', mtime: 5, size: 9, sha256: A }
/** As seed 002 writes them. */
const bare = { raw: 'r', bronze: 'b/1', mtime: 5 }
const { size: _size, sha256: _sum, ...bareKnown } = { ...known, size: null, sha256: null }

test.each([
  ['a file nobody knew is made', undefined, line, 'make'],
  ['the same line again changes nothing', known, line, 'keep'],
  ['another time and the same content keeps its sample', known, { ...line, mtime: 6 }, 'move'],
  ['another place and the same content too', known, { ...line, bronze: 'b/2' }, 'move'],
  ['other content is made, also at the same time', known, { ...line, sha256: B }, 'make'],
  ['another size is made', known, { ...bare, size: 10 }, 'make'],
  ['without a digest, another time is made', known, { ...bare, size: 9, mtime: 6 }, 'make'],
  ['without a digest, the same time and size keeps it', known, { ...bare, size: 9 }, 'keep'],
  [
    'the seed’s line again changes nothing',
    { ...bareKnown, size: null, sha256: null },
    bare,
    'keep',
  ],
  [
    'the seed’s line with another bronze is made',
    { ...bareKnown, size: null, sha256: null },
    { ...bare, bronze: 'b/2' },
    'make',
  ],
  [
    'what failed is made when its time moves',
    { ...known, status: 'FAILED' },
    { ...line, mtime: 6 },
    'make',
  ],
  ['what failed waits while nothing moves', { ...known, status: 'FAILED' }, line, 'keep'],
  [
    'what was purged comes back with other content only',
    { ...known, status: 'PURGED' },
    { ...line, mtime: 6 },
    'move',
  ],
] as const)('%s', (...[, before, entry, move]) => {
  expect(entryMove(before, entry)).toBe(move)
})
