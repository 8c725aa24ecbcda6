/**
 * A project on real servers: its store and its inbox in one bucket, its catalog in PostgreSQL.
 *
 * Its canonical months are read as a stranger reads them: what a listing of the bucket shows.
 */
import type { _Object as ListedObject } from '@aws-sdk/client-s3'
import {
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
} from '@aws-sdk/client-s3'
import { mkdtempSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TextFile } from './deliveries.ts'
import type { RoadOptions } from './project.ts'
import { RoadProject } from './project.ts'
import type { FreshBucket } from './s3.ts'
import { freshBucket } from './s3.ts'
import type { S3Kind } from './s3-server.ts'

const STORE = 'store'
const INBOX = 'inbox'

const environmentOf = ({ environment, url }: FreshBucket): Readonly<Record<string, string>> => ({
  ...environment,
  TRIBUTARY_STORE: `${url}/${STORE}`,
  TRIBUTARY_INBOX: `${url}/${INBOX}`,
})

export interface ServiceRoadOptions extends Omit<RoadOptions, 'environment' | 'monthFolder'> {
  /** default: minio */
  readonly kind?: S3Kind
  /** the bucket keeps versions; default false */
  readonly versioned?: boolean
}

export class ServiceRoad implements AsyncDisposable {
  readonly road: RoadProject
  readonly bucket: FreshBucket

  private constructor(road: RoadProject, bucket: FreshBucket) {
    this.road = road
    this.bucket = bucket
  }

  /** Makes a bucket, a database (unless another is asked for) and a project over them. */
  static async create(options: ServiceRoadOptions = {}): Promise<ServiceRoad> {
    const { kind = 'minio', versioned = false, ...rest } = options
    const bucket = await freshBucket(kind, { versioned })
    const road = await RoadProject.create({
      database: 'postgres',
      ...rest,
      environment: environmentOf(bucket),
      monthFolder: async (month, root) => copyMonth(bucket, month, root),
    })
    return new ServiceRoad(road, bucket)
  }

  /** The settings of its servers, but for the catalog's. */
  get environment(): Readonly<Record<string, string>> {
    return environmentOf(this.bucket)
  }

  /** Puts files into a drop of the inbox, and a marker behind them. */
  async deliver(
    drop: string,
    files: readonly TextFile[],
    { marker = true }: { readonly marker?: boolean } = {},
  ): Promise<void> {
    for (const { name, content } of files) await this.put(`${drop}/${name}`, content)
    if (marker) await this.put(`${drop}/_SUCCESS`, '')
  }

  /** Puts everything below a local folder into the inbox; of each drop its marker last. */
  async deliverFolder(folder: string, only = (_path: string): boolean => true): Promise<void> {
    const files = readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
      .filter(only)
    const isMarker = (path: string): boolean => path.endsWith('/_SUCCESS')
    for (const wave of [files.filter((path) => !isMarker(path)), files.filter(isMarker)]) {
      await Promise.all(wave.map(async (path) => this.put(path, readFileSync(join(folder, path)))))
    }
  }

  /** Puts one object into the inbox. */
  async put(path: string, content: string | Buffer): Promise<void> {
    const Body = typeof content === 'string' ? Buffer.from(content) : content
    await this.bucket.client.send(new PutObjectCommand({ ...this.#inInbox(path), Body }))
  }

  /** Deletes one object of the inbox. */
  async take(path: string): Promise<void> {
    await this.bucket.client.send(new DeleteObjectCommand(this.#inInbox(path)))
  }

  /** What lies in the inbox, by path. */
  async lying(): Promise<readonly string[]> {
    return Object.keys(await this.#objects(`${INBOX}/`))
  }

  /** Every object of the store: key → ETag and time of change. */
  async stored(): Promise<Readonly<Record<string, string>>> {
    return this.#objects(`${STORE}/`)
  }

  async #objects(prefix: string): Promise<Readonly<Record<string, string>>> {
    const found = await listObjects(this.bucket, prefix)
    return Object.fromEntries(
      found.map(({ Key = '', ETag, LastModified }) => [
        Key.slice(prefix.length),
        `${ETag} ${LastModified?.toISOString()}`,
      ]),
    )
  }

  #inInbox(path: string): { readonly Bucket: string; readonly Key: string } {
    return { Bucket: this.bucket.bucket, Key: `${INBOX}/${path}` }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.road[Symbol.asyncDispose]()
    await this.bucket.close()
  }
}

/** Numbered objects that only ever come anew: what was done, for whoever lost the catalog. */
const isAppended = (key: string): boolean => /^_(catalog|audit)\//.test(key)

/** The published folders, as `gold_canonical/MA/medical/atomic_month=…`, whose objects are not as before. */
export function changedFolders(
  before: Readonly<Record<string, string>>,
  after: Readonly<Record<string, string>>,
): readonly string[] {
  const changed = [...new Set([...Object.keys(before), ...Object.keys(after)])].filter(
    (key) => before[key] !== after[key] && !(isAppended(key) && before[key] === undefined),
  )
  return [...new Set(changed.map((key) => key.split('/').slice(0, 4).join('/')))].toSorted()
}

async function listObjects(
  { client, bucket }: FreshBucket,
  prefix: string,
): Promise<readonly ListedObject[]> {
  const found: ListedObject[] = []
  let next: string | undefined
  do {
    const token = next === undefined ? {} : { ContinuationToken: next }
    const page = await client.send(
      new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix, ...token }),
    )
    found.push(...(page.Contents ?? []))
    next = page.NextContinuationToken
  } while (next !== undefined)
  return found
}

/** Copies what a reader's `*.parquet` finds of a month into a local folder. */
async function copyMonth(bucket: FreshBucket, month: string, root: string): Promise<string> {
  const [state = '', fileType = '', atomicMonth = ''] = month.split('/')
  const prefix = `${STORE}/gold_canonical/${state}/${fileType}/atomic_month=${atomicMonth}/`
  const folder = mkdtempSync(join(root, '.month-'))
  for (const { Key = '' } of await listObjects(bucket, prefix)) {
    const name = Key.slice(prefix.length)
    if (name.includes('/') || !name.endsWith('.parquet')) continue
    const { Body } = await bucket.client.send(new GetObjectCommand({ Bucket: bucket.bucket, Key }))
    writeFileSync(join(folder, name), (await Body?.transformToByteArray()) ?? '')
  }
  return folder
}
