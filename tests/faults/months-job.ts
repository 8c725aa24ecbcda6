/** Two published months that follow one fact: each version has three parts that all name it. */
import type { AssetDefinition } from '../../engine/index.ts'
import { byKey, defineAsset } from '../../engine/index.ts'
import type { EngineProject } from '../support/engine-project.ts'
import { engineProjectAt } from '../support/engine-project.ts'
import { placeOf } from './engine-job.ts'

export const MONTHS = ['2024-01', '2024-02'] as const
export const PART_NAMES = ['a', 'b', 'c'] as const
export const pathOf = (month: string): string => `month/${month}`

export const monthsJob: readonly AssetDefinition[] = [
  defineAsset({ kind: 'fact', name: 'edition', dimensions: ['one'] }),
  defineAsset({
    kind: 'stored',
    name: 'month',
    dimensions: ['m'],
    recipe: '1',
    from: { edition: byKey(() => MONTHS.map((month) => [month])) },
    publish: ([month = '']) => ({ path: pathOf(month), mode: 'folder' }),
    build: ({ inputs }) => {
      const bytes = String(inputs.one('edition').value)
      return { parts: PART_NAMES.map((name) => ({ name, from: { bytes } })), value: bytes }
    },
  }),
]

/** Opens the job in a folder; on PostgreSQL and S3 where its place file says so. */
export const openMonths = async (
  root: string,
  catalog: { readonly url?: string; readonly poolSize?: number } = {},
): Promise<EngineProject> =>
  engineProjectAt(root, { assets: monthsJob, ...catalog, ...placeOf(root) })
