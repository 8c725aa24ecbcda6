/** A sensor that writes one audit row a number: the smallest thing that must be done exactly once. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { defineAsset, insertAudit, tickSensor } from '../../engine/index.ts'
import type { Sensor, Ticked } from '../../engine/index.ts'
import type { EngineProject } from '../support/engine-project.ts'
import { engineProjectAt } from '../support/engine-project.ts'

const nothing = defineAsset({ kind: 'fact', name: 'nothing', dimensions: ['key'] })

/** Acts whenever the number in FOLDER/wanted is another than the last one. */
const numberSensor = (folder: string): Sensor => ({
  name: 'numbers',
  summary: 'a number in a file',
  timing: { everyMs: 1000 },
  look: async ({ cursor }) => {
    const file = join(folder, 'wanted')
    const wanted = existsSync(file) ? readFileSync(file, 'utf8') : undefined
    if (wanted === undefined || wanted === cursor) return { kind: 'skip', why: 'no new number' }
    return {
      kind: 'act',
      why: `the number ${wanted}`,
      cursor: wanted,
      act: async ({ commit, run, actor, nowMs }) =>
        commit(async (trx) => {
          const entry = { atMs: nowMs, actor, action: 'launched', subject: wanted, run }
          await insertAudit(trx, entry)
          return `wrote ${wanted}`
        }),
    }
  },
})

export const openSensorJob = async (folder: string): Promise<EngineProject> =>
  engineProjectAt(folder, { assets: [nothing] })

export const tickNumbers = async ({ project, root }: EngineProject): Promise<Ticked> =>
  tickSensor(project, numberSensor(root), { sinceMs: 0, signal: new AbortController().signal })
