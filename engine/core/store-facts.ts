/**
 * What an object store was seen to do, and what that means in words.
 *
 * S3 is a family of servers that differ where it matters: of ten rows that two of them answer
 * differently, five shape the commit protocol. So a store is asked, not believed, and a person is
 * told what it may be used for.
 */

/** Every question, in the order it is told; its answers are words of a closed set, or a number. */
export const STORE_QUESTIONS = {
  verbs: 'write, read, list, copy and remove',
  list_after_write: 'a listing after a write shows it',
  create_if_absent: 'create if absent, 10 at once, twice',
  swap_quoted: 'replace if unchanged, ETag in quotes',
  swap_bare: 'replace if unchanged, bare ETag',
  complete_if_absent: 'complete an upload if absent',
  staged: 'a staged upload before it is completed',
  abort_then_complete: 'complete after an abort',
  abort_race: 'abort and completion at once, 8 times: both said OK',
  complete_twice: 'complete again after a lost answer',
  checksum_put: 'a PUT whose SHA-256 is wrong',
  checksum_part: 'an upload’s part whose SHA-256 is wrong',
  checksum_head: 'HEAD tells the SHA-256 of a part',
  list_order: 'listings over pages, 11 awkward keys',
  key_and_folder: 'the keys a and a/b together',
  uploads_by_folder: 'open uploads listed by folder',
  uploads_by_key: 'open uploads listed by key',
  upload_expiry: 'rule for uploads left open, days',
  versioning: 'versioning of the bucket',
  object_lock: 'object lock of the bucket',
} as const satisfies Readonly<Record<string, string>>

export type StoreQuestion = keyof typeof STORE_QUESTIONS

/** The answers of one store. */
export interface StoreFacts {
  /** what it calls itself; undefined: it does not say */
  readonly server: string | undefined
  readonly atMs: number
  readonly answers: Readonly<Partial<Record<StoreQuestion, string>>>
}

/** One thing a person should know about a store. `error`: the product must not be used on it. */
export interface StoreRemark {
  readonly level: 'ok' | 'warning' | 'error'
  readonly words: string
}

/** What the commit protocol stands on besides: another answer makes the store unusable. */
const NEEDED: Readonly<Partial<Record<StoreQuestion, readonly string[]>>> = {
  staged: ['invisible'],
  abort_then_complete: ['refused'],
}

/** What a store may be used for, in words. Pure. */
export function storeRemarks({ server, answers }: StoreFacts): readonly StoreRemark[] {
  if (answers.verbs !== 'work') {
    const found = answers.verbs ?? 'no answer'
    const words = `it cannot be written, read, listed and emptied (${found}): check endpoint, bucket and keys; tributary store bootstrap makes a bucket`
    return [{ level: 'error', words }]
  }
  const broken = Object.entries(NEEDED).filter(
    ([question, wanted]) => !wanted.includes(answers[question as StoreQuestion] ?? ''),
  )
  if (broken.length > 0) {
    return broken.map(([question]) => {
      const asked = STORE_QUESTIONS[question as StoreQuestion]
      const found = answers[question as StoreQuestion] ?? 'no answer'
      return { level: 'error', words: `not safe: ${asked}: ${found}. Do not use this store` }
    })
  }
  return [
    {
      level: 'ok',
      words:
        'safe for tributary: staged uploads stay invisible until they are completed, and the commit needs none of what is missing here',
    },
    ...handledRemarks(answers),
    conditionalRemark(answers),
    expiryRemark(server, answers),
    ...safetyRemarks(answers),
  ]
}

type Answers = StoreFacts['answers']

/** What differs between stores and the product copes with. */
function handledRemarks(answers: Answers): readonly StoreRemark[] {
  const remarks: StoreRemark[] = []
  const note = (words: string): number => remarks.push({ level: 'ok', words })
  if (answers.abort_race !== '0')
    note('an abort may say OK and lose: the key is looked for and removed after it')
  if (answers.complete_twice === 'forgotten')
    note('a completed upload is forgotten: after a lost answer, size and SHA-256 are compared')
  if (answers.uploads_by_folder === 'none')
    note('open uploads are not listed by folder: their ids are kept in the catalog')
  if (answers.key_and_folder !== 'both')
    note('a key that is also a folder is hidden or refused: tributary makes none')
  if (answers.list_after_write === 'late' || answers.list_order !== 'bytes')
    note('listings lag or are out of order: nothing is decided by one')
  return remarks
}

function conditionalRemark({ create_if_absent, swap_quoted, swap_bare }: Answers): StoreRemark {
  if (create_if_absent === 'one winner' && swap_quoted === 'holds') {
    const bare = swap_bare === 'holds' ? '' : ', with the ETag in quotes'
    const words = `other programs may use it for locks and table logs: conditional writes hold${bare}`
    return { level: 'ok', words }
  }
  const words =
    'conditional writes do not hold: no other program may use it for locks or table logs (tributary uses none)'
  return { level: 'warning', words }
}

function expiryRemark(server: string | undefined, { upload_expiry }: Answers): StoreRemark {
  const days = Number(upload_expiry)
  if (days > 0) {
    const span = days === 1 ? '1 day' : `${days} days`
    const words = `uploads left open are removed after ${span}: a run that stopped must be recovered before`
    return { level: days < 3 ? 'warning' : 'ok', words }
  }
  if (server === 'MinIO') {
    const words =
      'MinIO removes uploads left open after 24 h: recovery must run daily, as the daemon does; MINIO_API_STALE_UPLOADS_EXPIRY=720h makes it a month'
    return { level: 'warning', words }
  }
  const words =
    'nothing removes uploads left open: tributary aborts its own; set the rule where the store has it (tributary store bootstrap)'
  return { level: 'ok', words }
}

function safetyRemarks(answers: Answers): readonly StoreRemark[] {
  const remarks: StoreRemark[] = []
  const warn = (words: string): number => remarks.push({ level: 'warning', words })
  if (answers.checksum_put !== 'refused' || answers.checksum_part !== 'refused')
    warn('bytes that were damaged on the way are accepted: they are found when they are read')
  if (answers.versioning !== 'on')
    warn('the bucket is not versioned: what somebody deletes is gone (tributary store bootstrap)')
  if (answers.object_lock !== 'on')
    warn('the bucket has no object lock: raw files and audit anchors can be removed by an owner')
  return remarks
}

/** One thing that preparing a store did, found done, or could not have. */
export interface BootstrapStep {
  readonly outcome: 'done' | 'there' | 'missing'
  readonly what: string
}
