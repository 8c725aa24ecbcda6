/** `manifest processed`: which raw file became which file, from the manifests. Needs no catalog. */
import type { CommandCall } from '../../engine/index.ts'
import {
  EXIT,
  EngineError,
  alignColumns,
  countText,
  counted,
  textOption,
  wholeNumber,
} from '../../engine/index.ts'
import type { ProcessedEntry } from '../processed-entry.ts'
import { readProcessed } from '../processed-lines.ts'
import type { ListedManifest } from '../processed-places.ts'
import { dayOf, listManifests, manifestsOf } from '../processed-places.ts'
import type { OpenedPlatform } from './opened.ts'
import type { Host } from './host.ts'
import { stagingPrefixOf } from './staging-prefix.ts'

type Call = CommandCall<OpenedPlatform>

const LIMIT = 100
const LIMIT_MAX = 10_000
/** Lines that cannot be read, told one by one. */
const UNREAD_MAX = 20

interface Shown {
  /** vendor/dataset/version */
  readonly place: string
  /** of its file, `YYYY-MM-DD`, in UTC */
  readonly day: string
  readonly entry: ProcessedEntry
}

/** A line that says nothing; nothing of it is quoted. */
interface Unread {
  readonly path: string
  readonly offset: number
  readonly why: string
}

/** Runs `manifest processed`. */
export const runManifestProcessed =
  (host: Host) =>
  async (call: Call): Promise<number> => {
    const { terminal } = call
    const limit = wholeNumber('--limit', textOption(call, 'limit') ?? String(LIMIT), LIMIT_MAX)
    const prefix = await stagingPrefixOf(host, call)
    const { shown, faults, unread } = await newestEntries(await manifestsFor(call, prefix), limit)
    if (call.json) {
      const entries = shown.map(({ place, day, entry }) => ({ place, day, ...entry }))
      terminal.printJson({ format_version: '1.0', prefix, entries, faults, unread })
      return EXIT.done
    }
    if (shown.length === 0) terminal.print(`Nothing was landed under ${prefix}`)
    else terminal.print(alignColumns(COLUMNS, shown.map(cellsOf), terminal.out.dim).join('\n'))
    if (faults > 0) terminal.print(`${counted(faults, 'line')} could not be read`)
    for (const { path, offset, why } of unread) {
      terminal.print(`  ${path}, from byte ${countText(offset)}: ${why}`)
    }
    if (faults > unread.length) terminal.print(`  … and ${countText(faults - unread.length)} more`)
    return EXIT.done
  }

const COLUMNS = [
  'day',
  'place',
  { title: 'seq', align: 'right' } as const,
  { title: 'bytes', align: 'right' } as const,
  'sha256',
  'raw → bronze',
]

const cellsOf = ({ place, day, entry }: Shown): readonly string[] => [
  day,
  place,
  entry.seq === undefined ? '' : String(entry.seq),
  entry.size === undefined ? '' : countText(entry.size),
  entry.sha256?.slice(0, 12) ?? '',
  `${entry.raw} → ${entry.bronze}`,
]

const dayFor = ({ file, modifiedMs }: ListedManifest): string =>
  dayOf(file) ?? new Date(modifiedMs).toISOString().slice(0, 10)

/** The manifests to read, the newest day first. */
async function manifestsFor(call: Call, prefix: string): Promise<readonly ListedManifest[]> {
  const place = textOption(call, 'place')
  const [vendor = '', dataset = '', version = '', ...more] = place?.split('/') ?? []
  if (place !== undefined && (version === '' || more.length > 0)) {
    const reason = '--place is vendor/dataset/version'
    throw new EngineError('USAGE', { command: 'manifest processed', reason })
  }
  const listed = await Array.fromAsync(
    place === undefined ? listManifests(prefix) : manifestsOf(prefix, { vendor, dataset, version }),
  )
  return listed.toSorted((a, b) => (dayFor(a) > dayFor(b) ? -1 : dayFor(a) < dayFor(b) ? 1 : 0))
}

/** The last entries of each file, until there are enough. Holds twice as many as are shown. */
async function newestEntries(
  manifests: readonly ListedManifest[],
  limit: number,
): Promise<{
  readonly shown: readonly Shown[]
  readonly faults: number
  readonly unread: readonly Unread[]
}> {
  const shown: Shown[] = []
  const unread: Unread[] = []
  let faults = 0
  for (const manifest of manifests) {
    if (shown.length >= limit) break
    const { vendor, dataset, version } = manifest.place
    const facts = { place: `${vendor}/${dataset}/${version}`, day: dayFor(manifest) }
    let last: Shown[] = []
    for await (const line of readProcessed(manifest.path, 0, { linesMax: Infinity })) {
      if ('entry' in line) last.push({ ...facts, entry: line.entry })
      else {
        faults += 1
        unread.push({ path: manifest.path, offset: line.offset, why: line.fault })
        unread.length = Math.min(unread.length, UNREAD_MAX)
      }
      if (last.length >= 2 * limit) last = last.slice(-limit)
    }
    shown.push(...last.slice(-limit).toReversed())
  }
  return { shown: shown.slice(0, limit), faults, unread }
}
