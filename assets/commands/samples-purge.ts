/** `samples purge`: removes samples and their profiles; the ledger keeps what was there. */
import { join } from 'node:path'
import type { Catalog, CommandCall } from '../../engine/index.ts'
import {
  EXIT,
  EngineError,
  counted,
  flagOption,
  insertAudit,
  textOption,
  wholeNumber,
} from '../../engine/index.ts'
import { chosenPages } from '../samples/chosen.ts'
import type { SampleRow } from '../samples/ledger-tables.ts'
import { removeDrafts } from '../samples/drafts.ts'
import { callingsOf } from '../samples/named-files.ts'
import { releaseClaims } from '../samples/ledger-claims.ts'
import { ledgerTables } from '../samples/ledger-tables.ts'
import { openLedger } from '../samples/open-sampler.ts'
import { removeSample } from '../samples/sample-one.ts'
import type { OpenedPlatform } from './opened.ts'

const COMMAND = 'samples purge'
const DAY_MS = 24 * 60 * 60 * 1000
const DAYS_MAX = 36_500
/** Samples of one transaction: their files go first, so that one that is cut short is safe to repeat. */
const BATCH = 500

/** Runs `samples purge`. Exit 2 when nothing says which. */
export async function runSamplesPurge(call: CommandCall<OpenedPlatform>): Promise<number> {
  const older = textOption(call, 'olderThan')
  const place = textOption(call, 'place')
  const isRaw = flagOption(call, 'raw')
  const { words } = call
  const isChosen = words.length > 0 || place !== undefined || older !== undefined || isRaw
  if (!isChosen && !flagOption(call, 'all')) {
    const reason = 'say which: names, --place, --older-than, --raw, or --all'
    throw new EngineError('USAGE', { command: COMMAND, reason })
  }
  const { platform, ledgerAt } = await call.open({ sync: false })
  const { project, config } = platform
  await using ledger = await openLedger(platform, ledgerAt)
  const nowMs = project.clock.nowMs()
  const madeBeforeMs =
    older === undefined ? undefined : nowMs - wholeNumber('--older-than', older, DAYS_MAX) * DAY_MS
  const prefix = config.staging.prefix.value
  const names = await callingsOf(platform, call)
  const choice = { names, prefix, place, isRaw, madeBeforeMs, isThere: true }
  let count = 0
  for await (const rows of chosenPages(ledger, choice, BATCH)) {
    if (words.length > 0) await auditPurge(call, rows.map(nameOf))
    else if (count === 0) await auditPurge(call, [wordsFor({ place, isRaw, older })])
    removeAll(prefix, rows)
    // A sampler may have put another in its place before that was noted.
    removeAll(prefix, await notePurged(ledger, rows))
    count += rows.length
  }
  // What a killed sampler left half made holds values too.
  await releaseClaims(ledger, nowMs)
  await removeDrafts(ledger, prefix)
  if (call.json) call.terminal.printJson({ format_version: '1.0', purged: count })
  else call.terminal.print(count === 0 ? 'Nothing to purge' : `Purged ${counted(count, 'sample')}`)
  return EXIT.done
}

type Lying = Pick<SampleRow, 'place' | 'path'>

function removeAll(prefix: string, rows: readonly Lying[]): void {
  for (const { place, path } of rows) {
    if (path !== null) removeSample(join(prefix, place, 'samples'), path)
  }
}

const nameOf = ({ place, raw }: SampleRow): string => `${place}/${raw}`

/** Which samples a command is about, as an audit says it. */
function wordsFor({
  place,
  isRaw,
  older,
}: {
  readonly place: string | undefined
  readonly isRaw: boolean
  readonly older: string | undefined
}): string {
  return [
    'samples',
    ...(isRaw ? ['not masked'] : []),
    ...(place === undefined ? [] : [`below ${place}`]),
    ...(older === undefined ? [] : [`older than ${older} days`]),
  ].join(' ')
}

/** The audit says who removes samples before any is gone. */
async function auditPurge(
  call: CommandCall<OpenedPlatform>,
  subjects: readonly string[],
): Promise<void> {
  const { project } = await call.open({ sync: false })
  await project.catalog.write(async (trx) => {
    const actor = { name: call.actor, reason: textOption(call, 'reason') ?? '' }
    const atMs = project.clock.nowMs()
    for (const subject of subjects) {
      await insertAudit(trx, { atMs, actor, action: 'purge_samples', subject, run: null })
    }
  })
}

/** What was asked for anew, is missing or has failed since keeps its state; only its old sample is gone. */
async function notePurged(ledger: Catalog, rows: readonly SampleRow[]): Promise<readonly Lying[]> {
  const ids = rows.map(({ id }) => id)
  const gone = { is_raw: 0, raw_until_ms: null, bytes: null, holder: null, expires_ms: 0 }
  return ledger.write(async ({ db }) => {
    const some = ledgerTables(db).updateTable('sample').set(gone).where('id', 'in', ids)
    await some.set({ made_ms: null }).where('status', '!=', 'MADE').execute()
    await some.set({ status: 'PURGED' }).where('status', '=', 'MADE').execute()
    return ledgerTables(db)
      .selectFrom('sample')
      .select(['place', 'path'])
      .where('id', 'in', ids)
      .execute()
  })
}
