/** A parse of some text in a folder of its own, and its rows read back. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckPool } from '../../engine/table/duck-pool.ts'
import type { DuckRow } from '../../engine/table/duck-protocol.ts'
import { parseFiles, type ParseOutcome, type ParseRequest } from '../../engine/table/parse.ts'
import { rowsQuery } from '../../engine/table/query.ts'
import type { RejectedRecord } from '../../engine/table/rejects.ts'
import type { ColumnSpec, Dialect, ParseSpec } from '../../engine/table/spec.ts'

/** A folder that is removed with everything in it. */
export async function scratchFolder(): Promise<{ path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), 'tributary-table-'))
  return {
    path,
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true, maxRetries: 3 }),
  }
}

export const column = (
  name: string,
  type: ColumnSpec['type'] = 'string',
  rest: Partial<ColumnSpec> = {},
): ColumnSpec => ({ name, type, required: false, ...rest })

/** id, name, amount and day; pipes, no quotes, no header, HD and TR records. */
const COLUMNS: readonly ColumnSpec[] = [
  column('id', 'string', { required: true }),
  column('name'),
  column('amount', 'decimal', { precision: 12, scale: 2 }),
  column('day', 'date'),
]

export function parseSpec(
  dialect: Partial<Dialect> = {},
  rest: Partial<Omit<ParseSpec, 'dialect'>> = {},
): ParseSpec {
  return {
    dialect: { delimiter: '|', quoteChar: null, header: false, ...dialect },
    control: [
      { role: 'header', prefix: 'HD', fields: { 1: 'submitter', 2: 'periodBegin' } },
      { role: 'trailer', prefix: 'TR', fields: { 1: 'recordCount' } },
    ],
    columns: COLUMNS,
    month: { declared: 'last' },
    ...rest,
  }
}

export interface Parsed {
  readonly outcome: ParseOutcome
  /** in order of line_number */
  readonly rows: readonly DuckRow[]
  readonly rejects: readonly RejectedRecord[]
}

/** One text, or one of each file. */
export type Texts = string | Uint8Array | readonly (string | Uint8Array)[]

/** One pool for the tests of a file. */
export class Bench {
  readonly duck: DuckPool
  readonly #folder: string
  #runs = 0

  private constructor(folder: string, size: number) {
    this.#folder = folder
    this.duck = new DuckPool({ size, folder: join(folder, 'duck') })
  }
  static async open(size = 1): Promise<Bench> {
    return new Bench(await mkdtemp(join(tmpdir(), 'tributary-table-')), size)
  }
  async close(): Promise<void> {
    await this.duck[Symbol.asyncDispose]()
    await rm(this.#folder, { recursive: true, force: true, maxRetries: 3 })
  }

  /** Parses texts as the files `a`, `b`, … of one submission. */
  async parse(texts: Texts, spec: ParseSpec, options: Partial<ParseRequest> = {}): Promise<Parsed> {
    const outcome = await this.run(texts, spec, options)
    return { outcome, rows: await this.rows(outcome), rejects: await readRejects(outcome) }
  }

  /** The parse alone: its rows are not read back. */
  async run(
    texts: Texts,
    spec: ParseSpec,
    options: Partial<ParseRequest> = {},
  ): Promise<ParseOutcome> {
    this.#runs += 1
    const folder = join(this.#folder, `run-${this.#runs}`)
    const list = typeof texts === 'string' || texts instanceof Uint8Array ? [texts] : texts
    const files = list.map((_, at) => ({
      name: String.fromCharCode(97 + at),
      path: join(this.#folder, `run-${this.#runs}-${at}.txt`),
    }))
    for (const [at, { path }] of files.entries()) await writeFile(path, list[at] ?? '')
    return parseFiles({
      spec,
      files,
      declaredMonth: '2024-03',
      monthColumn: 'atomic_month',
      constants: [{ name: 'state', value: "O'R" }],
      scratch: join(folder, 'scratch'),
      out: join(folder, 'out'),
      duck: this.duck,
      signal: new AbortController().signal,
      ...options,
    })
  }

  async rows(outcome: ParseOutcome): Promise<readonly DuckRow[]> {
    if (outcome.kind === 'failed') return []
    const parts = outcome.months.flatMap((month) => month.parts.map((part) => part.path))
    if (parts.length === 0) return []
    const select = 'SELECT * FROM parts ORDER BY line_number'
    return rowsQuery({ select, parts, duck: this.duck })
  }
}

async function readRejects({ rejects }: ParseOutcome): Promise<RejectedRecord[]> {
  if (rejects === undefined) return []
  const text = await readFile(rejects.path, 'utf8')
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as RejectedRecord)
}

/** `code:column` of every reason, per rejected record. */
export const codes = (rejects: readonly RejectedRecord[]): string[] =>
  rejects.map(({ reasons }) =>
    reasons.map(({ code, column: name }) => (name === null ? code : `${code}:${name}`)).join(' '),
  )
