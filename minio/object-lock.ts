/**
 * Keeps what must not be lost: raw files and audit anchors are written with a retention, so that no
 * user, an owner included, removes or replaces their bytes before it ends (mode COMPLIANCE).
 *
 * The bucket must have object lock; one without it refuses the write, so nothing is kept less well
 * than it was asked for. What a lock keeps can still be hidden by a delete marker: an attempt that
 * was given up leaves no key, and its bytes until their day.
 */
import type { S3Client } from '@aws-sdk/client-s3'

const KEPT = ['raw/', '_audit/']
const WRITES = new Set(['PutObjectCommand', 'CreateMultipartUploadCommand'])
const DAY_MS = 24 * 60 * 60 * 1000

/** Makes a client write everything in those zones of a place with so many days of retention. */
export function lockWrites(
  client: S3Client,
  { prefix, days }: { readonly prefix: string; readonly days: number },
): void {
  const zones = KEPT.map((zone) => (prefix === '' ? zone : `${prefix}/${zone}`))
  client.middlewareStack.add(
    (next, { commandName = '' }) =>
      async (args) => {
        const key = 'Key' in args.input ? (args.input.Key ?? '') : ''
        if (!WRITES.has(commandName) || !zones.some((zone) => key.startsWith(zone)))
          return next(args)
        const ObjectLockRetainUntilDate = new Date(Date.now() + days * DAY_MS)
        const lock = { ObjectLockMode: 'COMPLIANCE', ObjectLockRetainUntilDate } as const
        return next({ ...args, input: { ...args.input, ...lock } })
      },
    { step: 'initialize', name: 'lockWrites' },
  )
}
