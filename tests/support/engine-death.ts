/** Runs that die: after some failpoint nothing of the process reaches catalog or store. */
import { installFailpoints } from '../../engine/index.ts'
import type { EngineProject } from './engine-project.ts'

/** Runs until the given failpoint hit; a run that has fewer ends as any other. */
export async function runUntilDeath(
  at: EngineProject,
  hit: number,
  {
    selection,
    options,
  }: { readonly selection: string; readonly options: Parameters<EngineProject['run']>[1] },
): Promise<void> {
  let left = hit
  let isDead = false
  const mortal = <Part extends object>(part: Part): Part =>
    new Proxy(part, {
      get: (target, name, receiver) => {
        const member: unknown = Reflect.get(target, name, receiver)
        if (typeof member !== 'function') return member
        return (...given: unknown[]) => {
          if (isDead) throw new Error('dead')
          return Reflect.apply(member, target, given) as unknown
        }
      },
    })
  installFailpoints(() => {
    if (--left <= 0) isDead = true
    if (isDead) throw new Error('dead')
  })
  const { project } = at
  try {
    const dying = { ...project, catalog: mortal(project.catalog), store: mortal(project.store) }
    await at.runOn(dying, selection, options)
  } catch (error) {
    if (!isDead) throw error
  } finally {
    installFailpoints(undefined)
  }
}
