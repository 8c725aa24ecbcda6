/** The engine's job before a disturbed run, and what must hold after the run that follows one. */
import { cpSync, globSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'vitest'
import { auditTrace } from '../../../engine/catalog/trace-audit.ts'
import { loadDefinitions } from '../../../engine/index.ts'
import type { EngineProject } from '../../support/engine-project.ts'
import { orphans, presentNodes, storeOffences } from '../../support/engine-state.ts'
import { AFTER, BEFORE, openJob } from '../engine-job.ts'

export class EngineWhole implements Disposable {
  readonly #folder: string
  #clean: ReadonlyMap<string, string> = new Map()
  #copies = 0

  private constructor(folder: string) {
    this.#folder = folder
  }

  /** Builds the job's first state, and its second one undisturbed in a copy. */
  static async create(): Promise<EngineWhole> {
    const whole = new EngineWhole(mkdtempSync(join(tmpdir(), 'tributary-fault-')))
    const before = await openJob(join(whole.#folder, 'before'))
    await before.run('*', { facts: BEFORE })
    await before.close()
    const root = whole.copy()
    const job = await openJob(root)
    await job.run('*', { facts: AFTER })
    whole.#clean = await contents(job)
    expect(await storeOffences(job.project, { root })).toEqual([])
    await job.close()
    return whole
  }

  /** A copy of the first state. */
  copy(): string {
    const root = join(this.#folder, String((this.#copies += 1)))
    cpSync(join(this.#folder, 'before'), root, { recursive: true, verbatimSymlinks: true })
    return root
  }

  /** The next run ends what is left, and everything is as if nothing had happened. */
  async expectAfterNextRun(root: string, opened?: EngineProject): Promise<void> {
    const job = opened ?? (await openJob(root))
    try {
      await job.run('*', { facts: AFTER })
      await this.expectWhole(job, root)
      expect((await job.plan()).steps).toEqual([])
      expect((await job.run()).run).toBe(undefined)
    } finally {
      await job.close()
    }
    rmSync(root, { recursive: true, force: true })
  }

  /** See expectWhole below. */
  async expectWhole(job: EngineProject, root: string): Promise<void> {
    await expectWhole(job, { root, clean: this.#clean })
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

export const contents = async ({ project }: EngineProject): Promise<ReadonlyMap<string, string>> =>
  new Map(
    [...(await presentNodes(project.catalog))].map(([node, { contentId }]) => [node, contentId]),
  )

/** The contents of the undisturbed run, readers that see them, and nothing left about. */
export async function expectWhole(
  job: EngineProject,
  { root, clean }: { readonly root: string; readonly clean: ReadonlyMap<string, string> },
): Promise<void> {
  const { project } = job
  expect(await contents(job)).toEqual(clean)
  expect(await storeOffences(project, { root })).toEqual([])
  expect(await orphans(project)).toEqual([])
  expect(globSync('store/**/*.{tmp,tributary-tmp}', { cwd: root })).toEqual([])
  const { db, dialect } = project.catalog
  expect(await db.selectFrom('intent').selectAll().execute()).toEqual([])
  expect(await db.selectFrom('run').select('id').where('status', '=', 'running').execute()).toEqual(
    [],
  )
  const snapshot = { db, dialect }
  const audit = await auditTrace(snapshot, await loadDefinitions(project.graph, snapshot, false))
  expect(audit.faults).toEqual([])
}
