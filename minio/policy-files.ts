/** The policies as files, for the buckets of compose.yaml and for others to start from. */
import type { PolicyPlaces, Principals } from './policies.ts'
import { COMPONENTS, bucketPolicy, userPolicy } from './policies.ts'

/** As .env.example names them. */
const PLACES: PolicyPlaces = {
  store: { bucket: 'tributary', prefix: 'data' },
  inbox: { bucket: 'tributary-inbox', prefix: '' },
}

/** File name → JSON: one for each user of a MinIO, one for each bucket of another store. */
export function policyFiles(places: PolicyPlaces = PLACES): Readonly<Record<string, string>> {
  const users = COMPONENTS.map(
    (component) => [`user-${component}.json`, text(userPolicy(component, places))] as const,
  )
  // Each component's access key is its name here; a submitter's is its id.
  const keys: Principals = Object.fromEntries(COMPONENTS.map((one) => [one, one]))
  const buckets = [...new Set([places.store.bucket, places.inbox.bucket])].map(
    (bucket) => [`bucket-${bucket}.json`, text(bucketPolicy(bucket, keys, places))] as const,
  )
  return Object.fromEntries([...users, ...buckets])
}

const text = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`
