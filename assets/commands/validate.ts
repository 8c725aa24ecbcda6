/**
 * `validate`: the submitter's own pre-check, which says what the state would say of a file. Nothing
 * is stored or sent; no value of the file is shown.
 */
import { createReadStream, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import type { CommandCall } from '../../engine/index.ts'
import { EXIT, EngineError, textOption } from '../../engine/index.ts'
import type { Precheck } from '../precheck.ts'
import { LINES_MAX, precheck, precheckLines, reasonKey } from '../precheck.ts'
import { precheckPage } from '../precheck-html.ts'
import { readFolder } from '../registry-sync.ts'
import { findLayout } from './find-layout.ts'
import type { OpenedPlatform } from './opened.ts'
import { requireFile } from './registry-draft.ts'
import { tryFile } from './registry-try.ts'

const NAME = 'validate'
/** Reasons whose lines are kept: a layout of 2,000 columns has no more than this in one file. */
const REASONS_MAX = 10_000

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
      const { outcome, findings, verdict } = await tryFile({ ...tried, duck: platform.duck })
      const lines = await firstLines(outcome.rejects?.path)
      const named = { layout: layout.id, file: basename(path), verdict }
      reports.push(precheck({ ...named, outcome, findings, lines }))
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  }
  give(call, form, reports)
  return reports.every(({ isAccepted }) => isAccepted) ? EXIT.done : EXIT.failed
}

function give(call: CommandCall<OpenedPlatform>, form: string, reports: readonly Precheck[]): void {
  const { terminal } = call
  const out = textOption(call, 'out')
  const text =
    form === 'html'
      ? precheckPage(reports)
      : form === 'json'
        ? `${JSON.stringify({ format_version: '1.0', files: reports }, null, 2)}\n`
        : `${reports.map((report) => precheckLines(report).join('\n')).join('\n\n')}\n`
  if (out === undefined) terminal.print(text.trimEnd())
  else {
    writeFileSync(resolve(out), text)
    terminal.note(`the report is in ${out}`)
  }
}

/** The first lines of each reason, from the rejects file; the texts in it are not looked at. */
async function firstLines(
  path: string | undefined,
): Promise<ReadonlyMap<string, readonly number[]>> {
  const found = new Map<string, number[]>()
  if (path === undefined) return found
  for await (const text of createInterface({ input: createReadStream(path) })) {
    const { line, reasons } = JSON.parse(text) as {
      readonly line: number
      readonly reasons: readonly { readonly code: string; readonly column: string | null }[]
    }
    for (const { code, column } of reasons) {
      const key = reasonKey(code, column)
      const own = found.get(key)
      if (own === undefined && found.size < REASONS_MAX) found.set(key, [line])
      else if (own !== undefined && own.length < LINES_MAX) own.push(line)
    }
  }
  return found
}
