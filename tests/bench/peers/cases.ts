/**
 * The job's input files, the eight edits, and what a perfect engine executes for each.
 *
 * a first build · b nothing · c one source changed · d one mapping rule · e source touched ·
 * f1 mapping description · f2 mapping re-indented · g source re-indented (equal silver).
 */
import { existsSync, mkdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

export const MAPPINGS = 20
const RULES = 10

/** A small deterministic generator (mulberry32): the benchmark needs equal files every time. */
function random(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

interface SourceStyle {
  readonly revision?: number
  readonly indent?: number
}

/** Writes source i: a revision has other values, an indent only another look. */
export function writeSource(
  root: string,
  i: number,
  { revision = 0, indent = 1 }: SourceStyle = {},
): void {
  const next = random(i * 1_000_003 + revision)
  const source = {
    id: i,
    code: `R${i % RULES}`,
    values: Array.from({ length: 60 }, () => Math.floor(next() * 1000)),
    pad: '',
  }
  source.pad = 'x'.repeat(Math.max(0, 1000 - JSON.stringify(source, null, 1).length))
  writeFileSync(join(root, 'src', `${i}.json`), JSON.stringify(source, null, indent))
}

interface MappingStyle {
  readonly revision: number
  readonly description: string
  readonly indent: number
}
const FIRST: MappingStyle = { revision: 0, description: 'first', indent: 1 }

function writeMapping(root: string, k: number, style: MappingStyle): void {
  const rules: Record<string, string> = {}
  for (let j = 0; j < RULES; j++) rules[`R${j}`] = `T${k}_${j}`
  if (style.revision > 0) rules['R3'] = `T${k}_3_rev${style.revision}`
  const document = { description: style.description, rules }
  writeFileSync(join(root, 'mapping', `${k}.json`), JSON.stringify(document, null, style.indent))
}

/** Writes N sources and twenty mappings into an empty folder. */
export function generate(root: string, n: number): void {
  rmSync(root, { recursive: true, force: true })
  for (const folder of ['src', 'mapping']) mkdirSync(join(root, folder), { recursive: true })
  for (let i = 0; i < n; i++) writeSource(root, i)
  for (let k = 0; k < MAPPINGS; k++) writeMapping(root, k, FIRST)
}

export type Case = 'b' | 'c' | 'd' | 'e' | 'f1' | 'f2' | 'g'
export const CASES: readonly Case[] = ['b', 'c', 'd', 'e', 'f1', 'f2', 'g']

const styles = new Map<string, MappingStyle>()

/** Makes one edit and returns the builds needed after it, sorted, as `asset key`. */
export function edit(
  root: string,
  name: Case,
  { n, round }: { n: number; round: number },
): readonly string[] {
  const i = (round * 37 + 11) % n
  const k = round % Math.min(MAPPINGS, Math.max(1, Math.floor(n / 10)))
  const m = Math.floor(i / 10)
  const style = styles.get(`${root} ${k}`) ?? FIRST
  const restyle = (change: Partial<MappingStyle>): void => {
    styles.set(`${root} ${k}`, { ...style, ...change })
    writeMapping(root, k, { ...style, ...change })
  }
  switch (name) {
    case 'b':
      return []
    case 'c':
      writeSource(root, i, { revision: 100 + round })
      return [`canonical ${m}`, `gold ${i}`, `silver ${i}`]
    case 'd':
      restyle({ revision: 100 + round })
      return readersOf(n, k).map((month) => `canonical ${month}`)
    case 'e':
      utimesSync(join(root, 'src', `${i}.json`), new Date(), new Date())
      return []
    case 'f1':
      restyle({ description: `edited ${round}` })
      return []
    case 'f2':
      restyle({ indent: style.indent === 2 ? 4 : 2 })
      return []
    case 'g': {
      const path = join(root, 'src', `${i}.json`)
      writeFileSync(path, JSON.stringify(JSON.parse(readFileSync(path, 'utf8')), null, 3))
      return [`silver ${i}`]
    }
  }
}

const readersOf = (n: number, k: number): readonly number[] =>
  Array.from({ length: Math.floor(n / 10) }, (_, m) => m).filter((m) => m % MAPPINGS === k)

/** What was executed since the last call, sorted, as `asset key`. */
export function takeLog(root: string): readonly string[] {
  const path = join(root, 'exec.log')
  if (!existsSync(path)) return []
  const lines = readFileSync(path, 'utf8').trim().split('\n')
  rmSync(path)
  // Engines that know files only log those: `silver silver/3.json`.
  return lines.map((line) => line.replace(/ \S+\/(\d+)\.json$/, ' $1')).toSorted()
}

const ownOutput = (root: string, m: number): string =>
  join(root, 'state', 'store', 'canonical', String(m), 'part.json')

/** Canonical files that differ from a clean recomputation: what a user would read wrongly. */
export function staleOutputs(root: string, n: number, output = ownOutput): number {
  let stale = 0
  for (let m = 0; m < n / 10; m++) {
    const { rules } = JSON.parse(
      readFileSync(join(root, 'mapping', `${m % MAPPINGS}.json`), 'utf8'),
    ) as {
      rules: Record<string, string>
    }
    const rows = Array.from({ length: 10 }, (_, at) => {
      const path = join(root, 'src', `${m * 10 + at}.json`)
      const source = JSON.parse(readFileSync(path, 'utf8')) as {
        id: number
        code: string
        values: number[]
      }
      const total = source.values.reduce((sum, value) => sum + value, 0)
      return [source.id, source.code, rules[source.code], total]
    })
    const file = output(root, m)
    if (!existsSync(file) || readFileSync(file, 'utf8') !== JSON.stringify({ m, rows })) stale++
  }
  return stale
}
