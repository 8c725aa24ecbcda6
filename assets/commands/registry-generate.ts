/**
 * `registry generate`: a synthetic file of a layout, streamed. Needs the registry folder alone.
 *
 * Submitters send it first, to be tried for form; developers try mappings and rules with it. Nothing
 * in it is taken from real data. A file is written beside its place and renamed when it is whole.
 */
import { open, rename, rm } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { CommandCall, GeneratedBlock, PlantedDefect, Terminal } from '../../engine/index.ts'
import {
  EXIT,
  EngineError,
  countText,
  counted,
  flagOption,
  generateFile,
  tableFormat,
  textOption,
  wholeNumber,
} from '../../engine/index.ts'
import type { Layout } from '../../registry/layout.ts'
import { monthsOf } from '../../registry/period.ts'
import { ruleSetFor, uniqueKeys } from '../../registry/rule-set.ts'
import { findProject } from '../config.ts'
import { readFolder } from '../registry-sync.ts'
import { findLayout } from './find-layout.ts'
import type { OpenedPlatform } from './opened.ts'

const NAME = 'registry generate'
const DEFAULTS = {
  rows: '1000',
  months: '2024-01',
  seed: '1',
  defects: '0',
  submitter: 'SYNTHETIC',
}
/** line_number can count this many. */
const ROWS_MAX = 2 ** 32 - 1000

const usage = (reason: string): EngineError => new EngineError('USAGE', { command: NAME, reason })

/** Runs `registry generate`. */
export async function runGenerate(call: CommandCall<OpenedPlatform>): Promise<number> {
  const [reference = ''] = call.words
  const option = (name: keyof typeof DEFAULTS): string => textOption(call, name) ?? DEFAULTS[name]
  const out = textOption(call, 'out')
  const truth = textOption(call, 'truth')
  if (call.json && out === undefined) throw usage('--json needs --out: stdout holds the file')
  const registry = await readFolder(findProject(call.folder))
  const layout = findLayout(registry, reference, NAME)
  requireGenerated(layout)
  const blocks = generateFile({
    spec: layout.slices.parse,
    keys: uniqueKeys(ruleSetFor(registry.ruleSets, layout)?.measure ?? []),
    rows: wholeNumber('--rows', option('rows'), ROWS_MAX),
    months: readMonths(option('months')),
    seed: option('seed'),
    defects: readShare(option('defects')),
    control: {
      submitter: option('submitter'),
      fileType: layout.slices.route.controlFileTypes?.[0] ?? layout.fileType,
      layoutVersion: layout.slices.route.headerVersion ?? layout.version,
      isTest: flagOption(call, 'testFlag'),
    },
  })
  const written = await writeAll(blocks, { out, truth, terminal: call.terminal })
  if (call.json) call.terminal.printJson({ format_version: '1.0', layout: layout.id, ...written })
  else {
    const spoiled = counted(written.planted, 'record')
    call.terminal.note(`${layout.id}: ${countText(written.bytes)} bytes, ${spoiled} spoiled`)
  }
  return EXIT.done
}

/** Throws USAGE for what is not written: tables, other encodings, and rows that only a person can make up. */
function requireGenerated({ id, slices: { parse } }: Layout): void {
  const table = tableFormat(parse)
  if (table !== undefined)
    throw usage(`${id} cannot be generated: it is ${table}, and text is written`)
  const { encoding, rows = {} } = parse
  const { preamble, footnotes: _, exactBytes: __, ...others } = rows
  const isCounted = preamble === undefined || 'records' in preamble
  if (encoding === undefined && isCounted && Object.keys(others).length === 0) return
  const what =
    encoding === undefined
      ? 'a preamble up to a pattern, comments, codes of columns and several rows of names are not written'
      : 'only UTF-8 is written'
  throw usage(`${id} cannot be generated: ${what}`)
}

function readMonths(text: string): readonly string[] {
  const [first = '', last = first] = text.split(':')
  const months = monthsOf({ first, last })
  if (months.length === 0) throw usage(`--months takes YYYY-MM or YYYY-MM:YYYY-MM, not ${text}`)
  return months
}

function readShare(text: string): number {
  const share = Number(text)
  if (text !== '' && share >= 0 && share <= 1) return share
  throw usage(`--defects takes a share from 0 to 1, not ${text}`)
}

interface Written {
  readonly bytes: number
  readonly planted: number
}

async function writeAll(
  blocks: Iterable<GeneratedBlock>,
  {
    out,
    truth,
    terminal,
  }: {
    readonly out: string | undefined
    readonly truth: string | undefined
    readonly terminal: Terminal
  },
): Promise<Written> {
  await using file = await Beside.create(out)
  await using lines = await Beside.create(truth)
  let bytes = 0
  let planted = 0
  for (const block of blocks) {
    if (file === undefined) await terminal.pour(block.bytes)
    else await file.write(block.bytes)
    if (terminal.readerLeft.aborted) break
    bytes += block.bytes.length
    planted += block.planted.length
    await lines?.write(Buffer.from(block.planted.map(truthLine).join('')))
  }
  await file?.keep()
  await lines?.keep()
  return { bytes, planted }
}

const truthLine = ({ line, kind, column }: PlantedDefect): string =>
  `${JSON.stringify({ line, kind, column })}\n`

/** A file under a passing name until it is kept; else it is removed. */
class Beside {
  readonly #target: string
  readonly #file: Awaited<ReturnType<typeof open>>

  private constructor(target: string, file: Awaited<ReturnType<typeof open>>) {
    this.#target = target
    this.#file = file
  }
  static async create(path: string | undefined): Promise<Beside | undefined> {
    if (path === undefined) return undefined
    const target = resolve(path)
    try {
      return new Beside(target, await open(`${target}.part`, 'w'))
    } catch (error) {
      if (error instanceof Error && 'code' in error)
        throw usage(`${path} cannot be written: ${String(error.code)}`)
      throw error
    }
  }
  async write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) {
      at += (await this.#file.write(bytes, at, bytes.length - at)).bytesWritten
    }
  }
  async keep(): Promise<void> {
    await this.#file.close()
    await rename(`${this.#target}.part`, this.#target)
  }
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file.close()
    await rm(`${this.#target}.part`, { force: true })
  }
}
