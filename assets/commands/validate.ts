/**
 * `validate`: the submitter's own pre-check, which says what the state would say of a file. Nothing
 * is stored or sent; no value of the file is shown.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import type { CommandCall } from '../../engine/index.ts'
import { EXIT, EngineError, textOption } from '../../engine/index.ts'
import type { Precheck } from '../precheck.ts'
import { precheck, precheckLines, precheckText, reasonsOf } from '../precheck.ts'
import { precheckPage } from '../precheck-html.ts'
import { firstPlaces } from '../precheck-places.ts'
import { readFolder } from '../registry-sync.ts'
import { findLayout } from './find-layout.ts'
import type { OpenedPlatform } from './opened.ts'
import { requireFile } from './registry-draft.ts'
import type { Trial } from './registry-try.ts'
import { tryFile } from './registry-try.ts'

const NAME = 'validate'

/** Runs `validate`: 1 when a file would not be accepted. */
export async function runValidate(call: CommandCall<OpenedPlatform>): Promise<number> {
  const [reference = '', ...words] = call.words
  const form = textOption(call, 'report') ?? (call.json ? 'json' : 'text')
  if (!['text', 'json', 'html'].includes(form)) {
    throw new EngineError('USAGE', {
      command: NAME,
      reason: `--report takes html or json, not ${form}`,
    })
  }
  const { platform } = await call.open({ sync: false })
  const files = words.map((word) => requireFile(NAME, word))
  const registry = await readFolder(platform.config.root)
  const layout = findLayout(registry, reference, NAME)
  const scratch = platform.config.scratch.value
  mkdirSync(scratch, { recursive: true })
  const reports: Precheck[] = []
  for (const path of files) {
    const folder = mkdtempSync(join(scratch, 'validate-'))
    try {
      call.terminal.note(`reading ${basename(path)}`)
      const tried = { registry, layout, file: resolve(path), folder, limit: 0 }
      const trial = await tryFile({ ...tried, duck: platform.duck })
      reports.push(await reportOf(trial, path))
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  }
  give(call, form, reports)
  return reports.every(({ isAccepted }) => isAccepted) ? EXIT.done : EXIT.failed
}

async function reportOf(trial: Trial, path: string): Promise<Precheck> {
  const { layout, outcome, findings, samples, verdict, period } = trial
  const failed = outcome.kind === 'failed' ? { code: outcome.code, detail: outcome.detail } : null
  const found = {
    report: outcome.report,
    stopped: outcome.kind === 'failed' ? outcome.stopped : undefined,
  }
  return precheck({
    ...found,
    submission: null,
    layout: layout.id,
    file: basename(path),
    period: period ?? null,
    verdict,
    failed,
    findings,
    findingsMore: 0,
    samples,
    places: await firstPlaces(outcome.rejects?.path, reasonsOf(found)),
  })
}

function give(call: CommandCall<OpenedPlatform>, form: string, reports: readonly Precheck[]): void {
  const { terminal } = call
  const out = textOption(call, 'out')
  const text =
    form === 'html'
      ? precheckPage(reports)
      : form === 'json'
        ? precheckText(reports)
        : `${reports.map((report) => precheckLines(report).join('\n')).join('\n\n')}\n`
  if (out === undefined) terminal.print(text.trimEnd())
  else {
    writeFileSync(resolve(out), text)
    terminal.note(`the report is in ${out}`)
  }
}
