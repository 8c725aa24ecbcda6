/**
 * Asks an S3 store what it really does: about 150 small requests under a prefix of their own, which
 * is emptied afterwards. What is settled (versioning, lock, rules) is read, never changed.
 *
 * Every answer comes from the server asked now; no table of products is consulted.
 */
import type { StoreFacts, StoreQuestion } from '../engine/index.ts'
import { EngineError } from '../engine/index.ts'
import type { ProbeOptions } from './probe-scratch.ts'
import { ProbeScratch, answerName } from './probe-scratch.ts'

const RACERS = 10
const CREATE_ROUNDS = 2
const ABORT_ROUNDS = 8
const NO_ETAG = '"00000000000000000000000000000000"'

type Check = (scratch: ProbeScratch) => Promise<string>

/** Probes one store. Throws STORE_UNUSABLE when it cannot be reached at all. */
export async function probeStore(options: ProbeOptions): Promise<StoreFacts> {
  const { client, place, nowMs, signal } = options
  const scratch = new ProbeScratch(options)
  const answers: Partial<Record<StoreQuestion, string>> = {}
  try {
    for (const [question, check] of Object.entries(CHECKS) as [StoreQuestion, Check][]) {
      answers[question] = await check(scratch).catch((error: unknown) => answerName(error))
      signal.throwIfAborted()
      // Without these nothing else has a meaning.
      if (question === 'verbs' && answers.verbs !== 'work') break
    }
    return { server: scratch.server, atMs: nowMs, answers }
  } catch (error) {
    const reason = signal.aborted ? 'it does not answer in time' : answerName(error)
    const store = `s3://${place.bucket}/${place.prefix}`
    throw new EngineError('STORE_UNUSABLE', { store, reason }, { cause: error })
  } finally {
    await scratch.empty()
    client.destroy()
  }
}

const CHECKS: Readonly<Record<StoreQuestion, Check>> = {
  verbs: async (at) => {
    await at.put('verbs', 'one')
    const read = await at.read('verbs')
    await at.copy('verbs', 'copied')
    const copied = await at.read('copied')
    const listed = await at.list('')
    await at.remove(['verbs', 'copied'])
    const isGone = (await at.outcome(async () => at.head('verbs'))) !== 'ok'
    return read === 'one' && copied === 'one' && listed.length > 0 && isGone ? 'work' : 'differ'
  },
  list_after_write: async (at) => {
    await at.put('late/1', 'x')
    return (await at.list('late/')).length === 1 ? 'at once' : 'late'
  },
  create_if_absent: createRace,
  swap_quoted: async (at) => swap(at, (etag) => etag),
  swap_bare: async (at) => swap(at, (etag) => etag.replaceAll('"', '')),
  complete_if_absent: async (at) => {
    await at.put('there', 'old')
    const upload = await at.upload('there')
    const said = await at.outcome(async () => at.complete(upload, { IfNoneMatch: '*' }))
    if (said === 'ok') return 'overwrites'
    await at.abort(upload)
    return said === 'PreconditionFailed' ? 'holds' : said
  },
  staged: async (at) => {
    const upload = await at.upload('staged')
    const head = await at.outcome(async () => at.head('staged'))
    const listed = await at.list('staged')
    await at.complete(upload)
    if (head === 'ok' || listed.length > 0) return 'visible'
    return (await at.read('staged')) === upload.body ? 'invisible' : 'lost'
  },
  abort_then_complete: async (at) => {
    const upload = await at.upload('aborted')
    await at.abort(upload)
    return (await at.outcome(async () => at.complete(upload))) === 'ok' ? 'completes' : 'refused'
  },
  abort_race: async (at) => {
    let both = 0
    for (let round = 0; round < ABORT_ROUNDS; round++) {
      const upload = await at.upload(`raced/${round}`)
      const said = await Promise.all([
        at.outcome(async () => at.abort(upload)),
        at.outcome(async () => at.complete(upload)),
      ])
      if (said.every((one) => one === 'ok')) both += 1
    }
    return String(both)
  },
  complete_twice: async (at) => {
    const upload = await at.upload('twice')
    await at.complete(upload)
    const again = await at.outcome(async () => at.complete(upload))
    if (again === 'ok') return 'repeats'
    return again === 'NoSuchUpload' ? 'forgotten' : again
  },
  checksum_put: async (at) => {
    const said = await at.outcome(async () => at.put('sum', 'x', { ChecksumSHA256: WRONG_SHA256 }))
    return said === 'ok' ? 'accepted' : 'refused'
  },
  checksum_part: async (at) => {
    const said = await at.outcome(async () => at.upload('sum-part', WRONG_SHA256))
    return said === 'ok' ? 'accepted' : 'refused'
  },
  checksum_head: async (at) => {
    await at.complete(await at.upload('told'))
    return (await at.head('told')).ChecksumSHA256 === undefined ? 'no' : 'yes'
  },
  list_order: listOrder,
  key_and_folder: async (at) => {
    await at.put('folder', 'x')
    if ((await at.outcome(async () => at.put('folder/file', 'x'))) !== 'ok') return 'refused'
    return (await at.list('folder')).length === 2 ? 'both' : 'hidden'
  },
  uploads_by_folder: async (at) => openUploads(at, 'open/'),
  uploads_by_key: async (at) => openUploads(at, 'open/part'),
  upload_expiry: async (at) => settled(at.uploadExpiry()),
  versioning: async (at) => settled(at.versioning()),
  object_lock: async (at) => settled(at.objectLock()),
}

/** Answers of servers that have no such setting. */
const UNSET: Readonly<Record<string, string>> = {
  NoSuchLifecycleConfiguration: 'none',
  ObjectLockConfigurationNotFoundError: 'off',
  NotImplemented: 'not to be had',
}

const settled = async (answer: Promise<string>): Promise<string> =>
  answer.catch((error: unknown) => {
    const name = answerName(error)
    return UNSET[name] ?? `not told (${name})`
  })

/** SHA-256 of nothing, base64: no body here has it. */
const WRONG_SHA256 = '47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='

async function createRace(at: ProbeScratch): Promise<string> {
  for (let round = 0; round < CREATE_ROUNDS; round++) {
    const key = `race/${round}`
    const said = await Promise.all(
      Array.from({ length: RACERS }, async (_, racer) =>
        at.outcome(async () => at.put(key, `racer ${racer}`, { IfNoneMatch: '*' })),
      ),
    )
    const winners = said.filter((one) => one === 'ok').length
    if (winners === RACERS) return 'ignored'
    if (winners !== 1) return `${winners} winners`
    if ((await at.read(key)) !== `racer ${said.indexOf('ok')}`) return 'content of a loser'
  }
  return 'one winner'
}

async function swap(at: ProbeScratch, form: (etag: string) => string): Promise<string> {
  const etag = await at.put('swap', 'one')
  if ((await at.outcome(async () => at.put('swap', 'two', { IfMatch: form(NO_ETAG) }))) === 'ok')
    return 'ignored'
  const good = await at.outcome(async () => at.put('swap', 'three', { IfMatch: form(etag) }))
  return good === 'ok' ? 'holds' : `refused: ${good}`
}

/** Keys in an order that is not theirs; sorted by UTF-8 bytes it is. */
const AWKWARD = ['z', 'a b', '%41', 'a+b', 'é', 'a=b', '_', '10', '9', 'A', '\u{1F600}'] as const
const PAGE_KEYS = 4

async function listOrder(at: ProbeScratch): Promise<string> {
  for (const key of AWKWARD) await at.put(`order/${key}`, 'x')
  const wanted = [...AWKWARD].toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
  const found = await at.list('order/', PAGE_KEYS)
  return found.join('\n') === wanted.map((key) => `order/${key}`).join('\n') ? 'bytes' : 'differs'
}

async function openUploads(at: ProbeScratch, prefix: string): Promise<string> {
  const upload = await at.upload('open/part')
  const keys = await at.openUploads(prefix)
  await at.abort(upload)
  return keys.includes('open/part') ? 'listed' : 'none'
}
