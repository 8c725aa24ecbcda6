/**
 * Where a file's sample lies under its place's `samples/`: the file's folders and
 * `{stem}_sample{extension}`. Pure. Source: seed 002, «Sample file types».
 *
 * A name from outside becomes a path only in plain characters, at a bounded length; what had to be
 * changed gets eight hex digits of the SHA-256 of the whole reference, so that two files never share
 * a sample.
 */
import { frameDigest } from '../../engine/index.ts'

const SEGMENT_MAX = 100
const SEGMENTS_MAX = 8
/** What packs another format, or is one: kept whole behind the stem. */
const COMPOUND = /^(.+?)((?:\.[A-Za-z0-9]{1,10})?\.gz|\.tgz)$/i
const SIMPLE = /^(.+)(\.[A-Za-z0-9]{1,10})$/
const TAR = /\.(?:tar|tar\.gz|tgz)$/i
/** A sample of the same format is expected behind these; anything else is only described. */
const SAMPLED =
  /\.(?:csv|tsv|psv|txt|tab|dat|asc|json|jsonl|ndjson|parquet|pq|zip)(?:\.gz)?$|\.gz$/i

const LIST = '.txt'
const DESCRIBED = '.meta.json'

interface NamedFile {
  /** with its folders; no extension */
  readonly stem: string
  readonly extension: string
  /** differs from what the reference says */
  readonly isChanged: boolean
}

/** `raw/env0/data.csv` → `env0/data_sample.csv`: what is expected of a file of that name. */
export function plannedPath(raw: string, vendor: string): string {
  const { stem, extension, isChanged } = named(raw, vendor)
  const planned = TAR.test(extension) ? LIST : SAMPLED.test(extension) ? extension : DESCRIBED
  return pathOf(stem, { extension: planned, tail: isChanged ? tailOf(raw) : '' })
}

/** The path that no other file has: `env0/data_sample~1f2e3d4c.csv`. */
export const ownPath = (raw: string, vendor: string, extension: string): string =>
  pathOf(named(raw, vendor).stem, { extension, tail: tailOf(raw) })

const pathOf = (
  stem: string,
  { extension, tail }: { readonly extension: string; readonly tail: string },
): string => `${stem}_sample${tail}${extension}`

const tailOf = (raw: string): string => `~${frameDigest(['sample-path/1', raw]).slice(0, 8)}`

function named(raw: string, vendor: string): NamedFile {
  const given = raw
    .replace(/^[a-z]+:/i, '')
    .split('/')
    .filter((segment) => segment !== '')
  const own =
    given.length > 1 && (given[0] === 'raw' || given[0] === vendor) ? given.slice(1) : given
  const kept = own.slice(-SEGMENTS_MAX)
  const plain = kept.map((segment, at) =>
    at === kept.length - 1 ? plainSegment(segment) : plainFolder(plainSegment(segment)),
  )
  const name = plain.at(-1) ?? 'file'
  const [, stem = name, extension = ''] = COMPOUND.exec(name) ?? SIMPLE.exec(name) ?? []
  return {
    stem: [...plain.slice(0, -1), stem].join('/'),
    extension,
    isChanged: kept.length < own.length || plain.some((segment, at) => segment !== kept[at]),
  }
}

/** A folder is never called as the sample or the profile of a file: those end with their extension. */
const plainFolder = (segment: string): string =>
  segment.includes('_sample') ? `${segment}_` : segment

/** The last characters are kept: the extension is among them. A folder is never hidden, nor up. */
function plainSegment(segment: string): string {
  const plain = segment
    .replaceAll(/[^A-Za-z0-9 _.=,+-]/g, '_')
    .slice(-SEGMENT_MAX)
    .replace(/^[. -]+/, '_')
    .replace(/[. ]+$/, '_')
  return plain === '' ? '_' : plain
}
