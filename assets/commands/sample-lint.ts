/**
 * `registry check --samples`: each layout beside its example file, read by the product's own parse
 * in a folder that is removed at the end. An example is the layout's `path`, in the folder of
 * samples or in a folder of its file type there.
 */
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { DuckPool } from '../../engine/index.ts'
import { EngineError, quoteName, quoteText, recordLengths } from '../../engine/index.ts'
import type { Lint, TwinComparison } from '../../registry/layout-lint.ts'
import { expectedBytes, lintCount, lintLengths, lintTwin } from '../../registry/layout-lint.ts'
import type { Layout } from '../../registry/layout.ts'
import type { Registry } from '../../registry/registry.ts'
import type { Issue, RegistryFile } from '../../registry/source.ts'
import { readSource } from '../../registry/source.ts'
import type { Platform } from '../platform.ts'
import { tryFile } from './registry-try.ts'

interface Sampled {
  readonly layout: Layout
  /** of the layout, relative to the project */
  readonly document: string
  readonly name: string
  readonly file: string
}

interface Read extends Sampled {
  /** Parquet parts of its rows, and the folder that holds them */
  readonly parts: readonly string[]
  readonly folder: string
}

/** Issues of every layout that has a sample. Throws USAGE when none has. */
export async function lintSamples(
  { config, duck }: Pick<Platform, 'config' | 'duck'>,
  { registry, files, samples }: SampleRequest,
): Promise<readonly Issue[]> {
  const sampled = registry.layouts.flatMap((layout) => sampleOf(layout, { registry, samples }))
  if (sampled.length === 0) {
    const reason = `no layout has its example file (resources/0/path) in ${samples}`
    throw new EngineError('USAGE', { command: 'registry check', reason })
  }
  mkdirSync(config.scratch.value, { recursive: true })
  const scratch = mkdtempSync(join(config.scratch.value, 'lint-'))
  try {
    const issues: Issue[] = []
    const read: Read[] = []
    for (const [at, one] of sampled.entries()) {
      const found = await lintOne(one, { registry, duck, folder: join(scratch, String(at)) })
      issues.push(...placed(files, one, found.lints))
      read.push(found.read)
    }
    for (const [one, twin] of twinsOf(read)) {
      const compared = await compareTwins(duck, one, twin)
      const names = { sample: one.name, twin: twin.name }
      issues.push(...placed(files, one, lintTwin(one.layout.slices.parse, names, compared)))
    }
    return issues
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}

export interface SampleRequest {
  readonly registry: Registry
  readonly files: readonly RegistryFile[]
  /** a folder */
  readonly samples: string
}

function sampleOf(
  layout: Layout,
  { registry, samples }: Pick<SampleRequest, 'registry' | 'samples'>,
): readonly Sampled[] {
  const document = registry.documents.find(({ what, id }) => what === 'layout' && id === layout.id)
  const { resources } = (document?.json ?? {}) as {
    readonly resources?: readonly { readonly path?: string }[]
  }
  const name = resources?.[0]?.path
  if (document === undefined || name === undefined || /[\\/]/.test(name)) return []
  const file = [join(samples, layout.fileType, name), join(samples, name)].find((path) =>
    existsSync(path),
  )
  return file === undefined ? [] : [{ layout, document: document.path, name, file }]
}

const placed = (
  files: readonly RegistryFile[],
  { document }: Sampled,
  lints: readonly Lint[],
): readonly Issue[] => {
  const source = readSource(files.find(({ path }) => path === document) ?? { path: '', text: '' })
  if ('faults' in source) return []
  return lints.map(({ path, kind, text }) => ({ ...source.at(path), kind, text }))
}

async function lintOne(
  one: Sampled,
  how: { readonly registry: Registry; readonly duck: DuckPool; readonly folder: string },
): Promise<{ readonly lints: readonly Lint[]; readonly read: Read }> {
  const { layout, name, file } = one
  mkdirSync(how.folder, { recursive: true })
  const { outcome } = await tryFile({ ...how, layout, file, limit: 1 })
  const { report } = outcome
  const count = {
    accepted: report?.accepted ?? 0,
    rejected: report?.rejected ?? 0,
    reasons: (report?.reasons ?? []).map(({ code, column }) =>
      column === null ? code : `${code} ${column}`,
    ),
  }
  const spec = layout.slices.parse
  const expected = expectedBytes(spec)
  const lengths: Lint[] = []
  if (expected !== undefined) {
    const found = await recordLengths({
      spec,
      path: file,
      name,
      bytes: expected.bytes,
      spans: expected.holes,
      signal: new AbortController().signal,
    })
    lengths.push(...lintLengths(spec, name, { expected, found }))
  }
  const parts =
    outcome.kind === 'failed'
      ? []
      : outcome.months.flatMap((month) => month.parts.map((part) => part.path))
  return {
    lints: [...lintCount(name, count), ...lengths],
    read: { ...one, parts, folder: how.folder },
  }
}

/** Pairs of layouts of one file type whose samples have the same name but for its end. */
function twinsOf(read: readonly Read[]): readonly (readonly [Read, Read])[] {
  const stem = ({ layout, name }: Read): string =>
    `${layout.fileType}/${name.replace(/\.[^.]*$/, '').toLowerCase()}`
  const groups = Map.groupBy(
    read.filter(({ parts }) => parts.length > 0),
    stem,
  )
  return [...groups.values()].flatMap(([first, ...others]) =>
    first === undefined
      ? []
      : others
          .filter(({ name }) => name !== first.name)
          .map((other): readonly [Read, Read] => [first, other]),
  )
}

/** Row by row in the order of their files, and column by column as text. */
async function compareTwins(duck: DuckPool, one: Read, twin: Read): Promise<TwinComparison> {
  const theirs = new Set(twin.layout.slices.parse.columns.map(({ name }) => name))
  const columns = one.layout.slices.parse.columns
    .map(({ name }) => name)
    .filter((name) => theirs.has(name))
  const table = (name: string, { parts }: Read): string =>
    `${name} AS (SELECT row_number() OVER (ORDER BY line_number) AS n, * FROM read_parquet([${parts.map(quoteText).join(', ')}], hive_partitioning=false))`
  const cells = columns.flatMap((name, at) => {
    const column = quoteName(name)
    const differs = `CAST(a.${column} AS VARCHAR) IS DISTINCT FROM CAST(b.${column} AS VARCHAR)`
    return [
      `count(*) FILTER (WHERE ${differs}) AS rows_${at}`,
      `min(a.line_number) FILTER (WHERE ${differs}) AS line_${at}`,
      `arg_min(b.line_number, a.line_number) FILTER (WHERE ${differs}) AS twin_${at}`,
    ]
  })
  const counts = ['(SELECT count(*) FROM a) AS ours', '(SELECT count(*) FROM b) AS theirs']
  const select = `WITH ${table('a', one)}, ${table('b', twin)}
    SELECT ${[...counts, ...cells].join(', ')} FROM a JOIN b USING (n)`
  const { rows } = await duck.run({ statements: [select], folders: [one.folder, twin.folder] })
  const [row = {}] = rows
  const number = (name: string): number => Number(row[name] ?? 0)
  return {
    rows: number('ours'),
    twinRows: number('theirs'),
    columns: columns.flatMap((name, at) => {
      const differing = number(`rows_${at}`)
      if (differing === 0) return []
      return [{ name, rows: differing, line: number(`line_${at}`), twinLine: number(`twin_${at}`) }]
    }),
  }
}
