/** What commands ask of an S3 store besides keeping parts: its answers, its buckets, its policies. */
import { randomBytes } from 'node:crypto'
import type { BootstrapStep, StoreFacts } from '../engine/index.ts'
import { EngineError } from '../engine/index.ts'
import { bootstrapBucket } from './bootstrap.ts'
import type { Component, PolicyPlaces, Principals } from './policies.ts'
import { COMPONENTS, bucketPolicy } from './policies.ts'
import { policyFiles } from './policy-files.ts'
import type { S3Settings } from './s3-client.ts'
import { parseS3Url, s3Client } from './s3-client.ts'
import { probeStore } from './s3-probe.ts'

/** A probe that takes longer says what it was told until then. */
const PROBE_TIMEOUT_MS = 60_000

const isS3Url = (text: string): boolean => text.startsWith('s3://')

/** Asks a store what it does. Throws CONFIG_INVALID, STORE_UNUSABLE. */
export async function askStore(
  store: string,
  settings: S3Settings,
  nowMs: number,
): Promise<StoreFacts> {
  return probeStore({
    client: s3Client(settings),
    place: parseS3Url(store),
    token: randomBytes(6).toString('hex'),
    nowMs,
    signal: AbortSignal.timeout(PROBE_TIMEOUT_MS),
  })
}

export interface StoreNames {
  readonly store: string
  /** a folder's inbox has no bucket: then the one beside the store is meant */
  readonly inbox: string
}

/** Prepares the bucket of a store, and of an inbox that is in one. Throws STORE_UNUSABLE, USAGE. */
export async function bootstrapStore(
  names: StoreNames,
  settings: S3Settings,
  users?: Readonly<Record<string, string>>,
): Promise<readonly { readonly bucket: string; readonly steps: readonly BootstrapStep[] }[]> {
  const places = placesOf(names)
  const principals = users === undefined ? undefined : knownComponents(users)
  const own = isS3Url(names.inbox) ? [places.store, places.inbox] : [places.store]
  const byBucket = new Map(own.toReversed().map((place) => [place.bucket, place]))
  const buckets = []
  for (const place of [...byBucket.values()].toReversed()) {
    const policy =
      principals === undefined ? undefined : bucketPolicy(place.bucket, principals, places)
    const steps = await bootstrapBucket({
      client: s3Client(settings),
      place,
      isStore: place.bucket === places.store.bucket,
      ...(policy !== undefined && { policy }),
    })
    buckets.push({ bucket: place.bucket, steps })
  }
  return buckets
}

/** File name → JSON of the policies for a project's own places. */
export const policiesFor = (names: StoreNames): Readonly<Record<string, string>> =>
  policyFiles(placesOf(names))

function placesOf({ store, inbox }: StoreNames): PolicyPlaces {
  const place = parseS3Url(store)
  const beside = { bucket: place.bucket, prefix: 'inbox' }
  return { store: place, inbox: isS3Url(inbox) ? parseS3Url(inbox) : beside }
}

function knownComponents(users: Readonly<Record<string, string>>): Principals {
  const known: readonly string[] = COMPONENTS
  const unknown = Object.entries(users).find(([, component]) => !known.includes(component))
  if (unknown !== undefined) {
    const reason = `${unknown[0]}: no component is named ${unknown[1]}; there are ${known.join(', ')}`
    throw new EngineError('USAGE', { command: 'store bootstrap', reason })
  }
  return users as Readonly<Record<string, Component>>
}
