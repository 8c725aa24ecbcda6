/** `copy`: raw files into bronze, each with its line in a processed manifest. Needs no catalog. */
import { resolve, sep } from 'node:path'
import type { CommandCall } from '../../engine/index.ts'
import {
  EXIT,
  EngineError,
  countText,
  counted,
  showLongWork,
  systemClock,
  textOption,
} from '../../engine/index.ts'
import type { CopyReport, NotCopied } from '../copy-files.ts'
import { copyFiles } from '../copy-files.ts'
import { versionFolder } from '../processed-places.ts'
import type { OpenedPlatform } from './opened.ts'
import type { Host } from './host.ts'
import { stagingPrefixOf } from './staging-prefix.ts'

type Call = CommandCall<OpenedPlatform>

/** Names of a report that are shown; the rest is a count. */
const SHOWN_MAX = 100

/** Runs `copy`: 1 when a file could not be copied. */
export const runCopy =
  (host: Host) =>
  async (call: Call): Promise<number> => {
    const [raw = '', bronze = ''] = call.words
    const place = {
      vendor: needed(call, 'vendor'),
      dataset: needed(call, 'dataset'),
      version: needed(call, 'version'),
    }
    const prefix = await stagingPrefixOf(host, call)
    const work = await showLongWork(call.terminal, call.json)
    let report: CopyReport
    try {
      report = await copyFiles({
        raw: resolve(raw),
        bronze: resolve(bronze),
        prefix,
        place,
        nowMs: systemClock.nowMs,
        stop: call.terminal.readerLeft,
        onProgress: (done, of) => work.show('files', done, of),
      })
    } finally {
      work.end()
    }
    show(call, report)
    const version = versionFolder(prefix, place)
    const isOutside = !`${resolve(bronze)}${sep}`.startsWith(`${version}${sep}`)
    if (isOutside && report.copied.length > 0) {
      call.terminal.note(
        `for samples of them put ${resolve(bronze)} into samples.roots of tributary.json: it lies outside ${version}`,
      )
    }
    return report.faults.length > 0 ? EXIT.failed : EXIT.done
  }

function needed(call: Call, name: string): string {
  const value = textOption(call, name)
  if (value !== undefined) return value
  throw new EngineError('USAGE', { command: 'copy', reason: `it needs --${name}` })
}

function show({ terminal, json }: Call, { copied, unchanged, skipped, faults }: CopyReport): void {
  if (json) {
    terminal.printJson({
      format_version: '1.0',
      copied: copied.length,
      unchanged,
      files: copied.slice(0, SHOWN_MAX),
      skipped: shown(skipped),
      faults: shown(faults),
    })
    return
  }
  const { red, dim } = terminal.out
  const list = <Named>(all: readonly Named[], words: (one: Named) => string): void => {
    for (const one of all.slice(0, SHOWN_MAX)) terminal.print(words(one))
    const more = all.length - SHOWN_MAX
    if (more > 0) terminal.print(dim(`… and ${countText(more)} more`))
  }
  list(copied, ({ raw, bronze }) => `${raw} → ${bronze}`)
  list(skipped, ({ path, why }) => dim(`${path} is passed over: ${why}`))
  list(faults, ({ path, why }) => `${red('not copied')} ${path}: ${why}`)
  const parts = [
    `${counted(copied.length, 'file')} copied`,
    `${countText(unchanged)} unchanged`,
    `${countText(skipped.length)} passed over`,
    `${countText(faults.length)} not copied`,
  ]
  terminal.print(parts.join(', '))
}

const shown = (list: readonly NotCopied[]): object => ({
  count: list.length,
  files: list.slice(0, SHOWN_MAX),
})
