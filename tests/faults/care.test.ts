/** F1 for the care of a store: whatever fails on the way, the next call ends it. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import {
  backUp,
  fsck,
  makePlan,
  openCatalog,
  projectJournal,
  repairStore,
  restore,
} from '../../engine/index.ts'
import { openBackupPlace } from '../../minio/backup-place.ts'
import { MIGRATIONS } from '../../migrations/index.ts'
import type { RoadProject } from '../support/project.ts'
import { flipByte, removePart } from '../verify/damage.ts'
import { soundRoad, verdictOn } from '../verify/verified-road.ts'
import { countFault } from './support/count.ts'
import { sweptBy } from './support/failpoint-names.ts'
import { installFaults } from './support/fault-plan.ts'

let road: RoadProject
beforeAll(async () => {
  road = await soundRoad()
})
afterAll(async () => road[Symbol.asyncDispose]())
afterEach(() => installFaults('').remove())

const ACTOR = { name: 'test', reason: 'a test' }
const named = (family: string): readonly string[] =>
  sweptBy('care.test.ts').filter((name) => name.startsWith(`${family}.`))

test.each(named('fsck'))(
  'an error at %s: a second repair mends what the first left',
  async (name) => {
    await using clone = await road.clone()
    await flipByte(clone, 'gold_canonical')
    await removePart(clone, 'silver')
    const { injected, remove } = installFaults(`${name}=error:EIO@1`)
    await expect(repairStore(clone.project, { actor: ACTOR })).rejects.toThrow('injected')
    remove()
    countFault('F1', injected[name] ?? 0)
    await repairStore(clone.project, { actor: ACTOR })
    expect((await clone.run()).report.failures).toEqual([])
    expect((await fsck(clone.project)).faults).toEqual([])
    expect((await verdictOn(clone, { deep: true })).broken).toEqual([])
  },
)

test.each(named('journal'))(
  'an error at %s: the decision stands, and the store is told by the next call',
  async (name) => {
    await using clone = await road.clone()
    const { submission_id: submission } = await clone.submission('beta/february')
    const { injected, remove } = installFaults(`${name}=error:EIO@1`)
    await expect(clone.decide({ kind: 'withdraw', submission })).rejects.toThrow('injected')
    remove()
    countFault('F1', injected[name] ?? 0)
    expect((await clone.submission('beta/february')).status).toBe('WITHDRAWN')
    expect(await projectJournal(clone.project)).toBe(1)
    expect(await projectJournal(clone.project)).toBe(0)
  },
)

test.each([...named('backup'), ...named('restore')])(
  'an error at %s: the same command again does all of it',
  async (name) => {
    await using clone = await road.clone()
    const s3 = { endpoint: undefined, region: 'none', credentials: undefined }
    const place = await openBackupPlace(clone.path('backup'), s3)
    const url = clone.path('new.db')
    const catalog = await openCatalog({ url, migrations: MIGRATIONS })
    const project = { ...clone.project, catalog }
    const backup = async (): Promise<unknown> =>
      backUp(clone.project, place, { actor: ACTOR, withParts: true })
    const again = async (): Promise<unknown> => restore(project, place, { actor: ACTOR })
    const isRestore = name.startsWith('restore.')
    if (isRestore) await backup()
    const { injected, remove } = installFaults(`${name}=error:EIO@1`)
    await expect(isRestore ? again() : backup()).rejects.toThrow('injected')
    remove()
    countFault('F1', injected[name] ?? 0)
    if (!isRestore) await backup()
    await again()
    expect((await makePlan(project, { actor: ACTOR })).steps).toEqual([])
    expect((await fsck(project)).faults).toEqual([])
    await catalog.close()
  },
)
