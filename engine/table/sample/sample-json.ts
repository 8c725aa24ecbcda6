/** The sample of a JSON text: the elements of a list as they are written, anything else whole. */
import { isUtf8 } from 'node:buffer'
import type { Prefix } from './content.ts'
import type { SampleRequest } from './contract.ts'
import { jsonColumns, maskedJson } from './json-columns.ts'
import { ListElements, skipBlanks } from './json-elements.ts'
import { leafTexts, readJson, type JsonValue } from './json-leaves.ts'
import { masksOf } from './masks.ts'
import { LINES, sampleText, type ContentSample } from './sample-text.ts'
import { choiceOf, isCutAt } from './strategies.ts'
import { textCoding } from './text-record.ts'

/** Why a text cannot be shown. */
export interface NoSample {
  readonly reason: string
}

const LIST = 0x5b
const OBJECT = 0x7b
const LF = 0x0a

/** Takes the elements that the request wants. */
export async function sampleJson(
  prefix: Prefix,
  request: SampleRequest,
): Promise<ContentSample | NoSample> {
  const { markBytes } = textCoding(prefix.head, LINES.syntax)
  let at = skipBlanks(prefix.bytes, markBytes)
  while (at === prefix.bytes.length && (await prefix.grow()) !== null) {
    at = skipBlanks(prefix.bytes, at)
  }
  if (prefix.bytes[at] === LIST) return sampleList(prefix, at, request)
  if (prefix.bytes[at] === OBJECT && isLines(prefix.bytes, at)) {
    return sampleText({ prefix, form: LINES, format: 'jsonl' }, request)
  }
  return wholeJson(prefix, markBytes, request)
}

/** Whether an object ends with its line, and another follows: JSON lines, whatever the name says. */
export function isLines(bytes: Buffer, at: number): boolean {
  const end = bytes.indexOf(LF, at)
  if (end < 0 || bytes[skipBlanks(bytes, end)] !== OBJECT) return false
  return readJson(bytes.toString('utf8', at, end)) !== null
}

async function sampleList(
  prefix: Prefix,
  openAt: number,
  request: SampleRequest,
): Promise<ContentSample | NoSample> {
  const choice = choiceOf<Buffer>(request)
  let elements = 0
  const list = new ListElements(openAt, (start, end) => {
    elements += 1
    if (choice.isFull) return
    const keep = (): Buffer => Buffer.from(prefix.bytes.subarray(start, end))
    choice.offer({ isFaulty: () => false, fields: () => leafTexts(keep()), keep })
  })
  list.scan(prefix.bytes)
  while (!choice.isFull && list.fault === undefined && (await prefix.grow()) !== null) {
    list.scan(prefix.bytes)
  }
  const fault = choice.isFull ? undefined : list.faultAt(prefix.end)
  if (fault !== undefined) return { reason: fault }
  const values = readAll(choice.chosen())
  if ('reason' in values) return values
  const isWhole = prefix.end === 'whole' && list.isSound && values.length === elements
  return shown(values, request, {
    isWhole,
    isCut: isCutAt(prefix, request, choice),
    asItLies: isWhole ? prefix.bytes : undefined,
    around: (written) => `[\n${written.join(',\n')}${written.length > 0 ? '\n' : ''}]\n`,
  })
}

function readAll(chosen: readonly Buffer[]): readonly JsonValue[] | NoSample {
  const values: JsonValue[] = []
  for (const bytes of chosen) {
    if (!isUtf8(bytes)) return { reason: 'encoding' }
    const value = readJson(bytes.toString())
    if (value === null) return { reason: 'json-invalid' }
    values.push(value)
  }
  return values
}

async function wholeJson(
  prefix: Prefix,
  markBytes: number,
  request: SampleRequest,
): Promise<ContentSample | NoSample> {
  while ((await prefix.grow()) !== null);
  if (prefix.end === 'damaged') return { reason: 'gzip-damaged' }
  if (prefix.end !== 'whole') return { reason: 'json-too-large' }
  const bytes = prefix.bytes.subarray(markBytes)
  if (!isUtf8(bytes)) return { reason: 'encoding' }
  const value = readJson(bytes.toString())
  if (value === null) return { reason: 'json-invalid' }
  return shown([value], request, {
    isWhole: true,
    isCut: false,
    asItLies: prefix.bytes,
    around: ([written = '']) => written,
  })
}

interface Shown {
  readonly isWhole: boolean
  readonly isCut: boolean
  /** the text of the file, where all of it is shown */
  readonly asItLies: Buffer | undefined
  readonly around: (written: readonly string[]) => string
}

function shown(
  values: readonly JsonValue[],
  request: SampleRequest,
  { isWhole, isCut, asItLies, around }: Shown,
): ContentSample {
  const found = jsonColumns(values, request.mask?.ownNames)
  const masks = masksOf(request.mask, found.columns)
  const written = values.map((value) =>
    masks === undefined ? value.text : maskedJson(value, found, masks),
  )
  const bytes =
    masks === undefined && asItLies !== undefined ? asItLies : Buffer.from(around(written))
  const { columns } = found
  return { bytes, format: 'json', records: values.length, isWhole, isCut, columns }
}
