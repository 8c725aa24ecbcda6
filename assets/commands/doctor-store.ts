/** `doctor --store`: what the project's S3 store really does, and what it may be used for. */
import type { CommandCall, StoreFacts } from '../../engine/index.ts'
import {
  EXIT,
  EngineError,
  STORE_QUESTIONS,
  alignColumns,
  isoText,
  storeRemarks,
  systemClock,
} from '../../engine/index.ts'
import { isBucket, storeAnswers } from '../verify/store-answers.ts'
import type { Host } from './host.ts'
import type { OpenedPlatform } from './opened.ts'

const NOT_SAFE = 5

/** Asks anew, whatever is remembered: 5 when the store must not be used. */
export async function examineStore(
  { terminal, json, folder }: CommandCall<OpenedPlatform>,
  host: Host,
): Promise<number> {
  const { config } = await host.look(folder)
  if (!isBucket(config)) {
    const reason = 'doctor --store asks a store at s3://; this project’s is a folder'
    throw new EngineError('USAGE', { command: 'doctor', reason })
  }
  const nowMs = systemClock.nowMs()
  const facts = await storeAnswers(config, { ask: host.askStore, nowMs, anew: true })
  const remarks = storeRemarks(facts)
  const exitCode = remarks.some(({ level }) => level === 'error') ? NOT_SAFE : EXIT.done
  if (json) {
    const { server = null, answers, atMs } = facts
    const asked = { store: config.store.value, server, at: isoText(atMs), answers, remarks }
    terminal.printJson({ format_version: '1.0', usable: exitCode === EXIT.done, ...asked })
    return exitCode
  }
  const { green, yellow, red, dim } = terminal.out
  terminal.print(alignColumns(['asked', 'answer'], answerRows(facts), dim).join('\n'))
  const paint = { ok: green, warning: yellow, error: red }
  const rows = remarks.map(({ level, words }) => [paint[level](level), words])
  terminal.print(`\n${alignColumns(['', ''], rows).join('\n')}`)
  return exitCode
}

/** Every question with its answer, as people and docs/stores.md read them. */
export const answerRows = ({ answers }: StoreFacts): readonly (readonly string[])[] =>
  Object.entries(STORE_QUESTIONS).map(([question, asked]) => [
    asked,
    answers[question as keyof typeof STORE_QUESTIONS] ?? 'not asked',
  ])
