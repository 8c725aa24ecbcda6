/** A large synthetic file of 60 columns with known defects, and what a parse makes of it. */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { generateFile } from '../../engine/index.ts'
import { DuckPool } from '../../engine/table/duck-pool.ts'
import type { ParseOutcome } from '../../engine/table/parse.ts'
import { parseFiles } from '../../engine/table/parse.ts'
import type { RejectedRecord } from '../../engine/table/rejects.ts'
import type { ColumnSpec, ParseSpec } from '../../engine/table/spec.ts'
import { column, parseSpec } from './parsing.ts'

const KINDS: readonly ((name: string) => ColumnSpec)[] = [
  (name) => column(name, 'string', { maxLength: 30 }),
  (name) => column(name, 'decimal', { precision: 12, scale: 2 }),
  (name) => column(name, 'date', { formats: ['%Y%m%d'] }),
  (name) => column(name, 'string', { enum: ['A', 'B', 'C'] }),
  (name) => column(name, 'string', { pattern: '[0-9]{5}' }),
  (name) => column(name, 'integer'),
]

/** 60 columns, pipes, HD and TR records; the third column dates a row. */
export const WIDE: ParseSpec = parseSpec(
  { delimiter: '|' },
  {
    columns: Array.from({ length: 60 }, (_, at) => {
      const made = KINDS[at % KINDS.length]?.(`c${at}`) ?? column(`c${at}`)
      return at < KINDS.length ? { ...made, required: true } : made
    }),
    month: { column: 'c2' },
  },
)

export interface Truth {
  readonly path: string
  readonly rows: number
  /** `line kind column` of each spoiled record, in order */
  readonly planted: readonly string[]
  readonly kinds: ReadonlySet<string>
}

/** Writes the file, a block at a time. */
export async function plantedFile(
  folder: string,
  { rows, seed, defects = 0.001 }: { rows: number; seed: string; defects?: number },
): Promise<Truth> {
  const path = join(folder, 'planted.txt')
  const months = Array.from({ length: 24 }, (_, at) => {
    const [year, month] = [2023 + Math.floor(at / 12), (at % 12) + 1]
    return `${year}-${String(month).padStart(2, '0')}`
  })
  const control = { submitter: 'SYN', fileType: 'MC', layoutVersion: 'v1', isTest: false }
  await using file = await open(path, 'w')
  const planted: string[] = []
  const kinds = new Set<string>()
  for (const block of generateFile({ spec: WIDE, rows, months, seed, defects, control })) {
    await file.writeFile(block.bytes)
    for (const { line, kind, column: name } of block.planted) {
      planted.push(`${line} ${kind} ${name}`)
      kinds.add(kind)
    }
  }
  return { path, rows, planted, kinds }
}

export interface ParsedTruth {
  readonly outcome: Extract<ParseOutcome, { kind: 'parsed' }>
  /** `line kind column` of each reject, in order; several reasons are joined */
  readonly rejects: readonly string[]
  /** of every part and of the rejects, by name */
  readonly digest: string
}

/** Parses it in a place of its own. */
export async function parseTruth(
  { path }: Truth,
  { folder, workers, memoryMb }: { folder: string; workers: number; memoryMb: number },
): Promise<ParsedTruth> {
  const own = join(folder, `w${workers}-${memoryMb}`)
  await using duck = new DuckPool({ size: workers, folder: join(own, 'duck') })
  const outcome = await parseFiles({
    spec: WIDE,
    files: [{ name: 'a', path }],
    declaredMonth: '2024-12',
    monthColumn: 'atomic_month',
    constants: [],
    scratch: join(own, 'scratch'),
    out: join(own, 'out'),
    duck,
    memoryMb,
    signal: new AbortController().signal,
  })
  if (outcome.kind === 'failed') throw new Error(`${outcome.code}: ${outcome.detail}`)
  const sum = createHash('sha256')
  for (const { month, parts } of outcome.months) {
    for (const { name, sha256 } of parts) sum.update(`${month} ${name} ${sha256}\n`)
  }
  sum.update(outcome.rejects.sha256)
  return { outcome, rejects: await rejectsOf(outcome.rejects.path), digest: sum.digest('hex') }
}

async function rejectsOf(path: string): Promise<readonly string[]> {
  const found: string[] = []
  for await (const text of createInterface({ input: createReadStream(path) })) {
    const { line, reasons } = JSON.parse(text) as RejectedRecord
    found.push(`${line} ${reasons.map((one) => `${one.code} ${one.column}`).join('; ')}`)
  }
  return found
}
