/** The engine's job on PostgreSQL and MinIO, before a disturbed run and after the one that follows. */
import { CopyObjectCommand, ListObjectsV2Command, ListPartsCommand } from '@aws-sdk/client-s3'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'vitest'
import { parseS3Url } from '../../../minio/s3-client.ts'
import type { EngineProject, ServicesPlace } from '../../support/engine-project.ts'
import { copyDatabase, freshDatabase } from '../../support/postgres.ts'
import type { FreshBucket } from '../../support/s3.ts'
import { freshBucket } from '../../support/s3.ts'
import { AFTER, BEFORE, PLACE_FILE, openJob } from '../engine-job.ts'
import { contents, expectWhole } from './engine-whole.ts'

export class ServicesWhole {
  readonly #folder = mkdtempSync(join(tmpdir(), 'tributary-services-'))
  readonly #bucket: FreshBucket
  readonly #closing: (() => Promise<void>)[] = []
  #before: ServicesPlace | undefined
  #clean: ReadonlyMap<string, string> = new Map()
  #copies = 0

  private constructor(bucket: FreshBucket) {
    this.#bucket = bucket
  }

  /** Where its bucket's server answers. */
  get endpoint(): string {
    return this.#bucket.settings.endpoint ?? ''
  }

  /** Builds the job's first state, and its second one undisturbed in a copy. */
  static async create(): Promise<ServicesWhole> {
    const whole = new ServicesWhole(await freshBucket('minio'))
    const database = await freshDatabase()
    whole.#closing.push(database.close)
    whole.#before = whole.#placeAt(database.url, 'before')
    const root = whole.#rootOf('before', whole.#before)
    const before = await openJob(root)
    await before.run('*', { facts: BEFORE })
    await before.close()
    const job = await openJob(await whole.copy())
    await job.run('*', { facts: AFTER })
    whole.#clean = await contents(job)
    await job.close()
    return whole
  }

  /** A copy of the first state: its folder. */
  async copy(): Promise<string> {
    const name = String((this.#copies += 1))
    const { catalog } = this.#before ?? { catalog: '' }
    const database = await copyDatabase(catalog)
    this.#closing.push(database.close)
    await this.#copyObjects('before/', `${name}/`)
    return this.#rootOf(name, this.#placeAt(database.url, name))
  }

  /** The next run ends what is left, and everything is as if nothing had happened. */
  async expectAfterNextRun(root: string): Promise<void> {
    const job = await openJob(root)
    try {
      await job.run('*', { facts: AFTER })
      await this.#removeStrays(job)
      await expectWhole(job, { root, clean: this.#clean })
      expect((await job.plan()).steps).toEqual([])
      expect((await job.run()).run).toBe(undefined)
    } finally {
      await job.close()
    }
    rmSync(root, { recursive: true, force: true })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const close of this.#closing) await close()
    await this.#bucket.close()
    rmSync(this.#folder, { recursive: true, force: true })
  }

  /** A process may die between an upload's creation and its note: then it holds no byte. */
  async #removeStrays({ project: { store } }: EngineProject): Promise<void> {
    const { client, bucket: Bucket } = this.#bucket
    const strays: string[] = []
    for await (const stray of store.strays()) strays.push(stray)
    const { prefix } = parseS3Url(store.name)
    for (const stray of strays) {
      const [key = '', UploadId = ''] = stray.split('\t')
      const place = { Bucket, Key: `${prefix}/${key}`, UploadId }
      const { Parts = [] } = await client.send(new ListPartsCommand(place))
      expect(Parts).toEqual([])
    }
    await store.remove(strays)
  }

  #placeAt(catalog: string, name: string): ServicesPlace {
    return { catalog, store: `${this.#bucket.url}/${name}`, s3: this.#bucket.settings }
  }

  #rootOf(name: string, place: ServicesPlace): string {
    const root = join(this.#folder, name)
    mkdirSync(root)
    writeFileSync(join(root, PLACE_FILE), JSON.stringify(place))
    return root
  }

  async #copyObjects(from: string, to: string): Promise<void> {
    const { client, bucket: Bucket } = this.#bucket
    const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket, Prefix: from }))
    await Promise.all(
      Contents.map(async ({ Key: key = '' }) => {
        const CopySource = [Bucket, ...key.split('/')].map(encodeURIComponent).join('/')
        const Key = `${to}${key.slice(from.length)}`
        await client.send(new CopyObjectCommand({ Bucket, Key, CopySource }))
      }),
    )
  }
}
