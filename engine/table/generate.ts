/**
 * A synthetic file of a layout, from its ParseSpec and a seed: the same arguments, the same bytes.
 *
 * Streams; memory is a few MB whatever the number of rows. A share of the records can be spoiled, each
 * in one way, and where and how is told. Cost: 100,000 rows a second of ordinary layouts: texts are
 * chosen from pools, neighbouring columns together.
 */
import { assert, EngineError } from '../core/errors.ts'
import { layoutDefects, type Defect } from './generate-defects.ts'
import { formOf, recordOf, type RecordForm } from './generate-form.ts'
import { datedPool, isDated, POOL_BITS, valuePool } from './generate-values.ts'
import { compilePattern } from './pattern.ts'
import { SeededRandom } from './seeded-random.ts'
import type { ColumnSpec, ControlField, ControlRecord, ParseSpec } from './spec.ts'

export interface GenerateOptions {
  readonly spec: ParseSpec
  /** data records, spoiled ones included */
  readonly rows: number
  /** `YYYY-MM`, ascending, not empty: rows are spread over them */
  readonly months: readonly string[]
  readonly seed: string
  /**
   * columns that no two rows may agree on together: one of each, a text without rules, is numbered;
   * where none has one, rows may agree
   */
  readonly keys?: readonly (readonly string[])[]
  /** share of records to spoil, 0 to 1 */
  readonly defects: number
  /** what control records say beside counts and period */
  readonly control: {
    readonly submitter: string
    readonly fileType: string
    readonly layoutVersion: string
    readonly isTest: boolean
  }
}

/** A spoiled record: never with what stands in it. */
export interface PlantedDefect {
  /** its first line in the file, from 1 */
  readonly line: number
  readonly kind: Defect['kind']
  /** layout column; null: the record as a whole */
  readonly column: string | null
}

export interface GeneratedBlock {
  readonly bytes: Uint8Array
  /** in order of their lines */
  readonly planted: readonly PlantedDefect[]
}

const BLOCK_CHARACTERS = 256 * 1024
/** One row in so many has fields that careless readers trip over, and is sound. */
const RICH_ROWS = 256
/** Neighbouring columns whose texts are chosen together. */
const COLUMNS_TOGETHER = 4

/** Draws of a record that is not a footnote. */
const DRAWS_MAX = 100

/** The file, a block at a time. Throws USAGE for a layout that no file can be made for. */
export function* generateFile(options: GenerateOptions): Generator<GeneratedBlock> {
  assert(options.months.length > 0, 'a synthetic file without months')
  const form = formOf(options.spec)
  const writer = new RowWriter(options, form)
  const head = [
    ...preambleOf(options.spec),
    ...[controlRecord(form, options, 'header'), writer.header].flatMap((record) => record ?? []),
  ]
  let text = head.map((record) => `${record}\n`).join('')
  let line = head.length + 1
  let planted: PlantedDefect[] = []
  for (let row = 0; row < options.rows; row += 1) {
    const defect = writer.nextDefect()
    if (defect !== null) {
      const record = writer.spoiled(row, defect)
      planted.push({ line, kind: defect.kind, column: defect.column })
      if (typeof record === 'string') text += record
      else {
        yield { bytes: Buffer.from(text), planted: [] }
        yield { bytes: record, planted: [] }
        text = ''
      }
    } else if (row % RICH_ROWS === RICH_ROWS - 1) {
      const record = writer.rich(row)
      line += record.split('\n').length - 1
      text += record
    } else text += writer.plain(row)
    text += '\n'
    line += 1
    if (text.length < BLOCK_CHARACTERS) continue
    yield { bytes: Buffer.from(text), planted }
    text = ''
    planted = []
  }
  const trailer = controlRecord(form, options, 'trailer')
  yield { bytes: Buffer.from(trailer === null ? text : `${text}${trailer}\n`), planted }
}

/** Records before all others, where a layout counts them. */
function preambleOf({ rows }: ParseSpec): readonly string[] {
  const { preamble } = rows ?? {}
  const count = preamble !== undefined && 'records' in preamble ? preamble.records : 0
  return Array.from({ length: count }, (_, at) => `synthetic preamble ${at + 1}`)
}

/** Whether a record would be read as a comment. */
function commentTest({ rows }: ParseSpec): (record: string) => boolean {
  const tests = (rows?.footnotes ?? []).map((text) => compilePattern(text))
  return tests.length === 0 ? () => false : (record) => tests.some((one) => one.test(record))
}

/** Chooses the texts of rows. */
class RowWriter {
  /** the record of column names, null in a layout without one */
  readonly header: string | null
  readonly #form: RecordForm
  readonly #isComment: (record: string) => boolean
  readonly #share: number
  readonly #random: SeededRandom
  readonly #chance: SeededRandom
  readonly #pools: readonly Pool[]
  readonly #groups: readonly Group[]
  readonly #defects: readonly Defect[]
  readonly #times: number[]
  #next = 0

  constructor({ spec, seed, months, defects, keys = [] }: GenerateOptions, form: RecordForm) {
    this.#form = form
    this.#isComment = commentTest(spec)
    this.#share = defects
    this.#random = new SeededRandom(`${seed}/rows`)
    this.#chance = new SeededRandom(`${seed}/defects`)
    const { columns } = form
    this.header = spec.dialect.header
      ? recordOf(
          form,
          columns.map((column) => form.field(column.header ?? column.name, column)),
        )
      : null
    const numbered = numberedColumns(columns, keys)
    this.#pools = columns.map((column): Pool => {
      if (numbered.has(column)) return { kind: 'numbered', column, texts: [] }
      const needed = columns.length === 1 ? { ...column, required: true } : column
      const isUsable = (text: string): boolean => form.canStand(text, column)
      const request = { column: needed, months, seed, isUsable }
      const kind = isDated(spec, column) ? 'dated' : 'free'
      const texts = kind === 'dated' ? datedPool(spec, request) : valuePool(request)
      return { kind, column, texts: texts.map((text) => form.field(text, column)) }
    })
    this.#groups = groupsOf(this.#pools, form, new SeededRandom(`${seed}/groups`))
    this.#defects = defects > 0 ? layoutDefects({ spec, form, header: this.header }) : []
    this.#times = this.#defects.map(() => 0)
  }

  /** What the next row is to be spoiled with, or null. Each kind of defect in turn. */
  nextDefect(): Defect | null {
    if (this.#share === 0 || this.#chance.share() >= this.#share) return null
    for (;;) {
      const at = this.#next % this.#defects.length
      this.#next += 1
      const defect = this.#defects[at] as Defect
      if ((this.#times[at] as number) >= (defect.countMax ?? Infinity)) continue
      this.#times[at] = (this.#times[at] as number) + 1
      return defect
    }
  }

  plain(row: number): string {
    return this.#noComment(() => this.#plain(row))
  }

  /** Draws until the record is none of the layout's footnotes. */
  #noComment(draw: () => string): string {
    for (let draws = 0; draws < DRAWS_MAX; draws += 1) {
      const record = draw()
      if (!this.#isComment(record)) return record
    }
    const reason = 'nearly every record it draws is a footnote by the layout'
    throw new EngineError('USAGE', { command: 'registry generate', reason })
  }

  #plain(row: number): string {
    const dated = this.#random.bits(POOL_BITS)
    let text = this.#form.before
    for (const { kind, texts } of this.#groups) {
      if (kind === 'free') text += texts[this.#random.bits(POOL_BITS)]
      else if (kind === 'dated') text += texts[dated]
      else text += `${texts[0]}${numberedText(row)}${texts[1]}`
    }
    return text + this.#form.behind
  }

  spoiled(row: number, defect: Defect): Uint8Array | string {
    let bytes: Uint8Array | undefined
    const text = this.#noComment(() => {
      const record = defect.spoil(this.#fields(row), this.#chance)
      if (typeof record === 'string') return record
      bytes = record
      return ''
    })
    return bytes ?? text
  }

  /** A sound row with a field that holds quotes, and where they are quoted, delimiters and line ends. */
  rich(row: number): string {
    const fields = this.#fields(row)
    for (const [at, { kind, column }] of this.#pools.entries()) {
      if (kind !== 'free' || !isFree(column)) continue
      fields[at] = this.#form.field(this.#random.pick(this.#form.rich), column)
    }
    return recordOf(this.#form, fields)
  }

  #fields(row: number): string[] {
    const dated = this.#random.bits(POOL_BITS)
    return this.#pools.map(({ kind, column, texts }) => {
      if (kind === 'numbered') return this.#form.field(numberedText(row), column)
      return texts[kind === 'dated' ? dated : this.#random.bits(POOL_BITS)] as string
    })
  }
}

interface Pool {
  /** `numbered` is unique in every row; `dated` follows the month of the row */
  readonly kind: 'numbered' | 'dated' | 'free'
  readonly column: ColumnSpec
  /** as they stand in the file */
  readonly texts: readonly string[]
}

/** Columns whose texts stand beside each other, with the delimiters before them. */
interface Group {
  readonly kind: Pool['kind']
  /** of `numbered`: what stands before and behind */
  readonly texts: readonly string[]
}

function groupsOf(pools: readonly Pool[], form: RecordForm, random: SeededRandom): Group[] {
  const groups: { kind: Pool['kind']; texts: string[]; columns: number }[] = []
  for (const [at, { kind, column, texts }] of pools.entries()) {
    const before = at === 0 ? '' : form.between
    const last = groups.at(-1)
    if (kind === 'free' && last?.kind === 'free' && last.columns < COLUMNS_TOGETHER) {
      last.texts = last.texts.map((text) => `${text}${before}${random.pick(texts)}`)
      last.columns += 1
    } else {
      const [opening, closing] = form.around(column, NUMBERED_LENGTH)
      const own =
        kind === 'numbered'
          ? [`${before}${opening}`, closing]
          : texts.map((text) => `${before}${text}`)
      groups.push({ kind, columns: 1, texts: own })
    }
  }
  return groups
}

/** What tells rows apart: the first free column of each key, or of all. */
function numberedColumns(
  columns: readonly ColumnSpec[],
  keys: readonly (readonly string[])[],
): ReadonlySet<ColumnSpec> {
  const first = (from: readonly ColumnSpec[]): readonly ColumnSpec[] =>
    from.filter(isFree).slice(0, 1)
  const ofKeys = keys.flatMap((names) => first(columns.filter(({ name }) => names.includes(name))))
  return new Set(ofKeys.length > 0 ? ofKeys : first(columns))
}

const NUMBERED_LENGTH = 11
const numberedText = (row: number): string =>
  `C${String(row + 1).padStart(NUMBERED_LENGTH - 1, '0')}`

/** A text column without rules: any text of some length may stand in it. */
const isFree = ({ type, pattern, enum: values, maxLength = Infinity }: ColumnSpec): boolean =>
  type === 'string' && pattern === undefined && values === undefined && maxLength > NUMBERED_LENGTH

/** A control record of this role, or null in a layout without one. */
function controlRecord(
  form: RecordForm,
  { spec, rows, months, control }: GenerateOptions,
  role: ControlRecord['role'],
): string | null {
  const record = spec.control.find((one) => one.role === role)
  if (record === undefined) return null
  const compact = (month = ''): string => month.replace('-', '')
  const texts: Readonly<Record<ControlField, string>> = {
    submitter: control.submitter,
    payor: control.submitter,
    fileType: control.fileType,
    periodBegin: compact(months[0]),
    periodEnd: compact(months.at(-1)),
    recordCount: String(rows),
    testFlag: control.isTest ? 'T' : 'P',
    layoutVersion: control.layoutVersion,
    created: `${compact(months.at(-1))}28`,
    comment: 'synthetic',
  }
  return form.control(record, texts)
}
