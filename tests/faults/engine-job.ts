/**
 * The job that engine kills are tried on: outputs, parts, copies, retirements and removals at once,
 * in two states. One version is kept, so that every commit also removes something.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { AssetDefinition } from '../../engine/index.ts'
import { byKey, defineAsset, sameKey } from '../../engine/index.ts'
import { library } from '../support/engine-assets.ts'
import type { EngineProject, Facts, ServicesPlace } from '../support/engine-project.ts'
import { engineProjectAt } from '../support/engine-project.ts'

/** One build writes many keys: a file of `{ month: text }`. */
const months: readonly AssetDefinition[] = [
  defineAsset({ kind: 'fact', name: 'file', dimensions: ['f'] }),
  defineAsset({
    kind: 'stored',
    name: 'parse',
    dimensions: ['f'],
    recipe: '1',
    from: { file: sameKey },
    outputs: ['month'],
    build: ({ inputs }) => ({
      parts: [],
      value: Object.keys(inputs.one('file').value as object).length,
      outputs: Object.entries(inputs.one('file').value as Readonly<Record<string, string>>).map(
        ([month, bytes]) => ({
          asset: 'month',
          key: [...inputs.key, month],
          parts: [{ name: 'rows', from: { bytes } }],
          value: bytes,
        }),
      ),
    }),
  }),
  defineAsset({
    kind: 'output',
    name: 'month',
    dimensions: ['f', 'm'],
    publish: ([f, m]) => ({ path: `month/${f}/${m}`, mode: 'folder' }),
  }),
  defineAsset({
    kind: 'stored',
    name: 'total',
    dimensions: ['m'],
    recipe: '1',
    from: { month: byKey(([, m = '']) => [[m]]) },
    publish: ([m]) => ({ path: `total/${m}`, mode: 'folder' }),
    build: ({ inputs }) => {
      const bytes = inputs
        .of('month')
        .map((slot) => String(slot.value))
        .join('+')
      return { parts: [{ name: 'total', from: { bytes } }], value: bytes }
    },
  }),
]

export const BEFORE: Facts = {
  'word/1': { text: 'one', shelves: ['a'] },
  'word/2': { text: 'two', shelves: ['a', 'b'] },
  'word/3': { text: 'three', shelves: ['b'] },
  'word/4': { text: 'four', shelves: ['c'] },
  'file/x': { jan: 'a', feb: 'b' },
  'file/y': { jan: 'c' },
}
/** Changed, moved, removed and new ones of everything. */
export const AFTER: Facts = {
  'word/1': { text: 'eins', shelves: ['b'] },
  'word/2': { text: 'two', shelves: ['b'] },
  'word/3': { text: 'drei', shelves: ['b', 'd'] },
  'word/4': undefined,
  'file/x': { feb: 'bb', mar: 'd' },
  'file/y': undefined,
  'setting/2': 'second',
}

/** The library, and builds that write many keys. */
export const jobAssets: readonly AssetDefinition[] = [...library, ...months]

/** A folder with a file of this name is a project on servers. */
export const PLACE_FILE = 'place.json'

/** A folder with a file of this name has its catalog at the URL in it. */
export const URL_FILE = 'catalog.url'

/** Where a folder's project lies, if it is on servers. */
export function placeOf(root: string): {
  readonly services?: ServicesPlace
  readonly url?: string
} {
  const read = (name: string): string | undefined =>
    existsSync(join(root, name)) ? readFileSync(join(root, name), 'utf8') : undefined
  const services = read(PLACE_FILE)
  const url = read(URL_FILE)
  return {
    ...(services !== undefined && { services: JSON.parse(services) as ServicesPlace }),
    ...(url !== undefined && { url }),
  }
}

/** Opens the job in a folder; on PostgreSQL and S3 where its place file says so. */
export const openJob = async (
  root: string,
  { durable = false }: { readonly durable?: boolean } = {},
): Promise<EngineProject> =>
  engineProjectAt(root, { assets: jobAssets, retainedVersions: 1, durable, ...placeOf(root) })
