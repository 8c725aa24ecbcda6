/**
 * I6: no row is lost or made. Bytes of a file are tiled by its records; accepted records are silver
 * rows; rejected ones are lines of the rejects zone; gold has its winner's rows, months their sum.
 */
import { createReadStream } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { PackageSecrets, ParseReport, ParseSpec, Recount } from '../../engine/index.ts'
import {
  counted,
  formatKey,
  isEngineError,
  parseKey,
  quoteText,
  recountRecords,
  rowsQuery,
} from '../../engine/index.ts'
import type { Stamp } from '../facts.ts'
import type { ParseValue, SilverValue } from '../silver.ts'
import type { SubmitterGoldValue } from '../submitter-gold.ts'
import type { CurrentNode, CurrentPart } from './catalog-look.ts'
import { currentNodes, currentParts, rowsByKey, valuesByKey } from './catalog-look.ts'
import type { InvariantResult, Verification } from './invariant.ts'
import { Faults, conclude } from './invariant.ts'
import { rangesOf, tilingFaults } from './parse-tiling.ts'

interface Rows {
  readonly parses: readonly CurrentNode<ParseValue>[]
  readonly silver: readonly CurrentNode<SilverValue>[]
  readonly silverParts: readonly CurrentPart[]
  readonly rejects: readonly CurrentPart[]
  readonly reports: readonly CurrentPart[]
  readonly raw: readonly CurrentPart[]
  readonly golds: readonly CurrentNode<SubmitterGoldValue>[]
  readonly goldParts: readonly CurrentPart[]
  readonly months: readonly CurrentNode<SilverValue>[]
  readonly monthParts: readonly CurrentPart[]
}

export async function verifyRows(verification: Verification): Promise<InvariantResult> {
  const rows = await load(verification)
  const faults = new Faults()
  for (const parse of rows.parses) {
    if (!verification.pending.has(parse.id)) await checkParse(verification, { rows, parse, faults })
  }
  checkGold(verification, rows, faults)
  checkMonths(verification, rows, faults)
  if (verification.deep) await checkFiles(verification, rows, faults)
  const total = rows.parses.reduce((sum, { value }) => sum + value.accepted, 0)
  const evidence = {
    submissions: rows.parses.length,
    records: total,
    months: rows.months.length,
  }
  const holds = `${counted(total, 'accepted record')} of ${counted(rows.parses.length, 'submission')} are silver rows; ${counted(rows.months.length, 'canonical month')} have the sum of their winners`
  return conclude('I6', { faults, holds, evidence })
}

async function load({ platform, definitions }: Verification): Promise<Rows> {
  const { db } = platform.project.catalog
  const parts = async (asset: string) => currentParts(db, definitions, asset)
  return {
    parses: await currentNodes<ParseValue>(db, definitions, 'parse'),
    silver: await currentNodes<SilverValue>(db, definitions, 'silver'),
    silverParts: await parts('silver'),
    rejects: await parts('rejects'),
    reports: await parts('parse'),
    raw: await parts('raw'),
    golds: await currentNodes<SubmitterGoldValue>(db, definitions, 'gold_submitter'),
    goldParts: await parts('gold_submitter'),
    months: await currentNodes<SilverValue>(db, definitions, 'gold_canonical'),
    monthParts: await parts('gold_canonical'),
  }
}

interface Parsing {
  readonly rows: Rows
  readonly parse: CurrentNode<ParseValue>
  readonly faults: Faults
}

async function checkParse(verification: Verification, parsing: Parsing): Promise<void> {
  const { rows, parse, faults } = parsing
  const { value } = parse
  const name = `parse[${parse.key}]`
  const own = rows.silver.filter((node) => node.key.startsWith(`${parse.key}/`))
  const silver = own.reduce((sum, node) => sum + node.value.rows, 0)
  if (value.failed !== undefined) {
    faults.addWhen(own.length > 0, () => `${name} failed and has silver months`)
    return
  }
  faults.addWhen(
    silver !== value.accepted,
    () => `${name}: ${value.accepted} accepted records, ${silver} silver rows`,
  )
  const byPart = rowsByKey(rows.silverParts)
  for (const node of own) {
    const { rows: count } = node.value
    const inParts = byPart.get(node.key) ?? 0
    faults.addWhen(
      count !== inParts,
      () => `silver[${node.key}]: ${inParts} rows in parts, not ${count}`,
    )
  }
  const lines = await rejectLines(verification, parsing)
  faults.addWhen(
    lines !== undefined && lines !== value.rejected,
    () => `${name}: ${value.rejected} rejected records, ${lines} lines of rejects`,
  )
  await checkReport(verification, parsing, value)
}

/** Lines of a submission's rejects; undefined when the file cannot be read: I3 says so. */
async function rejectLines(
  { platform: { project } }: Verification,
  { rows, parse }: Parsing,
): Promise<number | undefined> {
  let lines = 0
  for (const part of rows.rejects.filter((one) => one.key === parse.key)) {
    const path = await fetched(project.store.fetch(part))
    if (path === undefined) return undefined
    lines += await linesIn(path)
  }
  return lines
}

async function linesIn(path: string): Promise<number> {
  let lines = 0
  for await (const block of createReadStream(path)) {
    for (const byte of block as Buffer) if (byte === 0x0a) lines += 1
  }
  return lines
}

/** A part's local file; undefined when it is gone or changed. */
async function fetched(path: Promise<string>): Promise<string | undefined> {
  return path.catch((error: unknown) => {
    if (isEngineError(error, 'PART_MISSING') || isEngineError(error, 'PART_CHANGED'))
      return undefined
    throw error
  })
}

async function checkReport(
  verification: Verification,
  { rows, parse, faults }: Parsing,
  value: ParseValue,
): Promise<void> {
  const { store } = verification.platform.project
  const name = `parse[${parse.key}]`
  const part = rows.reports.find((one) => one.key === parse.key && one.name === 'parse_report.json')
  if (part === undefined) return faults.add(`${name} has no parse_report.json`)
  const path = await fetched(store.fetch(part))
  if (path === undefined) return
  const report = JSON.parse(await readFile(path, 'utf8')) as ParseReport
  for (const fault of tilingFaults(report)) faults.add(`${name}: ${fault}`)
  faults.addWhen(
    report.accepted !== value.accepted || report.rejected !== value.rejected,
    () => `${name}: its report and the catalog count differently`,
  )
  if (verification.deep) await recount(verification, { rows, parse, faults }, report)
}

/** Reads the raw files again: the same records, the same ranges. */
async function recount(
  { platform, signal }: Verification,
  { rows, parse, faults }: Parsing,
  report: ParseReport,
): Promise<void> {
  const { project } = platform
  const spec = await specOf(project.catalog.db, parse.key)
  if (spec === undefined) return
  const name = `parse[${parse.key}]`
  for (const [delivered, files] of Map.groupBy(report.files, deliveredAs)) {
    const part = rows.raw.find((one) => one.key === parse.key && one.name === `data/${delivered}`)
    if (part === undefined) {
      faults.add(`${name}: ${delivered} is not in raw`)
      continue
    }
    const path = await fetched(project.store.fetch(part))
    if (path === undefined) continue
    const ranges = (file: string) => rangesOf(report, file)
    const secrets: PackageSecrets = async () => platform.secretsOf(parseKey(parse.key)[0] ?? '')
    const request = { name: delivered, path, spec, rangesOf: ranges, secrets, signal }
    const again = await unlessShut(readAgain(platform, request))
    if (typeof again === 'string') {
      faults.add(`${name}: ${again}`)
      continue
    }
    const found = new Map(again.map((one) => [one.name, one]))
    for (const file of files) {
      const isSame = agrees(file, found.get(file.name), report.ranges !== null)
      faults.addWhen(!isSame, () => `${name}: ${file.name} read again has other records`)
    }
    faults.addWhen(found.size !== files.length, () => `${name}: ${delivered} has other members`)
  }
}

/** Tables are made text in a folder that is removed. */
async function readAgain(
  { config, duck }: Verification['platform'],
  request: Omit<Parameters<typeof recountRecords>[0], 'scratch' | 'duck'>,
): Promise<readonly Recount[]> {
  await mkdir(config.scratch.value, { recursive: true })
  const scratch = await mkdtemp(join(config.scratch.value, 'tributary-recount-'))
  try {
    return await Array.fromAsync(recountRecords({ ...request, scratch, duck }))
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}

/** What was counted; or why a package cannot be opened here, which leaves it unproven. */
async function unlessShut<Counted>(counting: Promise<Counted>): Promise<Counted | string> {
  try {
    return await counting
  } catch (error) {
    const isShut = isEngineError(error, 'PARSE_FAILED') && error.context.reason === 'PACKAGE_SECRET'
    if (isShut) return error.message
    throw error
  }
}

type FileReport = ParseReport['files'][number]

/** The name of the file in raw: that of a member starts with its package's. */
const deliveredAs = ({ name, member }: FileReport): string =>
  member === undefined ? name : name.slice(0, -`!${member}`.length)

function agrees(file: FileReport, found: Recount | undefined, hasRanges: boolean): boolean {
  const { accepted } = file.totals
  return (
    found?.records === file.records &&
    found.contentBytes === file.contentBytes &&
    found.sha256 === file.sha256 &&
    (!hasRanges ||
      (found.straddling === 0 &&
        found.rows.records === accepted.records &&
        found.rows.bytes === accepted.bytes))
  )
}

async function specOf(
  db: Verification['platform']['project']['catalog']['db'],
  key: string,
): Promise<ParseSpec | undefined> {
  const value = async (asset: string, of: string): Promise<string | null | undefined> =>
    (
      await db
        .selectFrom('node')
        .innerJoin('asset', 'asset.id', 'node.asset')
        .innerJoin('version', 'version.id', 'node.version')
        .select('version.value')
        .where('asset.name', '=', asset)
        .where('node.key', '=', of)
        .executeTakeFirst()
    )?.value
  const stamp = await value('stamp', key)
  if (stamp == null) return undefined
  const spec = await value('layout_parse', (JSON.parse(stamp) as Stamp).layout)
  return spec == null ? undefined : (JSON.parse(spec) as ParseSpec)
}

/** A submitter's month has the rows of its winner's silver month. */
function checkGold({ pending }: Verification, rows: Rows, faults: Faults): void {
  const silver = valuesByKey(rows.silver)
  const inParts = rowsByKey(rows.goldParts)
  for (const { id, key, value: gold } of rows.golds) {
    if (pending.has(id)) continue
    const [, fileType = '', submitter = '', month = ''] = parseKey(key)
    const source = silver.get(formatKey([submitter, fileType, gold.submission, month]))?.rows ?? 0
    const own = inParts.get(key) ?? 0
    faults.addWhen(
      gold.rows !== source || own !== source,
      () => `gold_submitter[${key}]: ${own} rows, its winner has ${source} in silver`,
    )
  }
}

/** A canonical month has one part for each submitter's month, with its rows, or is rolled back. */
function checkMonths({ pending, rolledBack }: Verification, rows: Rows, faults: Faults): void {
  const winners = new Map<string, number>()
  for (const { key, value } of rows.golds) {
    const [state = '', fileType = '', submitter = '', month = ''] = parseKey(key)
    winners.set(`${formatKey([state, fileType, month])} part-${submitter}.parquet`, value.rows)
  }
  const settled = new Set(
    rows.months.flatMap(({ id, key }) => (pending.has(id) || rolledBack.has(key) ? [] : [key])),
  )
  for (const part of rows.monthParts) {
    const name = `${part.key} ${part.name}`
    const wanted = winners.get(name)
    winners.delete(name)
    faults.addWhen(
      settled.has(part.key) && part.rows !== wanted,
      () =>
        `gold_canonical[${part.key}]: ${part.name} has ${part.rows ?? 0} rows, its winner has ${wanted ?? 0}`,
    )
  }
  for (const name of winners.keys()) {
    const [key = '', part = ''] = name.split(' ')
    faults.addWhen(settled.has(key), () => `gold_canonical[${key}]: ${part} is not there`)
  }
  for (const { key, value } of rows.months) {
    const sum = rowsByKey(rows.monthParts.filter((part) => part.key === key)).get(key) ?? 0
    faults.addWhen(
      settled.has(key) && value.rows !== sum,
      () => `gold_canonical[${key}]: ${sum} rows in parts, not ${value.rows}`,
    )
  }
}

const FILES_AT_ONCE = 200

/** Counts the rows of the Parquet files themselves, as their footers say. */
async function checkFiles(
  { platform: { project, duck }, signal }: Verification,
  rows: Rows,
  faults: Faults,
): Promise<void> {
  const parts = [
    ...rows.silverParts.map((part) => ({ ...part, asset: 'silver' })),
    ...rows.monthParts.map((part) => ({ ...part, asset: 'gold_canonical' })),
  ]
  for (let at = 0; at < parts.length; at += FILES_AT_ONCE) {
    const found = new Map<string, (typeof parts)[number]>()
    for (const part of parts.slice(at, at + FILES_AT_ONCE)) {
      const path = await fetched(project.store.fetch(part))
      if (path !== undefined) found.set(path, part)
    }
    const files = [...found.keys()]
    if (files.length === 0) continue
    const folders = [...new Set(files.map(dirname))]
    const select = `select file_name, num_rows from parquet_file_metadata([${files.map(quoteText).join(', ')}])`
    const rowsFound = await rowsQuery({ select, parts: [], folders, duck, signal })
    for (const { file_name: path, num_rows: count } of rowsFound) {
      const part = typeof path === 'string' ? found.get(path) : undefined
      if (part === undefined || part.rows === count) continue
      const holds = typeof count === 'number' ? count : 'other'
      faults.add(
        `${part.asset}[${part.key}]: ${part.name} holds ${holds} rows, not ${part.rows ?? 0}`,
      )
    }
  }
}
