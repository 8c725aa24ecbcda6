/** `samples make`: samples of what manifests name, once or as a service. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Catalog, CommandCall } from '../../engine/index.ts'
import {
  EXIT,
  EngineError,
  STRATEGIES,
  countText,
  counted,
  flagOption,
  insertAudit,
  listenForInterrupts,
  showLongWork,
  textOption,
  wholeNumber,
} from '../../engine/index.ts'
import { DURATION, durationMs, intervalMs } from '../duration.ts'
import { makeAgain } from '../samples/again.ts'
import { chosen } from '../samples/chosen.ts'
import type { SampleRow } from '../samples/ledger-tables.ts'
import { takeFiles } from '../samples/ledger.ts'
import { takeInbox } from '../samples/local-files.ts'
import { namedFiles } from '../samples/named-files.ts'
import { openLedger, openSampler } from '../samples/open-sampler.ts'
import type { PassReport } from '../samples/pass.ts'
import { pass } from '../samples/pass.ts'
import { takeIn } from '../samples/take-in.ts'
import type { SamplesConfig } from '../samples/samples-config.ts'
import { RECORDS_MAX } from '../samples/samples-config.ts'
import type { OpenedPlatform } from './opened.ts'
import { requireReason } from './reason.ts'

type Call = CommandCall<OpenedPlatform>

const COMMAND = 'samples make'
const WORKERS_MAX = 64
const DAY_MS = 24 * 60 * 60 * 1000
const RAW_DAYS = '7'
const RAW_DAYS_MAX = 90
/** Files that are made again by one command. */
const AGAIN_MAX = 100_000
/** Values are made visible file by file: a command shows no more than these. */
const RAW_MAX = 1000

/** Runs `samples make`. Exit 1 when a file failed in a run without --watch. */
export async function runSamplesMake(call: Call): Promise<number> {
  const isWatching = flagOption(call, 'watch')
  requireSensible(call, isWatching)
  const { platform, ledgerAt, concurrency } = await call.open({ sync: false })
  const told = textOption(call, 'workers')
  const workers = told === undefined ? concurrency : wholeNumber('--workers', told, WORKERS_MAX)
  await using ledger = await openLedger(platform, ledgerAt)
  using interrupts = listenForInterrupts(call.terminal)
  const ids = await asked(call, ledger, interrupts.stop)
  const everyMs = everyOf(call, platform.config.samples.everyMs.value)
  for (;;) {
    const report = await onePass(call, { ledger, workers, ids, everyMs, signal: interrupts.stop })
    tell(call, report, { isWatching, prefix: platform.config.staging.prefix.value })
    if (!isWatching) return report.failed > 0 ? EXIT.failed : EXIT.done
    if (interrupts.stop.aborted) return EXIT.done
    await pauseFor(everyMs, interrupts.stop)
    if (interrupts.stop.aborted) return EXIT.done
  }
}

interface OnePass {
  readonly ledger: Catalog
  readonly workers: number
  readonly ids: readonly number[] | undefined
  readonly everyMs: number
  readonly signal: AbortSignal
}

/** With the layouts as they are now: a service that kept old ones would unmask what others mask. */
async function onePass(call: Call, one: OnePass): Promise<PassReport> {
  const { ledger, workers, ids, everyMs, signal } = one
  const { platform } = await call.open({ sync: false })
  await using sampler = await openSampler(platform, { ledger, workers })
  const options = {
    ...sampler.options,
    config: asAsked(call, platform.config.samples),
    ...(ids !== undefined && { only: ids }),
  }
  if (ids === undefined && platform.config.samples.from.value === 'raw') {
    await takeInbox(platform, ledger)
  }
  const progress = await showLongWork(call.terminal, call.json || flagOption(call, 'watch'))
  let files = 0
  const report = await pass(options, {
    signal,
    lookMs: everyMs,
    onEvent: (event) => {
      if (event.type === 'sampled') {
        files += event.made + event.missing + event.failed + event.skipped
      }
      progress.show('files', files)
    },
  })
  progress.end()
  return report
}

/** What a sample holds, as this command says; what follows later is made as the settings say. */
function asAsked(call: Call, config: SamplesConfig): SamplesConfig {
  const strategy = STRATEGIES.find((one) => one === textOption(call, 'strategy'))
  const records = textOption(call, 'records')
  return {
    ...config,
    ...(strategy !== undefined && { strategy: { value: strategy, origin: 'flag' } }),
    ...(records !== undefined && {
      records: { value: wholeNumber('--records', records, RECORDS_MAX), origin: 'flag' },
    }),
  }
}

function requireSensible(call: Call, isWatching: boolean): void {
  const refuse = (reason: string): never => {
    throw new EngineError('USAGE', { command: COMMAND, reason })
  }
  const isNamed = call.words.length > 0 || textOption(call, 'place') !== undefined
  if (isWatching && (isNamed || flagOption(call, 'again'))) {
    refuse('--watch makes whatever is new: name no file, and no --again')
  }
  if (flagOption(call, 'rawSample') && !isNamed) {
    refuse('--raw-sample needs the files it is about, by name or by --place')
  }
  if (textOption(call, 'days') !== undefined && !flagOption(call, 'rawSample')) {
    refuse('--days is about --raw-sample')
  }
  if (textOption(call, 'every') !== undefined && !isWatching) refuse('--every is about --watch')
}

/** The files a person asked for, taken in where they are new; undefined: whatever is pending. */
async function asked(
  call: Call,
  ledger: Catalog,
  signal: AbortSignal,
): Promise<readonly number[] | undefined> {
  const place = textOption(call, 'place')
  const { words } = call
  const isRaw = flagOption(call, 'rawSample')
  const isAgain = isRaw || words.length > 0 || flagOption(call, 'again')
  const reason = isRaw ? requireReason(call, COMMAND) : ''
  if (!isAgain && place === undefined) return undefined
  const { platform } = await call.open({ sync: false })
  const { clock } = platform.project
  const prefix = platform.config.staging.prefix.value
  // What a manifest names since the last pass may be asked for too.
  await takeIn(ledger, { prefix, signal, nowMs: clock.nowMs, onLines: () => undefined })
  const { names, locals } = await namedFiles(platform, call)
  for (const { place: own, entry } of locals) {
    await takeFiles(ledger, { place: own, entries: [entry] })
  }
  const status = isAgain ? undefined : 'PENDING'
  const rows = await chosen(ledger, { names, prefix, place, status }, isRaw ? RAW_MAX : AGAIN_MAX)
  if (!isAgain) return rows.map(({ id }) => id)
  const nowMs = clock.nowMs()
  const days = wholeNumber('--days', textOption(call, 'days') ?? RAW_DAYS, RAW_DAYS_MAX)
  if (isRaw) await auditRaw(call, rows, reason)
  const ids = rows.map(({ id }) => id)
  await makeAgain(ledger, { ids, rawUntilMs: isRaw ? nowMs + days * DAY_MS : undefined })
  return ids
}

/** The audit says who made values visible before any is. */
async function auditRaw(call: Call, rows: readonly SampleRow[], reason: string): Promise<void> {
  const { project } = await call.open({ sync: false })
  await project.catalog.write(async (trx) => {
    const atMs = project.clock.nowMs()
    const actor = { name: call.actor, reason }
    for (const { place, raw } of rows) {
      const subject = `${place}/${raw}`
      await insertAudit(trx, { atMs, actor, action: 'raw_sample', subject, run: null })
    }
  })
}

function everyOf(call: Call, configured: number): number {
  const text = textOption(call, 'every')
  if (text === undefined) return configured
  if (DURATION.test(text) && durationMs(text) > 0) return intervalMs(text)
  const reason = '--every needs a whole number and s, m or h, as in 60s'
  throw new EngineError('USAGE', { command: COMMAND, reason })
}

function tell(
  { terminal, json }: Call,
  report: PassReport,
  { isWatching, prefix }: { readonly isWatching: boolean; readonly prefix: string },
): void {
  if (json) {
    if (isWatching) terminal.printLine({ type: 'pass', ...reportJson(report) })
    else terminal.printJson({ format_version: '1.0', ...reportJson(report) })
    return
  }
  const { made, missing, failed, skipped, pending, lines, faults, unreadable } = report
  for (const path of unreadable) terminal.note(`cannot be read: ${path}`)
  const isIdle = made + missing + failed + skipped + lines + faults === 0
  if (isWatching && isIdle) return
  const words = [
    counted(made, 'sample'),
    ...(missing > 0 ? [`${countText(missing)} not there yet`] : []),
    ...(failed > 0 ? [`${countText(failed)} failed`] : []),
    ...(skipped > 0 ? [`${countText(skipped)} still being written`] : []),
    ...(faults > 0 ? [`${counted(faults, 'line')} of manifests not read`] : []),
    ...(pending > 0 ? [`${countText(pending)} to be made`] : []),
  ]
  if (isWatching) terminal.note(words.join(', '))
  else if (isIdle) terminal.print('Nothing new to sample')
  else {
    terminal.print(`${words.join(', ')}, under ${prefix}`)
    terminal.print(hintAfter(report))
  }
}

function hintAfter({ made, missing, failed, faults }: PassReport): string {
  if (failed > 0) return 'Why:  tributary samples list --status failed'
  if (faults > 0) return 'Which lines, and why:  tributary manifest processed'
  const isMissing = made === 0 && missing > 0
  return isMissing
    ? 'Which:  tributary samples list --status missing'
    : 'See them:  tributary samples list'
}

const reportJson = (report: PassReport): object => ({
  manifests: report.manifests,
  lines: report.lines,
  lines_not_read: report.faults,
  made: report.made,
  missing: report.missing,
  failed: report.failed,
  skipped: report.skipped,
  pending: report.pending,
  unreadable_manifests: report.unreadable,
})

/** Waits, or less when it is told to stop. */
async function pauseFor(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch((error: unknown) => {
    if (!signal.aborted) throw error
  })
}
