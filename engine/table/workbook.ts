/**
 * A workbook, XLSX: a ZIP of XML parts. It is opened in a child process only, because a stranger
 * wrote it; every part has a limit, and no part is written anywhere under its own name.
 *
 * Of its parts five are read: the list of relations, the workbook, the styles, the shared texts, and
 * one sheet at a time. Memory: the shared texts, and one piece of a sheet.
 * Source: ECMA-376 part 1 §18, part 2 §9.
 */
import { posix } from 'node:path'
import type { Readable } from 'node:stream'
import { crc32 } from 'node:zlib'
import yauzl from 'yauzl'
import { numberFormat, type NumberFormat } from './number-format.ts'
import { plainString, SheetSink, type ReadRow, type SheetContext } from './workbook-sheet.ts'
import { XmlFault, XmlReader, type Attributes, type XmlSink } from './xml-reader.ts'

/** Of one workbook. `ratio`: unpacked bytes of a part for each packed one, past the first MiB. */
export interface WorkbookLimits {
  readonly sheetBytes: number
  readonly ratio: number
}
export const WORKBOOK_LIMITS: WorkbookLimits = { sheetBytes: 4 * 1024 ** 3, ratio: 200 }
const PARTS_MAX = 10_000
/** Unpacked: of the shared texts, and of each small part. */
const STRINGS_BYTES_MAX = 256 * 1024 ** 2
const SMALL_BYTES_MAX = 16 * 1024 ** 2
const RATIO_FROM_BYTES = 1024 ** 2
const SHEETS_MAX = 1000
const FORMATS_MAX = 100_000

/** What a workbook is refused for; the message quotes nothing of it. */
export type WorkbookFaultKind = 'CORRUPT' | 'TOO_LARGE' | 'NO_SHEET' | 'ENCRYPTED'

/** Thrown for a workbook that is not read. */
export class WorkbookFault extends Error {
  readonly kind: WorkbookFaultKind

  constructor(kind: WorkbookFaultKind, message: string) {
    super(message)
    this.kind = kind
  }
}
const corrupt = (what: string): WorkbookFault => new WorkbookFault('CORRUPT', what)

/** A sheet by its name, or its number from 1; undefined: the first. */
export type SheetChoice = { readonly name: string } | { readonly number: number } | undefined

export interface SheetPlace {
  readonly name: string
  readonly part: string
}

/** Opened for one look; close it. */
export class Workbook {
  readonly #zip: yauzl.ZipFile
  readonly #parts: ReadonlyMap<string, yauzl.Entry>
  readonly #limits: WorkbookLimits
  readonly sheets: readonly SheetPlace[]
  readonly #context: SheetContext

  private constructor(
    zip: yauzl.ZipFile,
    parts: ReadonlyMap<string, yauzl.Entry>,
    found: Pick<Workbook, 'sheets'> & {
      readonly limits: WorkbookLimits
      readonly context: SheetContext
    },
  ) {
    this.#zip = zip
    this.#parts = parts
    this.#limits = found.limits
    this.sheets = found.sheets
    this.#context = found.context
  }

  /** Throws WorkbookFault, XmlFault, and what yauzl and zlib throw for a damaged archive. */
  static async open(path: string, limits: WorkbookLimits = WORKBOOK_LIMITS): Promise<Workbook> {
    const zip = await yauzl.openPromise(path, { strictFileNames: false, autoClose: false })
    const parts = await listParts(zip)
    const part = async (name: string, bytesMax: number, sink: XmlSink): Promise<void> => {
      const entry = parts.get(name)
      if (entry === undefined) throw corrupt('a part of it is missing')
      for await (const _ of pieces(zip, entry, { bytesMax, ratio: limits.ratio, sink }));
    }
    const main = (await relations(part, '')).find(({ type }) => type === 'officeDocument')
    if (main === undefined) throw corrupt('it holds no workbook')
    const related = await relations(part, main.target)
    const listed = new BookSink(related)
    await part(main.target, SMALL_BYTES_MAX, listed)
    const styles = new StyleSink()
    const strings = new StringSink()
    const named = (type: string): string | undefined =>
      related.find((one) => one.type === type)?.target
    const [stylesPart, stringsPart] = [named('styles'), named('sharedStrings')]
    if (stylesPart !== undefined) await part(stylesPart, SMALL_BYTES_MAX, styles)
    if (stringsPart !== undefined) await part(stringsPart, STRINGS_BYTES_MAX, strings)
    const { is1904, sheets } = listed
    const context = { strings: strings.texts, formats: styles.formats, is1904 }
    return new Workbook(zip, parts, { sheets, limits, context })
  }

  /** The place of a sheet. Throws WorkbookFault NO_SHEET. */
  place(choice: SheetChoice): SheetPlace {
    const found =
      choice === undefined
        ? this.sheets[0]
        : 'name' in choice
          ? this.sheets.find(({ name }) => name === choice.name)
          : this.sheets[choice.number - 1]
    if (found !== undefined) return found
    throw new WorkbookFault('NO_SHEET', 'it has no sheet that the layout names')
  }

  /** Rows that are there, in order; a gap is seen by the line. Throws as `open` does. */
  async *rows({ part }: SheetPlace): AsyncGenerator<ReadRow> {
    const entry = this.#parts.get(part)
    if (entry === undefined) throw corrupt('a part of it is missing')
    const sink = new SheetSink(this.#context)
    const { sheetBytes: bytesMax, ratio } = this.#limits
    for await (const _ of pieces(this.#zip, entry, { bytesMax, ratio, sink })) yield* sink.take()
    if (!sink.isSheet) throw corrupt('a sheet has no data')
  }

  close(): void {
    this.#zip.close()
  }
}

async function listParts(zip: yauzl.ZipFile): Promise<ReadonlyMap<string, yauzl.Entry>> {
  const parts = new Map<string, yauzl.Entry>()
  if (zip.entryCount > PARTS_MAX)
    throw new WorkbookFault('TOO_LARGE', `more than ${PARTS_MAX} parts`)
  for await (const entry of zip.eachEntry()) {
    if (entry.isEncrypted()) throw new WorkbookFault('ENCRYPTED', 'a part of it is encrypted')
    if (parts.has(entry.fileName)) throw corrupt('two parts have one name')
    parts.set(entry.fileName, entry)
  }
  return parts
}

interface PartReading {
  readonly bytesMax: number
  readonly ratio: number
  readonly sink: XmlSink
}

/** Reads a part through its sink; yields after each piece. */
async function* pieces(
  zip: yauzl.ZipFile,
  entry: yauzl.Entry,
  { bytesMax, ratio, sink }: PartReading,
): AsyncGenerator<void> {
  const tooLarge = (what: string): WorkbookFault => new WorkbookFault('TOO_LARGE', what)
  const check = (bytes: number): void => {
    if (bytes > bytesMax) throw tooLarge(`a part of it has more than ${bytesMax} bytes`)
    if (bytes > RATIO_FROM_BYTES && bytes > ratio * entry.compressedSize) {
      throw tooLarge(`a part of it unpacks to more than ${ratio} times its size`)
    }
  }
  check(entry.uncompressedSize)
  const decoder = new TextDecoder('utf-8', { fatal: true })
  const reader = new XmlReader(sink)
  let bytes = 0
  let sum = 0
  const stream: Readable = await zip.openReadStreamPromise(entry)
  for await (const block of stream as AsyncIterable<Buffer>) {
    bytes += block.length
    check(bytes)
    sum = crc32(block, sum)
    reader.push(decoder.decode(block, { stream: true }))
    yield
  }
  if (sum !== entry.crc32) throw corrupt('a part of it does not have its checksum')
  reader.push(decoder.decode())
  reader.end()
  yield
}

interface Relation {
  readonly id: string
  /** the last word of its type */
  readonly type: string
  /** name of a part */
  readonly target: string
}

type ReadPart = (name: string, bytesMax: number, sink: XmlSink) => Promise<void>

/** Of a part; '': of the package. */
async function relations(part: ReadPart, of: string): Promise<readonly Relation[]> {
  const folder = posix.dirname(of)
  const found: Relation[] = []
  const open = (name: string, attributes: Attributes): void => {
    if (name !== 'Relationship' || attributes('TargetMode') === 'External') return
    const target = attributes('Target') ?? ''
    found.push({
      id: attributes('Id') ?? '',
      type: (attributes('Type') ?? '').replace(/^.*\//, ''),
      target: posix.join(target.startsWith('/') ? '' : folder, target).replace(/^\/+/, ''),
    })
    if (found.length > PARTS_MAX) throw corrupt('it has too many relations')
  }
  const name = posix.join(folder, '_rels', `${posix.basename(of)}.rels`)
  await part(name, SMALL_BYTES_MAX, { open, close: none, text: none })
  return found
}
const none = (): void => undefined

/** The sheets of a workbook in its order, and how it counts days. */
class BookSink implements XmlSink {
  readonly sheets: SheetPlace[] = []
  is1904 = false
  readonly #related: readonly Relation[]
  readonly close = none
  readonly text = none

  constructor(related: readonly Relation[]) {
    this.#related = related
  }

  readonly open = (name: string, attributes: Attributes): void => {
    if (name === 'workbookPr') this.is1904 = /^(?:1|true)$/.test(attributes('date1904') ?? '')
    if (name !== 'sheet') return
    const id = attributes('r:id') ?? attributes('id')
    const found = this.#related.find((one) => one.id === id)
    // A sheet of a chart or of macros has no rows.
    if (found?.type !== 'worksheet') return
    this.sheets.push({ name: attributes('name') ?? '', part: found.target })
    if (this.sheets.length > SHEETS_MAX)
      throw new WorkbookFault('TOO_LARGE', `more than ${SHEETS_MAX} sheets`)
  }
}

/** The number format of each style. */
class StyleSink implements XmlSink {
  readonly #codes = new Map<number, string>()
  readonly formats: NumberFormat[] = []
  #isCell = false
  readonly text = none

  readonly open = (name: string, attributes: Attributes): void => {
    if (name === 'cellXfs') this.#isCell = true
    if (name === 'numFmt') {
      this.#codes.set(Number(attributes('numFmtId')), attributes('formatCode') ?? '')
    }
    if (name !== 'xf' || !this.#isCell) return
    const id = Number(attributes('numFmtId') ?? 0)
    this.formats.push(numberFormat(id, this.#codes.get(id)))
    if (this.formats.length > FORMATS_MAX) throw corrupt('it has too many styles')
  }
  readonly close = (name: string): void => {
    if (name === 'cellXfs') this.#isCell = false
  }
}

/** The texts that cells share, without the readings of Japanese ones. */
class StringSink implements XmlSink {
  readonly texts: string[] = []
  #text = ''
  #phonetic = 0
  #isText = false

  readonly open = (name: string): void => {
    if (name === 'si') this.#text = ''
    if (name === 'rPh') this.#phonetic += 1
    if (name === 't') this.#isText = this.#phonetic === 0
  }
  readonly close = (name: string): void => {
    if (name === 'si') this.texts.push(plainString(this.#text))
    if (name === 'rPh') this.#phonetic -= 1
    if (name === 't') this.#isText = false
  }
  readonly text = (text: string): void => {
    if (this.#isText) this.#text += text
  }
}

/** Whether what was thrown says that the workbook is at fault, and how. */
export function workbookFault(
  error: unknown,
): { kind: WorkbookFaultKind; what: string } | undefined {
  if (error instanceof WorkbookFault) return { kind: error.kind, what: error.message }
  if (error instanceof XmlFault) return { kind: 'CORRUPT', what: `its XML has ${error.message}` }
  if (!(error instanceof Error)) return undefined
  const code = 'code' in error ? String(error.code) : ''
  const isArchive =
    code === '' || code.startsWith('Z_') || code === 'ERR_ENCODING_INVALID_ENCODED_DATA'
  return isArchive ? { kind: 'CORRUPT', what: 'it is no sound ZIP of UTF-8 XML' } : undefined
}
