/**
 * Who may do what in a bucket: one policy for each component, from one table.
 *
 * Two dialects of it. MinIO attaches a policy to a user (`mc admin policy`), and bucket policies have
 * no effect on its named users. Other servers have one policy on the bucket that names its users as
 * principals. A write includes overwriting: S3 has no right for the one without the other, so what
 * must not be lost lies in a versioned bucket with object lock.
 */
import type { S3Place } from './s3-client.ts'

export type Component =
  | 'submitter'
  | 'intake'
  | 'parse'
  | 'gold'
  | 'gc'
  | 'analyst'
  | 'sampler'
  | 'daemon'
  | 'backup'

/**
 * Where the store and the inbox are. They may share a bucket; in one of its own, an inbox's many
 * submitters have no right in the store's.
 */
export interface PolicyPlaces {
  readonly store: S3Place
  readonly inbox: S3Place
}

export interface Statement {
  readonly Sid?: string
  readonly Effect: 'Allow' | 'Deny'
  readonly Principal?: { readonly AWS: readonly string[] }
  readonly Action: readonly string[]
  readonly Resource: readonly string[]
  readonly Condition?: { readonly StringLike: { readonly 's3:prefix': readonly string[] } }
}

export interface Policy {
  readonly Version: '2012-10-17'
  readonly Statement: readonly Statement[]
}

type Verb = 'list' | 'read' | 'write' | 'keep' | 'remove' | 'purge'
interface Grant {
  readonly verbs: readonly Verb[]
  /** folders of the store; `inbox` is the inbox, wherever it is */
  readonly zones: readonly string[]
}

/**
 * What is made again from raw; a star stands for the rest of a folder's name: `s*` is samples and
 * silver, because each name costs bytes of the 4 KB that versitygw has.
 */
const DERIVED = ['s*', 'rejects', 'outbox', 'gold_*']

/**
 * The table. A submitter's zones are its own folders of the inbox and the outbox. Only the daemon does everything the
 * product does; the rest are for installations that split it. Nobody may remove an old version:
 * that takes the owner's credential.
 */
const GRANTS: Readonly<Record<Component, readonly Grant[]>> = {
  submitter: [
    { verbs: ['write'], zones: ['inbox/{submitter}'] },
    { verbs: ['list', 'read'], zones: ['outbox/{submitter}'] },
  ],
  intake: [
    { verbs: ['list', 'read', 'remove'], zones: ['inbox'] },
    { verbs: ['read', 'write', 'keep'], zones: ['raw'] },
  ],
  parse: [
    { verbs: ['list', 'read'], zones: ['raw'] },
    { verbs: ['read', 'write'], zones: ['silver', 'rejects'] },
  ],
  gold: [
    { verbs: ['read'], zones: ['silver'] },
    { verbs: ['read', 'write'], zones: ['gold_*'] },
  ],
  gc: [{ verbs: ['list', 'remove'], zones: DERIVED }],
  analyst: [{ verbs: ['list', 'read'], zones: ['gold_canonical'] }],
  sampler: [{ verbs: ['read'], zones: ['raw'] }],
  daemon: [
    { verbs: ['list', 'read', 'remove'], zones: ['inbox'] },
    { verbs: ['list', 'read', 'write', 'keep'], zones: ['*'] },
    { verbs: ['remove'], zones: ['raw', ...DERIVED] },
    { verbs: ['remove', 'purge'], zones: ['.tributary-probe'] },
  ],
  backup: [{ verbs: ['list', 'read'], zones: ['inbox', '*'] }],
}

/** What gc may not remove although it lies in its zones: manifests say what was published. */
const KEPT: Readonly<Partial<Record<Component, readonly string[]>>> = { gc: ['*/_manifest/*'] }

const ACTIONS: Readonly<Record<Exclude<Verb, 'list'>, readonly string[]>> = {
  read: ['s3:GetObject'],
  write: ['s3:PutObject', 's3:AbortMultipartUpload'],
  // A retention can be set and made longer, never shorter: see object-lock.ts.
  keep: ['s3:PutObjectRetention'],
  remove: ['s3:DeleteObject'],
  purge: ['s3:DeleteObjectVersion'],
}

/** What the daemon and its doctor read of the bucket itself. */
const BUCKET_ACTIONS = [
  's3:ListBucket*', // its objects, their versions, open uploads
  's3:GetBucketVersioning',
  's3:GetBucketObjectLockConfiguration',
  's3:GetLifecycleConfiguration',
]

export const COMPONENTS = Object.keys(GRANTS) as readonly Component[]

/**
 * The policy of one component as a user's own. On MinIO `${aws:username}` stands for the user's name,
 * so that one policy serves every submitter whose access key is its id.
 */
export function userPolicy(
  component: Component,
  places: PolicyPlaces,
  submitter = '${aws:username}',
): Policy {
  const statements = statementsOf(component, places, submitter)
  return {
    Version: '2012-10-17',
    Statement: [...statements, ...oldVersions(component, places)],
  }
}

/** Which user has which component's rights: access key → component. */
export type Principals = Readonly<Record<string, Component>>

/**
 * The policies of all users of one bucket as the bucket's own, for servers with principals. A
 * submitter's access key is its id.
 *
 * Equal rights are put together: stores limit a policy's size, AWS to 20 KB, versitygw over ext4 to
 * about 4 KB with everything else it notes of a bucket (unless it runs with `--sidecar`).
 */
export function bucketPolicy(bucket: string, principals: Principals, places: PolicyPlaces): Policy {
  const own = `arn:aws:s3:::${bucket}`
  const rights = Object.entries(principals).flatMap(([key, component]) =>
    statementsOf(component, places, key).flatMap((statement) =>
      statement.Resource.filter((one) => one === own || one.startsWith(`${own}/`)).flatMap(
        (resource) =>
          statement.Action.map((action): Right => ({
            effect: statement.Effect,
            prefixes: statement.Condition?.StringLike['s3:prefix'] ?? [],
            keys: [key],
            actions: [action],
            resources: [resource],
          })),
      ),
    ),
  )
  const [smallest] = ORDERS.map((order) => order.reduce(joined, rights).map(asStatement)).toSorted(
    (a, b) => JSON.stringify(a).length - JSON.stringify(b).length,
  )
  return { Version: '2012-10-17', Statement: smallest ?? [] }
}

type List = 'keys' | 'actions' | 'resources'
/** Which list is joined first decides how much can be joined after it. */
const ORDERS: readonly (readonly List[])[] = [
  ['keys', 'actions', 'resources'],
  ['actions', 'keys', 'resources'],
  ['actions', 'resources', 'keys'],
  ['resources', 'actions', 'keys'],
]

interface Right {
  readonly effect: 'Allow' | 'Deny'
  readonly prefixes: readonly string[]
  readonly keys: readonly string[]
  readonly actions: readonly string[]
  readonly resources: readonly string[]
}

/** Rights that differ in one list only become one, with all of that list. */
function joined(rights: readonly Right[], list: List): readonly Right[] {
  const alike = Map.groupBy(rights, (right) => JSON.stringify({ ...right, [list]: [] }))
  return [...alike.values()].flatMap((group) => {
    const [first] = group
    const all = [...new Set(group.flatMap((right) => right[list]))]
    return first === undefined ? [] : [{ ...first, [list]: all }]
  })
}

const asStatement = ({ effect, prefixes, keys, actions, resources }: Right): Statement => ({
  Effect: effect,
  Principal: { AWS: keys },
  Action: actions,
  Resource: resources,
  ...(prefixes.length > 0 && { Condition: { StringLike: { 's3:prefix': prefixes } } }),
})

function statementsOf(
  component: Component,
  places: PolicyPlaces,
  submitter: string,
): readonly Statement[] {
  const own = (zone: string): string => zone.replace('{submitter}', submitter)
  const grants = GRANTS[component]
  const allowed = grants.map(({ verbs, zones }, at): Statement => ({
    Sid: `Objects${at + 1}`,
    Effect: 'Allow',
    Action: verbs.flatMap((verb) => (verb === 'list' ? [] : ACTIONS[verb])),
    Resource: zones.map((zone) => `arn:aws:s3:::${keyOf(own(zone), places)}/*`),
  }))
  const kept = KEPT[component] ?? []
  return [
    ...allowed.filter(({ Action }) => Action.length > 0),
    ...listings(component, places, own),
    ...(kept.length > 0 ? [deny('s3:DeleteObject', kept, places)] : []),
  ]
}

/** MinIO lets who may remove an object remove its old versions too, unless it is told. */
function oldVersions(component: Component, places: PolicyPlaces): readonly Statement[] {
  const zones = GRANTS[component].flatMap(({ verbs, zones: own }) =>
    verbs.includes('remove') && !verbs.includes('purge') ? own : [],
  )
  const patterns = zones.map((zone) => `${zone}/*`)
  return zones.length === 0 ? [] : [deny('s3:DeleteObjectVersion', patterns, places)]
}

const deny = (
  action: 's3:DeleteObject' | 's3:DeleteObjectVersion',
  patterns: readonly string[],
  places: PolicyPlaces,
): Statement => ({
  Sid: action === 's3:DeleteObject' ? 'Manifests' : 'OldVersions',
  Effect: 'Deny',
  Action: [action],
  Resource: patterns.map((pattern) => `arn:aws:s3:::${keyOf(pattern, places)}`),
})

/** A listing is a right on the bucket; its prefix is a condition. */
function listings(
  component: Component,
  places: PolicyPlaces,
  own: (zone: string) => string,
): readonly Statement[] {
  const buckets = [...new Set([places.store.bucket, places.inbox.bucket])]
  if (component === 'daemon') {
    const Resource = buckets.map((bucket) => `arn:aws:s3:::${bucket}`)
    return [{ Sid: 'Bucket', Effect: 'Allow', Action: BUCKET_ACTIONS, Resource }]
  }
  const zones = GRANTS[component].flatMap((grant) =>
    grant.verbs.includes('list') ? grant.zones.map(own) : [],
  )
  return buckets.flatMap((bucket, at): readonly Statement[] => {
    const keys = zones.map((zone) => `${keyOf(zone, places)}/`)
    const prefixes = keys.flatMap((key) =>
      key.startsWith(`${bucket}/`) ? [`${key.slice(bucket.length + 1)}*`] : [],
    )
    if (prefixes.length === 0) return []
    return [
      {
        Sid: `List${at + 1}`,
        Effect: 'Allow',
        Action: ['s3:ListBucket'],
        Resource: [`arn:aws:s3:::${bucket}`],
        // A listing of the whole bucket may come without a prefix, which no pattern matches.
        ...(!prefixes.includes('*') && { Condition: { StringLike: { 's3:prefix': prefixes } } }),
      },
    ]
  })
}

/** `bucket/prefix/zone`, without a closing slash or star; `*` is the whole store. */
function keyOf(zone: string, { store, inbox }: PolicyPlaces): string {
  const isInbox = zone === 'inbox' || zone.startsWith('inbox/')
  const place = isInbox ? inbox : store
  const own = isInbox ? zone.slice('inbox'.length) : zone === '*' ? '' : `/${zone}`
  return `${place.bucket}${place.prefix === '' ? '' : `/${place.prefix}`}${own}`
}
