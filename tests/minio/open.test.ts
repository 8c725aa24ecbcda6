import { expect, test } from 'vitest'
import { placeInside } from '../../minio/open.ts'
import { errorCode } from '../support/error-code.ts'

test('an inbox below the store is told apart, by whole names', () => {
  expect(placeInside('s3://b', 's3://b/inbox')).toBe('inbox/')
  expect(placeInside('s3://b/', 's3://b/inbox/')).toBe('inbox/')
  expect(placeInside('s3://b/data', 's3://b/data/in/box')).toBe('in/box/')
  expect(placeInside('s3://b/data', 's3://b/data-inbox')).toBeUndefined()
  expect(placeInside('s3://b', 's3://bb/inbox')).toBeUndefined()
  expect(placeInside('s3://b', '/home/inbox')).toBeUndefined()
})

test('a store may not lie in the inbox', () => {
  for (const store of ['s3://b/in', 's3://b/in/', 's3://b/in/data']) {
    expect(errorCode(() => placeInside(store, 's3://b/in'))).toBe('CONFIG_INVALID')
  }
})
