/** Partitions as people name them: `raw/acme/x`, `raw[acme/x]`, `raw[submitter_id=acme,…]`. */
import { EngineError } from '../core/errors.ts'
import type { AssetGraph } from '../core/graph.ts'
import type { NodeName } from '../core/key.ts'
import { formatKey, parseKey } from '../core/key.ts'

const BRACKETS = /^([a-z][a-z0-9_]*)\[(.*)\]$/

/** The node a text names. Throws ASSET_UNKNOWN, NODE_UNKNOWN when a dimension is missing. */
export function parseNode(graph: AssetGraph, text: string): NodeName {
  const [, bracketAsset, inside = ''] = BRACKETS.exec(text) ?? []
  const cut = text.indexOf('/')
  const asset = bracketAsset ?? (cut < 0 ? text : text.slice(0, cut))
  const definition = graph.assets.get(asset)
  if (definition === undefined) {
    throw new EngineError('ASSET_UNKNOWN', { asset, known: [...graph.assets.keys()] })
  }
  const path = bracketAsset === undefined ? text.slice(cut + 1) : inside
  const values = inside.includes('=')
    ? namedValues(inside, definition.dimensions)
    : parseKey(bracketAsset === undefined && cut < 0 ? '' : path)
  if (values.length !== definition.dimensions.length || values.includes('')) {
    const form = definition.dimensions.join('/')
    throw new EngineError('NODE_UNKNOWN', { node: `${text}: name it as ${asset}/${form}` })
  }
  return { asset, key: formatKey(values) }
}

function namedValues(inside: string, dimensions: readonly string[]): readonly string[] {
  const given = new Map(
    inside.split(',').map((pair) => {
      const at = pair.indexOf('=')
      return [pair.slice(0, at).trim(), pair.slice(at + 1).trim()]
    }),
  )
  return dimensions.map((name) => given.get(name) ?? '')
}

/** A node as an argument to type again: `raw/acme/x`. */
export const nodePath = ({ asset, key }: NodeName): string => `${asset}/${key}`

/** A node's key as an object, by dimension: how `--json` writes partitions. */
export function partitionOf(graph: AssetGraph, { asset, key }: NodeName): Record<string, string> {
  const values = parseKey(key)
  const dimensions = graph.assets.get(asset)?.dimensions ?? ['key']
  return Object.fromEntries(dimensions.map((name, at) => [name, values[at] ?? '']))
}

/** The inverse of nodeText: `raw[acme/x]`. */
export function nodeOfText(text: string): NodeName | undefined {
  const [, asset, key] = BRACKETS.exec(text) ?? []
  return asset === undefined || key === undefined ? undefined : { asset, key }
}

/** A selection of exactly these nodes. */
export const selectionOf = (nodes: readonly NodeName[], suffix: '' | '+' = ''): string =>
  nodes.map((node) => `${nodePath(node)}${suffix}`).join(' or ')
