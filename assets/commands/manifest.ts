/** `manifest list|show|diff`: discovery manifests, and what became of their entries. */
import { readFile, readdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { CommandCall } from '../../engine/index.ts'
import { EXIT, EngineError, alignColumns, countText, nearestName } from '../../engine/index.ts'
import type { Manifest, ManifestEntry } from '../../registry/discovery-manifest.ts'
import {
  diffManifests,
  parseManifestName,
  readManifest,
} from '../../registry/discovery-manifest.ts'
import { platformTables } from '../../registry/tables.ts'
import type { Platform } from '../platform.ts'
import { releaseName } from '../manifests.ts'
import type { OpenedPlatform } from './opened.ts'

type Call = CommandCall<OpenedPlatform>

/** Runs `manifest list`. */
export async function runManifestList(call: Call): Promise<number> {
  const { terminal } = call
  const { platform } = await call.open({ sync: false })
  const paths = await manifestPaths(platform)
  const newest = new Map(
    paths.map((path) => [parseManifestName(basename(path))?.source ?? '', path]),
  )
  const rows = paths.map((path) => {
    const name = parseManifestName(basename(path))
    return {
      manifest: basename(path),
      source: name?.source ?? '',
      stamped_at: name?.stampedAt ?? '',
      newest: newest.get(name?.source ?? '') === path,
    }
  })
  if (call.json) terminal.printJson({ format_version: '1.0', manifests: rows })
  else if (rows.length === 0) terminal.print(`No manifest in ${platform.config.discovery.value}`)
  else {
    const cells = rows.map((row) => [row.manifest, row.source, row.newest ? 'newest' : ''])
    terminal.print(alignColumns(['manifest', 'source', ''], cells, terminal.out.dim).join('\n'))
  }
  return EXIT.done
}

/** Runs `manifest show`. */
export async function runManifestShow(call: Call): Promise<number> {
  const { terminal } = call
  const { platform } = await call.open({ sync: false })
  const manifest = await openManifest(platform, call.words[0] ?? '')
  const landed = await landedReleases(platform, manifest.source)
  const rows = manifest.entries.map((entry) => ({
    ...entryJson(entry),
    submission_id: landed.get(releaseName(entry)) ?? null,
  }))
  if (call.json) {
    const { source, stampedAt, missingFiles } = manifest
    terminal.printJson({
      format_version: '1.0',
      source,
      stamped_at: stampedAt,
      missing_files: missingFiles,
      entries: rows,
    })
    return EXIT.done
  }
  const cells = manifest.entries.map((entry) => [
    ...entryCells(entry),
    landed.get(releaseName(entry)) ?? 'not landed',
  ])
  terminal.print(alignColumns([...COLUMNS, 'submission'], cells, terminal.out.dim).join('\n'))
  for (const file of manifest.missingFiles) terminal.print(`expected, not found: ${file}`)
  return EXIT.done
}

/** Runs `manifest diff`: two manifests, or the two newest of a source. */
export async function runManifestDiff(call: Call): Promise<number> {
  const { terminal } = call
  const { platform } = await call.open({ sync: false })
  const [older, newer] = await twoManifests(platform, call.words)
  const diff = diffManifests(older.entries, newer.entries)
  if (call.json) {
    terminal.printJson({
      format_version: '1.0',
      added: diff.added.map(entryJson),
      changed: diff.changed.map(({ from, to }) => ({ from: entryJson(from), to: entryJson(to) })),
      absent: diff.absent.map(entryJson),
      same: diff.same.length,
    })
    return EXIT.done
  }
  const { green, yellow, dim } = terminal.out
  const rows = [
    ...diff.added.map((entry) => [green('+'), ...entryCells(entry)]),
    ...diff.changed.map(({ to }) => [yellow('~'), ...entryCells(to)]),
    ...diff.absent.map((entry) => ['-', ...entryCells(entry), 'absent: nothing is withdrawn']),
  ]
  if (rows.length > 0) terminal.print(alignColumns(['', ...COLUMNS, ''], rows, dim).join('\n'))
  terminal.print(`${countText(diff.same.length)} unchanged`)
  return EXIT.done
}

const COLUMNS = ['dataset', 'type', 'vintage', 'file', 'sha256']

const entryCells = (entry: ManifestEntry): readonly string[] => [
  entry.dataset,
  entry.fileType,
  entry.vintage ?? '',
  entry.filename,
  entry.sha256?.slice(0, 12) ?? 'unknown',
]

const entryJson = (entry: ManifestEntry): object => ({
  dataset: entry.dataset,
  file_type: entry.fileType,
  vintage: entry.vintage,
  period: entry.period,
  filename: entry.filename,
  url: entry.url,
  sha256: entry.sha256,
  size_bytes: entry.sizeBytes,
})

/** Every manifest, by source and time. */
async function manifestPaths({ config }: Platform): Promise<readonly string[]> {
  const folder = config.discovery.value
  const found: string[] = []
  for (const source of await names(folder)) {
    const own = join(folder, source, 'manifests')
    const manifests = (await names(own)).filter((name) => parseManifestName(name) !== undefined)
    found.push(...manifests.map((name) => join(own, name)))
  }
  return found
}

async function names(folder: string): Promise<readonly string[]> {
  try {
    return (await readdir(folder)).toSorted()
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'ENOENT' || code === 'ENOTDIR') return []
    throw error
  }
}

const usage = (reason: string): EngineError =>
  new EngineError('USAGE', { command: 'manifest', reason })

async function openManifest(platform: Platform, name: string): Promise<Manifest> {
  const paths = await manifestPaths(platform)
  const path = paths.find((one) => basename(one) === name || one === name)
  if (path !== undefined)
    return readManifest({ file: path, name: basename(path), text: await readFile(path, 'utf8') })
  const nearest = nearestName(
    name,
    paths.map((one) => basename(one)),
  )
  const meant =
    nearest === undefined ? 'list them with `tributary manifest list`' : `did you mean ${nearest}?`
  throw usage(`no manifest ${name}: ${meant}`)
}

async function twoManifests(
  platform: Platform,
  words: readonly string[],
): Promise<readonly [Manifest, Manifest]> {
  const [first = '', second] = words
  if (second !== undefined) {
    return [await openManifest(platform, first), await openManifest(platform, second)]
  }
  const own = (await manifestPaths(platform)).map((path) => basename(path))
  const [older, newer] = own.filter((name) => parseManifestName(name)?.source === first).slice(-2)
  if (older === undefined || newer === undefined) {
    throw usage('manifest diff needs two manifests, or a source that has two')
  }
  return [await openManifest(platform, older), await openManifest(platform, newer)]
}

async function landedReleases(
  { project }: Platform,
  source: string,
): Promise<ReadonlyMap<string, string>> {
  const rows = await platformTables(project.catalog.db)
    .selectFrom('manifest_entry')
    .select(['release', 'submission_id'])
    .where('source', '=', source)
    .execute()
  return new Map(
    rows.flatMap((row) => (row.submission_id === null ? [] : [[row.release, row.submission_id]])),
  )
}
