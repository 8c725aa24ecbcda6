/**
 * Keys: which partition of an asset.
 *
 * A key is one text value per dimension the asset declares, in that order. Its text form joins
 * the values by `/`, each percent-encoded where needed, so that `format(parse(text)) === text`
 * and keys sort by their leading dimensions. A node is an asset and a key.
 */
import { EngineError } from './errors.ts'

/** One value per declared dimension, in order. */
export type Key = readonly string[]

/** A node of the graph: an asset's partition, its key in text form. */
export interface NodeName {
  readonly asset: string
  readonly key: string
}

const KEY_BYTES_MAX = 512
/** Stands as it is. Keys become paths, where `.` and `..` would be places of their own. */
const PLAIN = /^(?!\.{1,2}$)[A-Za-z0-9_.~-]+$/

const encode = (value: string): string =>
  PLAIN.test(value)
    ? value
    : encodeURIComponent(value).replace(/[!'()*]|^\.{1,2}$/g, (marks) =>
        marks.replaceAll(/./g, percent),
      )

const percent = (mark: string): string =>
  `%${mark.codePointAt(0)?.toString(16).toUpperCase().padStart(2, '0')}`

/** A key's text form. Throws KEY_INVALID on an empty or broken value or a text over 512 bytes. */
export function formatKey(key: Key): string {
  const isSound = key.every((value) => value !== '' && value.isWellFormed())
  const text = isSound ? key.map(encode).join('/') : ''
  if (!isSound || text.length > KEY_BYTES_MAX) {
    throw new EngineError('KEY_INVALID', { length: text.length, dimensions: key.length })
  }
  return text
}

/** The values of a key's text form. The inverse of formatKey; of any other text, no node's key. */
export function parseKey(text: string): Key {
  if (text === '') return []
  return text.includes('%') ? text.split('/').map(decode) : text.split('/')
}

/** A person may type anything: what is no encoding stands for itself. */
function decode(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch (error) {
    if (error instanceof URIError) return part
    throw error
  }
}

/** A node as people read and type it: `gold_canonical[MA/medical/2024-03]`. */
export const nodeText = ({ asset, key }: NodeName): string => `${asset}[${key}]`

/** A node with its dimensions named: `gold_canonical[state=MA,file_type=medical]`. */
export function nodeTextNamed(node: NodeName, dimensions: readonly string[]): string {
  const values = parseKey(node.key)
  return `${node.asset}[${dimensions.map((name, at) => `${name}=${values[at] ?? ''}`).join(',')}]`
}

/** Orders text by code unit, as SQLite's BINARY and PostgreSQL's "C" collation do. */
export const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
