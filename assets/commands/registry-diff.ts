/** `registry diff` and `registry sync`: what the files change, and what that touches. */
import type { CommandCall, Project } from '../../engine/index.ts'
import { EXIT, alignColumns, flagOption, materialize, textOption } from '../../engine/index.ts'
import type { RegistryChange } from '../../registry/diff.ts'
import { diffRegistries } from '../../registry/diff.ts'
import { readFolder, storedRegistry } from '../registry-sync.ts'
import { nextPlan, nextPlanJson, nextPlanText } from './next-plan.ts'
import type { NextPlan } from './next-plan.ts'
import type { OpenedPlatform } from './opened.ts'

type Call = CommandCall<OpenedPlatform>

/** Runs `registry diff`. */
export async function runDiff(call: Call): Promise<number> {
  const { changes, next, concurrency } = await compare(call)
  show(call, { changes, next, concurrency, title: 'would change' })
  return EXIT.done
}

/** Runs `registry sync`: the planning transaction of a run that builds nothing is kept. */
export async function runSync(call: Call): Promise<number> {
  const compared = await compare(call)
  if (compared.changes.length > 0) {
    await materialize(compared.next.project, {
      actor: { name: call.actor, reason: textOption(call, 'reason') ?? '' },
      command: 'registry sync',
      selection: NOTHING,
      concurrency: 1,
    })
  }
  show(call, { ...compared, title: 'changed' })
  return EXIT.done
}

const NOTHING = 'not *'

interface Compared {
  readonly changes: readonly RegistryChange[]
  readonly next: NextPlan
  readonly concurrency: number
}

async function compare(call: Call): Promise<Compared> {
  const allowBlocked = flagOption(call, 'allowBlocked')
  const { project, platform, concurrency } = await call.open({ allowBlocked })
  const before = await storedRegistry(project.catalog.db)
  const changes = diffRegistries(before, await readFolder(platform.config.root))
  // Only the registry is looked at: what lies in the inbox has nothing to do with this question.
  const observers = project.observers.filter(({ name }) => name === 'registry')
  const next = await nextPlan(call, { ...project, observers } satisfies Project)
  return { changes, next, concurrency }
}

function show(
  call: Call,
  { changes, next, concurrency, title }: Compared & { readonly title: string },
): void {
  const { terminal } = call
  if (call.json) {
    terminal.printJson({ format_version: '1.0', changes, plan: nextPlanJson(next) })
    return
  }
  if (changes.length === 0) {
    terminal.print('The registry is as the catalog has it')
    return
  }
  const { green, red, yellow } = terminal.out
  const marks = {
    added: green('+ added'),
    changed: yellow('~ changed'),
    removed: red('- no longer there'),
  }
  const rows = changes.map(({ kind, what, id, pointers, slices }) => [
    `  ${marks[kind]}`,
    what,
    id,
    kind === 'changed' && slices.length === 0 ? 'no build can notice' : slices.join(' '),
    pointers.join(' '),
  ])
  terminal.print(`Registry ${title}:`)
  terminal.print(alignColumns(['', '', '', '', ''], rows).join('\n'))
  terminal.print(`\n${nextPlanText(call, next, concurrency)}`)
}
