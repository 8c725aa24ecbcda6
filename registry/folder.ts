/** Reads the registry of a project's folder. The only file of this folder that touches a disk. */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { assert, compareText, EngineError, frameDigest } from '../engine/index.ts'
import type { Digest } from '../engine/index.ts'
import { readRegistry } from './read.ts'
import type { Registry } from './registry.ts'
import type { Issue, RegistryFile } from './source.ts'

const FOLDERS = ['registry', 'schemas', 'mappings']
const DOCUMENT = /\.(?:json|yaml|yml)$|^registry\/code-sets\/[^/]+\.csv$/
/** Generated for editors: no registry files. */
const JSON_SCHEMAS = 'registry/json-schema/'
const FILES_MAX = 20_000

/** Every registry file under a project's folder, by path; at most 20,000. Links are not followed. */
export async function loadFolder(root: string): Promise<readonly RegistryFile[]> {
  const found = await Promise.all(FOLDERS.map((folder) => listFolder(root, folder)))
  const paths = found.flat().toSorted(compareText)
  assert(paths.length <= FILES_MAX, `a registry has at most ${FILES_MAX} files`)
  return Promise.all(
    paths.map(async (path) => ({ path, text: await readFile(join(root, path), 'utf8') })),
  )
}

async function listFolder(root: string, folder: string): Promise<readonly string[]> {
  const entries = await readdir(join(root, folder), { recursive: true, withFileTypes: true }).catch(
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return []
      throw error
    },
  )
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length).replaceAll('\\', '/'))
    .map((path) => path.replace(/^\/+/, ''))
    .filter((path) => DOCUMENT.test(path) && !path.startsWith(JSON_SCHEMAS))
}

/** What a registry's files say, as one digest: equal digests need no second reading. */
export const filesDigest = (files: readonly RegistryFile[]): Digest =>
  frameDigest(['registry/1', ...files.flatMap(({ path, text }) => [path, text])])

/** The registry of a project's folder. Throws REGISTRY_INVALID with every error of every file. */
export async function openRegistry(
  root: string,
): Promise<{ readonly registry: Registry; readonly warnings: readonly Issue[] }> {
  const { registry, issues } = readRegistry(await loadFolder(root))
  if (registry !== undefined) return { registry, warnings: issues }
  const errors = issues.filter(({ kind }) => kind === 'error')
  throw new EngineError('REGISTRY_INVALID', { issues: errors })
}
