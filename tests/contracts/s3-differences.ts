/**
 * What two real servers do differently, row by row, and that the store makes the same of it.
 *
 * Measured on MinIO 2026-02-12 and versitygw 1.8.0 with the SDK alone; the answers named in the
 * comments are theirs.
 */
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  ListObjectVersionsCommand,
  ListPartsCommand,
  PutBucketLifecycleConfigurationCommand,
  PutObjectLockConfigurationCommand,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { openS3Store } from '../../minio/s3-store.ts'
import { rejectedCode } from '../support/error-code.ts'
import type { FreshBucket } from '../support/s3.ts'
import { freshBucket } from '../support/s3.ts'
import type { S3Kind } from '../support/s3-server.ts'
import type { StorePlace } from './object-store.ts'
import { part, stage, unitsOf } from './object-store.ts'
import { s3Place } from './s3-place.ts'

type Place = StorePlace & { readonly prefix: string }

/** Declares the rows for one server. */
export function s3Differences(kind: S3Kind): void {
  describe(`where servers differ, on ${kind}`, () => {
    let bucket: FreshBucket
    let place: Place
    beforeAll(async () => {
      bucket = await freshBucket(kind, { versioned: true })
    })
    afterAll(async () => bucket.close())
    beforeEach(async () => {
      place = await s3Place(bucket, { staleUploadMs: 0 })
      return async () => place.close()
    })

    const at = (key: string) => ({ Bucket: bucket.bucket, Key: `${place.prefix}/${key}` })
    /** The upload behind a note, and its pieces as the server knows them. */
    async function uploadOf(note: string) {
      const [key = '', UploadId = ''] = note.split('\t')
      const { Parts = [] } = await bucket.client.send(
        new ListPartsCommand({ ...at(key), UploadId }),
      )
      return { place: { ...at(key), UploadId }, pieces: Parts }
    }
    async function completeBehind(note: string): Promise<void> {
      const { place: upload, pieces } = await uploadOf(note)
      const Parts = pieces.map(({ PartNumber, ETag, ChecksumSHA256 }) => ({
        PartNumber,
        ETag,
        ChecksumSHA256,
      }))
      await bucket.client.send(
        new CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts } }),
      )
    }
    const staged = async (attempt: string) => {
      const made = await stage(place.store, `gold/m=1 ${attempt}`, [part('a.csv', 'one')])
      return { ...made, path: made.paths[0] ?? '', note: made.notes[1] ?? '' }
    }

    test('1 a conditional DELETE deletes, or is refused: the store sends none', async () => {
      const { folder, path } = await staged('@r1-1')
      await place.store.sync([folder])
      await place.damage(path, 'another ETag')
      await place.store.remove([path])
      expect(await place.store.sizes([path])).toEqual([undefined])
    })

    test('2 an abort that loses to a completion says OK, or not: HEAD decides', async () => {
      for (let round = 1; round <= 10; round++) {
        const { notes, note } = await staged(`@r2-${round}`)
        await Promise.allSettled([place.store.abort(notes), completeBehind(note)])
        // What a completion in flight brought about after the HEAD goes with the next abort.
        await place.store.abort(notes)
        expect([round, await unitsOf(place.store)]).toEqual([round, []])
      }
    })

    test('3 a second completion says «no such upload», or OK: the object counts', async () => {
      const { folder, note, path } = await staged('@r3-1')
      await completeBehind(note)
      await place.store.sync([folder])
      expect(await place.store.sizes([path])).toEqual([3])
    })

    test('4 a second abort says OK, or «no such upload»: both mean it is gone', async () => {
      const { notes, note } = await staged('@r4-1')
      await bucket.client.send(new AbortMultipartUploadCommand((await uploadOf(note)).place))
      await place.store.abort(notes)
      await place.store.abort(notes)
      expect(await unitsOf(place.store)).toEqual([])
    })

    test('5 uploads of a folder are listed, or none: notes undo them, a full listing is a belt', async () => {
      const { note, folder } = await staged('@r5-1')
      const strays: string[] = []
      for await (const stray of place.store.strays()) strays.push(stray)
      expect(strays).toEqual([note])
      const patient = await s3Place({ ...bucket }, {})
      for await (const stray of patient.store.strays()) expect(stray).toBe('too young to be one')
      await patient.close()
      await place.store.remove(strays)
      expect(await rejectedCode(place.store.sync([folder]))).toBe('STORE_UNUSABLE')
    })

    test('6 staged uploads expire by themselves, or stay: an expired one is told in words', async () => {
      const { folder, note } = await staged('@r6-1')
      await bucket.client.send(new AbortMultipartUploadCommand((await uploadOf(note)).place))
      await expect(place.store.sync([folder])).rejects.toMatchObject({
        code: 'STORE_UNUSABLE',
        context: { reason: expect.stringContaining('a staged upload is gone') },
      })
      expect(await place.visible()).toEqual([])
    })

    test('7 of the keys a and a/b one is hidden, or refused: no two keys are so', async () => {
      const names = ['a', 'a/b', 'a.r7-1', 'a.r7-1/b', 'a.r7-1.csv/c', 'a.csv']
      const parts = names.map((name) => part(name, name))
      const { folder, paths } = await stage(place.store, 'gold/m=1 @r7-1', parts)
      await place.store.sync([folder])
      expect((await unitsOf(place.store)).length).toBe(names.length)
      expect(await place.store.sizes(paths)).toEqual(names.map((name) => name.length))
    })

    test('8 a create-if-absent over a delete marker creates, or fails: the store relies on none', async () => {
      await place.store.writeManifest('gold/m=1', 1, 'one')
      await bucket.client.send(new DeleteObjectCommand(at('gold/m=1/_manifest/0000000001.json')))
      await place.store.writeManifest('gold/m=1', 1, 'again')
      expect(await place.store.lastManifest('gold/m=1')).toEqual({ number: 1, text: 'again' })
    })

    test('9 a rule that ends stale uploads is dropped, or refused: the store finds them itself', async () => {
      const Rules = [
        {
          ID: 'stale',
          Status: 'Enabled' as const,
          Filter: { Prefix: '' },
          AbortIncompleteMultipartUpload: { DaysAfterInitiation: 3 },
        },
      ]
      await bucket.client
        .send(
          new PutBucketLifecycleConfigurationCommand({
            Bucket: bucket.bucket,
            LifecycleConfiguration: { Rules },
          }),
        )
        .catch((error: Error) =>
          expect(error.name).toMatch(/NotImplemented|InvalidArgument|Malformed/),
        )
      const { note, notes } = await staged('@r9-1')
      const strays: string[] = []
      for await (const stray of place.store.strays()) strays.push(stray)
      expect(strays).toContain(note)
      await place.store.abort(notes)
    })

    test('10 a locked version is refused in two ways: what is removed stays readable by version', async () => {
      const locked = await freshBucket(kind, { locked: true })
      await locked.client.send(
        new PutObjectLockConfigurationCommand({
          Bucket: locked.bucket,
          ObjectLockConfiguration: {
            ObjectLockEnabled: 'Enabled',
            Rule: { DefaultRetention: { Mode: 'COMPLIANCE', Days: 1 } },
          },
        }),
      )
      const raw = await s3Place(locked)
      const { folder, paths } = await stage(raw.store, 'raw/x @r10-1', [part('a.csv', 'one')])
      await raw.store.sync([folder])
      await raw.store.remove(paths)
      expect(await raw.store.sizes(paths)).toEqual([undefined])
      const Key = `${raw.prefix}/${paths[0] ?? ''}`
      const { Versions = [] } = await locked.client.send(
        new ListObjectVersionsCommand({ Bucket: locked.bucket, Prefix: Key }),
      )
      const VersionId = Versions[0]?.VersionId
      const version = { Bucket: locked.bucket, Key, VersionId }
      const { Body } = await locked.client.send(new GetObjectCommand(version))
      expect(await Body?.transformToString()).toBe('one')
      const { Errors = [] } = await locked.client.send(
        new DeleteObjectsCommand({
          Bucket: locked.bucket,
          Delete: { Objects: [{ Key, VersionId }] },
        }),
      )
      expect(Errors.length).toBe(1)
      await raw.close()
      await locked.close()
    })

    test('a bucket that is gone has lost no part: it cannot be used, in words', async () => {
      const store = openS3Store({
        place: { bucket: `${bucket.bucket}-none`, prefix: '' },
        settings: bucket.settings,
        cache: { folder: place.folder, bytesMax: 1 << 20 },
      })
      const asked = [
        store.sizes(['a']),
        store.digest('a'),
        store.fetch({ path: 'a', ...part('a', 'x') }),
        stage(store, 'gold @r1-1', [part('a', 'x')]),
        stage(store, 'gold @r1-2', [part('a', 'x', { stored: 'b' })]),
        unitsOf(store),
      ]
      for (const one of await Promise.allSettled(asked)) {
        expect(one).toMatchObject({
          status: 'rejected',
          reason: { code: 'STORE_UNUSABLE', context: { reason: 'there is no such bucket' } },
        })
      }
    })
  })
}
