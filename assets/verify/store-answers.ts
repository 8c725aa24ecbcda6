/**
 * What a project's S3 store was seen to do, remembered for a day beside the project's state: asking
 * takes some 150 requests, which `doctor` need not make each time.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import type { StoreFacts, StoreQuestion, StoreRemark } from '../../engine/index.ts'
import { STORE_QUESTIONS, storeRemarks } from '../../engine/index.ts'
import type { Config } from '../config.ts'

/** Asks the store of a project. Throws STORE_UNUSABLE. */
export type AskStore = (config: Config) => Promise<StoreFacts>

const REMEMBERED_MS = 24 * 60 * 60 * 1000
const questions = Object.keys(STORE_QUESTIONS) as [StoreQuestion, ...StoreQuestion[]]
const remembered = z.strictObject({
  store: z.string(),
  server: z.string().optional(),
  atMs: z.number(),
  answers: z.partialRecord(z.enum(questions), z.string()),
})

/** Whether a project's store is asked by requests and not by files. */
export const isBucket = ({ store }: Config): boolean => store.value.startsWith('s3://')

/** Answers of at most a day ago, else new ones. Throws STORE_UNUSABLE. */
export async function storeAnswers(
  config: Config,
  { ask, nowMs, anew }: { readonly ask: AskStore; readonly nowMs: number; readonly anew: boolean },
): Promise<StoreFacts> {
  const file = join(dirname(config.scratch.value), 'store-answers.json')
  const known = anew ? undefined : read(file, config)
  if (known !== undefined && nowMs - known.atMs < REMEMBERED_MS) return known
  const facts = await ask(config)
  // What somebody mends in the next minute is not remembered for a day.
  if (facts.answers.verbs !== 'work') return facts
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, `${JSON.stringify({ store: nameOf(config), ...facts }, null, 2)}\n`)
  return facts
}

const nameOf = ({ store, s3 }: Config): string => `${s3.endpoint.value ?? 'aws'} ${store.value}`

/** undefined: none, of another store, or of another version of this program. */
function read(file: string, config: Config): StoreFacts | undefined {
  if (!existsSync(file)) return undefined
  try {
    const found = remembered.parse(JSON.parse(readFileSync(file, 'utf8')))
    return found.store === nameOf(config) ? { ...found, server: found.server } : undefined
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof z.ZodError) return undefined
    throw error
  }
}

/** All of it in one line: the worst remark, and how many more there are to read. */
export function storeLine(facts: StoreFacts): StoreRemark {
  const remarks = storeRemarks(facts)
  const errors = remarks.filter(({ level }) => level === 'error')
  const [first] = errors.length > 0 ? errors : remarks
  const warnings = remarks.filter(({ level }) => level === 'warning').length
  const more = errors.length === 0 && warnings > 0 ? `; ${warnings} more to know` : ''
  const level = errors.length > 0 ? 'error' : warnings > 0 ? 'warning' : 'ok'
  const server = facts.server === undefined ? '' : ` (${facts.server})`
  return { level, words: `${first?.words ?? 'nothing is known of it'}${more}${server}` }
}
