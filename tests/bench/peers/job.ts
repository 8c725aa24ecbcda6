/**
 * The peers' job on the bare engine: N sources → silver → gold → fan-in of ten, with a sliced
 * mapping. The same job and bytes as what ninja, make and Dagster build beside it.
 */
import { appendFileSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { openLocalStore } from '../../../minio/local-store.ts'
import { MIGRATIONS } from '../../../migrations/index.ts'
import type { AssetDefinition, BuildContext, Json, Project } from '../../../engine/index.ts'
import {
  buildGraph,
  byKey,
  defineAsset,
  fileFacts,
  openCatalog,
  sameKey,
  systemClock,
} from '../../../engine/index.ts'

const MAPPINGS = 20

interface Source {
  readonly id: number
  readonly code: string
  readonly values: readonly number[]
}
type Gold = Source & { readonly total: number }

/**
 * The five assets. Every build appends to exec.log: an independent count of what was executed.
 * `empty` leaves the nodes to a bulk load: no parent gives any key.
 */
export function peersAssets(root: string, empty = false): readonly AssetDefinition[] {
  const log = join(root, 'exec.log')
  const executed = ({ node }: BuildContext): void =>
    appendFileSync(log, `${node.asset} ${node.key}\n`)
  const text = async (context: BuildContext, asset: string, key: string): Promise<string> => {
    const [part] = await context.read({ asset, key })
    return part === undefined ? '' : readFileSync(part.path, 'utf8')
  }
  const part = (name: string, bytes: string) => ({ parts: [{ name, from: { bytes } }] })
  return [
    defineAsset({ kind: 'fact', name: 'source', dimensions: ['i'] }),
    defineAsset({ kind: 'fact', name: 'mapping', dimensions: ['k'] }),
    defineAsset({
      kind: 'stored',
      name: 'silver',
      dimensions: ['i'],
      recipe: '1',
      from: { source: empty ? byKey(() => []) : sameKey },
      publish: ([i]) => ({ path: `silver/${i}`, mode: 'folder' }),
      build: (context) => {
        executed(context)
        const [i = ''] = context.inputs.key
        const source = JSON.parse(readFileSync(join(root, 'src', `${i}.json`), 'utf8')) as Source
        return part('part.json', JSON.stringify(source))
      },
    }),
    defineAsset({
      kind: 'stored',
      name: 'gold',
      dimensions: ['i'],
      recipe: '1',
      from: { silver: sameKey },
      publish: ([i]) => ({ path: `gold/${i}`, mode: 'folder' }),
      build: async (context) => {
        executed(context)
        const [i = ''] = context.inputs.key
        const source = JSON.parse(await text(context, 'silver', i)) as Source
        const total = source.values.reduce((sum, value) => sum + value, 0)
        return part('part.json', JSON.stringify({ total, ...source }))
      },
    }),
    defineAsset({
      kind: 'stored',
      name: 'canonical',
      dimensions: ['m'],
      recipe: '1',
      from: { gold: byKey(([i]) => [[String(Math.floor(Number(i) / 10))]]) },
      reads: {
        assets: ['mapping'],
        nodes: ([m]) => [{ asset: 'mapping', key: String(Number(m) % MAPPINGS) }],
      },
      publish: ([m]) => ({ path: `canonical/${m}`, mode: 'folder' }),
      build: async (context) => {
        executed(context)
        const [m = ''] = context.inputs.key
        const rules = context.inputs.one('mapping').value as Record<string, string>
        const golds = await Promise.all(
          context.inputs
            .of('gold')
            .map(async (slot) => JSON.parse(await text(context, 'gold', slot.key)) as Gold),
        )
        const rows = golds
          .toSorted((a, b) => a.id - b.id)
          .map((gold) => [gold.id, gold.code, rules[gold.code] ?? '', gold.total])
        return part('part.json', JSON.stringify({ m: Number(m), rows }))
      },
    }),
  ]
}

/** The cheapest build there is: a pure function of one fact, kept in the catalog. */
const valueAssets = (): readonly AssetDefinition[] => [
  defineAsset({ kind: 'fact', name: 'source', dimensions: ['i'] }),
  defineAsset({
    kind: 'value',
    name: 'total',
    dimensions: ['i'],
    recipe: '1',
    from: { source: sameKey },
    evaluate: ({ one }) => {
      const { id, values } = one('source').value as {
        readonly id: number
        readonly values: number[]
      }
      return { id, total: values.reduce((sum, value) => sum + value, 0) }
    },
  }),
]

/** The whole job, its facts only, its sources with one value node each, or those sources alone. */
export type PeersJob = 'job' | 'empty-job' | 'values' | 'facts'

const assetsOf = (root: string, job: PeersJob): readonly AssetDefinition[] => {
  if (job === 'job' || job === 'empty-job') return peersAssets(root, job === 'empty-job')
  return job === 'values' ? valueAssets() : valueAssets().filter((asset) => asset.kind === 'fact')
}

const fileKey = (name: string): readonly string[] | undefined =>
  name.endsWith('.json') ? [name.slice(0, -5)] : undefined

export interface PeersOptions {
  readonly root: string
  /** a PostgreSQL URL; default: SQLite in the root */
  readonly url?: string
  readonly durable?: boolean
  readonly job?: PeersJob
}

/** Opens the job's project over a folder made by generate(). */
export async function openPeers({
  root,
  url,
  durable = true,
  job = 'job',
}: PeersOptions): Promise<Project> {
  mkdirSync(join(root, 'state'), { recursive: true })
  const source = { asset: 'source', folder: join(root, 'src'), key: fileKey }
  const mapping = fileFacts({
    asset: 'mapping',
    folder: join(root, 'mapping'),
    key: fileKey,
    value: (text) => (JSON.parse(text) as { readonly rules: Json }).rules,
  })
  return {
    graph: buildGraph(assetsOf(root, job)),
    catalog: await openCatalog({
      url: url ?? join(root, 'state', 'catalog.db'),
      migrations: MIGRATIONS,
    }),
    store: openLocalStore({ root: join(root, 'state', 'store'), durable }),
    clock: systemClock,
    observers:
      job === 'job' || job === 'empty-job'
        ? [fileFacts(source), mapping]
        : [fileFacts({ ...source, value: (text) => JSON.parse(text) as Json })],
    hooks: {},
    scratchRoot: join(root, 'state', 'scratch'),
    retainedVersions: 3,
  }
}
