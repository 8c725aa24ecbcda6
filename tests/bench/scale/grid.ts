/**
 * The large graph: file types × states × months, seven deliveries of each month.
 *
 *     delivery[type, version] ──▶ silver[type, version, state, month] ──▶ canonical[type, state, month]
 *                                             mapping[type] ──reads──┘     (of the newest version)
 *
 * With 20 types, 52 states and 120 months that is 998,400 stored partitions over 160 source files,
 * and one mapping is read by 6,240 of them.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type {
  AssetDefinition,
  BuildContext,
  BuildResult,
  Json,
  Key,
  Project,
} from '../../../engine/index.ts'
import {
  buildGraph,
  byKey,
  byValue,
  defineAsset,
  fileFacts,
  openCatalog,
  systemClock,
} from '../../../engine/index.ts'
import { MIGRATIONS } from '../../../migrations/index.ts'
import { openLocalStore } from '../../../minio/local-store.ts'

/** How large a grid is. Partitions: types × (versions + 1) × states × months. */
export interface GridSize {
  readonly types: number
  /** deliveries of each month; the last one feeds canonical */
  readonly versions: number
  readonly states: number
  readonly months: number
}

const SEVEN = { types: 20, versions: 7 }
/** Sizes by the number of partitions they are about. */
export const GRIDS = {
  160: { types: 2, versions: 1, states: 4, months: 10 },
  10_000: { ...SEVEN, states: 7, months: 9 },
  100_000: { ...SEVEN, states: 25, months: 25 },
  1_000_000: { ...SEVEN, states: 52, months: 120 },
} as const satisfies Readonly<Record<number, GridSize>>
export type GridName = keyof typeof GRIDS

export const partitionsOf = ({ types, versions, states, months }: GridSize): number =>
  types * (versions + 1) * states * months

/** The type whose mapping the benchmark edits. */
export const EDITED = 't1'

const places = (states: number, months: number): readonly (readonly [string, string])[] =>
  Array.from({ length: states * months }, (_, at) => [
    `s${Math.floor(at / months)}`,
    `m${at % months}`,
  ])

/** A build whose bytes say what it read. */
const tiny = ({ inputs: { slots } }: BuildContext): BuildResult => {
  const bytes = JSON.stringify(slots.map((slot) => slot.contentId))
  return { parts: [{ name: 'part.json', from: { bytes } }] }
}

/** Where readers find a partition. */
export const publishedPath = (asset: string, key: string): string => `${asset}/${key}`

/** The assets. `empty` leaves the partitions to a bulk load: no parent gives any key. */
export function gridAssets({ versions }: GridSize, empty = false): readonly AssetDefinition[] {
  const publish = (asset: string) => (key: Key) =>
    ({ path: publishedPath(asset, key.join('/')), mode: 'folder' }) as const
  return [
    defineAsset({ kind: 'fact', name: 'delivery', dimensions: ['file_type', 'version'] }),
    defineAsset({ kind: 'fact', name: 'mapping', dimensions: ['file_type'] }),
    defineAsset({
      kind: 'stored',
      name: 'silver',
      dimensions: ['file_type', 'version', 'state', 'month'],
      recipe: '1',
      from: {
        delivery: byValue(([type = '', version = ''], value) => {
          if (empty) return []
          const { states, months } = value as { readonly states: number; readonly months: number }
          return places(states, months).map(([state, month]) => [type, version, state, month])
        }),
      },
      publish: publish('silver'),
      build: tiny,
    }),
    defineAsset({
      kind: 'stored',
      name: 'canonical',
      dimensions: ['file_type', 'state', 'month'],
      recipe: '1',
      from: {
        silver: byKey(([type = '', version = '', state = '', month = '']) =>
          version === `v${versions - 1}` ? [[type, state, month]] : [],
        ),
      },
      reads: { assets: ['mapping'], nodes: ([type = '']) => [{ asset: 'mapping', key: type }] },
      publish: publish('canonical'),
      build: tiny,
    }),
  ]
}

/** Writes the source files: deliveries that say what they hold, and one mapping a type. */
export function writeGridSources(
  root: string,
  { types, versions, states, months }: GridSize,
): void {
  for (const folder of ['deliveries', 'mappings', 'state']) {
    mkdirSync(join(root, folder), { recursive: true })
  }
  const delivery = JSON.stringify({ states, months })
  for (let type = 0; type < types; type++) {
    for (let version = 0; version < versions; version++) {
      writeFileSync(join(root, 'deliveries', `t${type}.v${version}.json`), delivery)
    }
    writeMapping(root, `t${type}`, 0)
  }
}

/** Twenty rules a mapping; a revision changes one of them. */
export function writeMapping(root: string, type: string, revision: number): void {
  const rules: Record<string, string> = {}
  for (let column = 0; column < 20; column++) rules[`c${column}`] = `upper(source_${column})`
  if (revision > 0) rules['c7'] = `lower(source_7) -- ${revision}`
  writeFileSync(join(root, 'mappings', `${type}.json`), JSON.stringify({ type, rules }, null, 1))
}

const keyOf = (name: string): Key | undefined =>
  name.endsWith('.json') ? name.slice(0, -5).split('.') : undefined

export interface GridOptions {
  readonly root: string
  readonly size: GridSize
  /** a PostgreSQL URL; default: SQLite in the root */
  readonly url?: string | undefined
  readonly empty?: boolean
}

/** Opens the grid's project over a folder with its sources. */
export async function openGrid({ root, size, url, empty = false }: GridOptions): Promise<Project> {
  const value = (text: string): Json => JSON.parse(text) as Json
  return {
    graph: buildGraph(gridAssets(size, empty)),
    catalog: await openCatalog({
      url: url ?? join(root, 'state', 'catalog.db'),
      migrations: MIGRATIONS,
    }),
    store: openLocalStore({ root: join(root, 'state', 'store') }),
    clock: systemClock,
    observers: [
      fileFacts({ asset: 'delivery', folder: join(root, 'deliveries'), key: keyOf, value }),
      fileFacts({ asset: 'mapping', folder: join(root, 'mappings'), key: keyOf, value }),
    ],
    hooks: {},
    scratchRoot: join(root, 'state', 'scratch'),
    retainedVersions: 3,
  }
}
