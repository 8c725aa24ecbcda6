/** The project as it would be with registry files replaced: `plan --what-if`. */
import { readFile } from 'node:fs/promises'
import type { Project } from '../../engine/index.ts'
import { EngineError, frameDigest } from '../../engine/index.ts'
import { FACT_DIMENSIONS } from '../../registry/fact-kinds.ts'
import { loadFolder } from '../../registry/folder.ts'
import type { RegistryFile } from '../../registry/source.ts'
import type { Platform } from '../platform.ts'
import { registryAsFacts, requireRegistry } from '../registry-sync.ts'
import { routeAgain } from '../reroute.ts'

const PLACE = /(?:^|\/)((?:registry|schemas|mappings)\/.+)$/

/**
 * The project with these files in place of the registry's own.
 *
 * @param specs  `FILE`, whose path ends like its place (`draft/mappings/medical/x/v1.json`), or
 *   `mappings/medical/x/v1.json=FILE`
 */
export async function projectAsIf(
  { config, project, inbox }: Platform,
  specs: readonly string[],
): Promise<Project> {
  const replaced = new Map<string, string>()
  for (const spec of specs) {
    const file = await readSpec(spec)
    replaced.set(file.path, file.text)
  }
  const kept = (await loadFolder(config.root)).filter(({ path }) => !replaced.has(path))
  const files = [...kept, ...[...replaced].map(([path, text]) => ({ path, text }))]
  const registry = requireRegistry(files)
  const observer = {
    name: 'registry',
    observe: async () => ({
      digest: frameDigest(['what-if', ...[...replaced].flat()]),
      apply: async (access: Parameters<typeof routeAgain>[0]) => {
        await access.replaceFacts(Object.keys(FACT_DIMENSIONS), registryAsFacts(registry))
        await routeAgain(access, {
          registry,
          inbox,
          scratch: config.scratch.value,
          secrets: config.secrets,
        })
      },
    }),
  }
  const others = project.observers.filter(({ name }) => name !== 'registry')
  return { ...project, observers: [observer, ...others] }
}

async function readSpec(spec: string): Promise<RegistryFile> {
  const cut = spec.indexOf('=')
  const file = spec.slice(cut + 1)
  const path = PLACE.exec(cut < 0 ? spec : spec.slice(0, cut))?.[1]
  if (path === undefined) {
    const reason = `${spec} has no place in the registry: write PATH=FILE, as mappings/medical/x/v1.json=draft.json`
    throw new EngineError('USAGE', { command: 'plan', reason })
  }
  try {
    return { path, text: await readFile(file, 'utf8') }
  } catch (error) {
    const reason = error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
    throw new EngineError('INPUT_UNREADABLE', { path: file, reason }, { cause: error })
  }
}
