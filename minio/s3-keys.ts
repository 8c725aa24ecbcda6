/**
 * Object keys: where a part lies in a bucket, and what may be read from a key.
 *
 *     {published path}/{folders of the name}/{stem}.r12-3{.ext}     a part of the attempt @r12-3
 *     {published path}/_manifest/{n:010}.json                       immutable, numbered
 *
 * A key is unique to its attempt: it is written once, and when it is superseded it never returns.
 * The attempt stands before the extension, so that `*.parquet` finds the parts. No key is a folder
 * of another: of two such keys one server hides the second, another refuses it (services.md §2).
 */
import { createHash } from 'node:crypto'
import { EngineError, assert } from '../engine/index.ts'

/** What an attempt puts into a last name, and the extension behind it; a dot file has none. */
const TAGGED = /\.r\d+-\d+(?:\.[^.]*)?$/
/** A folder of a name that may read like a tagged last name; two more extensions end that. */
const LIKE_TAGGED = /\.r\d+-\d+(?:\.|$)/
const ATTEMPT = /^@(r\d+-\d+)$/
const MANIFEST = /^(.+)\/_manifest\/(\d{10})\.json$/
/** Servers over a file system take no longer name. */
const LAST_NAME_BYTES_MAX = 255
/** An S3 key is at most 1,024 bytes, the store's own prefix included. */
const KEY_BYTES_MAX = 1024

/** Refuses a path that leaves the store, or holds what a listing cannot carry. */
export function insideStore(path: string): string {
  if (/(^|\/)\.{0,2}(\/|$)|[\0-\x1f\x7f]/.test(path) || Buffer.byteLength(path) > KEY_BYTES_MAX) {
    throw new EngineError('PATH_INVALID', { dimension: 'path', length: path.length })
  }
  return path
}

/** An attempt's folder, which exists as a name only: `{published path}/@r12-3`. */
export const attemptFolder = (path: string, attempt: string): string => {
  insideStore(path)
  assert(ATTEMPT.test(attempt), 'an attempt is named @r{run}-{count}')
  const isLikeAKey = path.split('/').some((folder) => TAGGED.test(folder) || folder === '_manifest')
  assert(!isLikeAKey, 'a published path has no folder that reads like a part or a manifest')
  return `${path}/${attempt}`
}

/** The key of a part of an attempt. One to one for the names of one attempt. */
export function partKey(folder: string, name: string): string {
  const cut = folder.lastIndexOf('/')
  const [, tag] = ATTEMPT.exec(folder.slice(cut + 1)) ?? []
  assert(tag !== undefined, 'parts are staged in the folder of an attempt')
  const folders = insideStore(name).split('/')
  const last = folders.pop() ?? ''
  const own = folders.map((one) => (LIKE_TAGGED.test(one) ? `${one}.d.d` : one))
  return insideStore([folder.slice(0, cut), ...own, tagged(last, `.${tag}`)].join('/'))
}

function tagged(last: string, tag: string): string {
  const dot = last.lastIndexOf('.')
  const [stem, extension] = dot > 0 ? [last.slice(0, dot), last.slice(dot)] : [last, '']
  const name = `${stem}${tag}${extension}`
  if (Buffer.byteLength(name) <= LAST_NAME_BYTES_MAX) return name
  // What is cut off lives on in the digest, so two long names stay two. An extension this long is
  // none that a reader looks for.
  const digest = createHash('sha256').update(last).digest('hex').slice(0, 32)
  const short = Buffer.byteLength(extension) <= 32 ? extension : ''
  return `${cutTo(stem, 120)}~${digest}${tag}${short}`
}

/** The longest start of a text of at most so many bytes. */
function cutTo(text: string, bytesMax: number): string {
  let kept = ''
  let sizeBytes = 0
  for (const letter of text) {
    sizeBytes += Buffer.byteLength(letter)
    if (sizeBytes > bytesMax) break
    kept += letter
  }
  return kept
}

/** Whether a key is a part's: what a sweeper may look at. */
export const isPartKey = (key: string): boolean => TAGGED.test(key.slice(key.lastIndexOf('/') + 1))

/** The folder of a published path's manifests, with its closing slash. */
export const manifestFolder = (path: string): string => `${insideStore(path)}/_manifest/`

/** The key of a numbered manifest. */
export const manifestKey = (path: string, number: number): string =>
  `${manifestFolder(path)}${String(number).padStart(10, '0')}.json`

/** What a manifest's key names; undefined: it is none's. */
export const manifestOf = (
  key: string,
): { readonly path: string; readonly number: number } | undefined => {
  const [, path, number] = MANIFEST.exec(key) ?? []
  return path === undefined ? undefined : { path, number: Number(number) }
}
