/** What readers see of a project's store, and damage done to it, in a folder or in a bucket. */
import { readFileSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { ObjectStore } from '../../engine/index.ts'
import { currentParts, publishedFiles } from './engine-state.ts'
import type { EngineProject } from './engine-project.ts'

const isBucket = ({ project }: EngineProject): boolean => project.store.name.startsWith('s3://')

/**
 * Every file that readers see, as `{published path}/{name}`, and where it lies. In a bucket readers
 * take the highest manifest's word for it.
 */
export async function shownFiles(at: EngineProject): Promise<ReadonlyMap<string, string>> {
  if (!isBucket(at)) return publishedFiles(join(at.root, 'store'))
  const { store } = at.project
  const last = new Map<string, number>()
  for await (const { path, number } of store.manifests()) last.set(path, number)
  const shown = new Map<string, string>()
  for (const [path, number] of last) {
    // The anchors of the audit are numbered texts too, and name no parts.
    const { parts = [] } = JSON.parse((await store.readManifest(path, number)) ?? '') as {
      readonly parts?: readonly { readonly name: string; readonly path: string }[]
    }
    for (const part of parts) shown.set(`${path}/${part.name}`, part.path)
  }
  return shown
}

/** The names that readers see below a folder, sorted. */
export async function namesIn(at: EngineProject, folder: string): Promise<readonly string[]> {
  const files = [...(await shownFiles(at)).keys()].filter((file) => file.startsWith(`${folder}/`))
  const names = files.map((file) => file.slice(folder.length + 1).split('/')[0] ?? '')
  return [...new Set(names)].toSorted()
}

/** The text that readers find in a published file. */
export async function shownText(at: EngineProject, file: string): Promise<string> {
  const path = await pathOf(at, file)
  if (!isBucket(at)) return readFileSync(join(at.root, 'store', path), 'utf8')
  const part = (await currentParts(at.project.catalog.db)).find((one) => one.path === path)
  if (part === undefined) throw new Error(`${file} is no current part`)
  return readFileSync(await at.project.store.fetch(part), 'utf8')
}

/** What stays the same as long as a file's bytes are not written again. */
export async function identityOf(at: EngineProject, file: string): Promise<string> {
  const path = await pathOf(at, file)
  return isBucket(at) ? path : String(statSync(join(at.root, 'store', path)).ino)
}

/** Removes what a published file shows, behind the engine's back. */
export async function loseFile(at: EngineProject, file: string): Promise<void> {
  await losePath(at, await pathOf(at, file))
}

/** The same for the path of a part. */
export async function losePath(at: EngineProject, path: string): Promise<void> {
  if (isBucket(at)) await at.project.store.remove([path])
  else rmSync(join(at.root, 'store', path), { force: true })
}

/** The units that hold versions of a published path, by attempt, the oldest first. */
export async function versionsOf(
  store: ObjectStore,
  path: string,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const versions = new Map<string, string[]>()
  for await (const unit of store.units()) {
    const [, attempt] = /(r\d+-\d+)(?:\.[^.]*)?$/.exec(unit) ?? []
    if (!`/${unit}`.includes(`/${path}/`) || attempt === undefined) continue
    versions.set(attempt, [...(versions.get(attempt) ?? []), unit])
  }
  const byAge = (one: string): number => Number(one.slice(1).replace('-', '.'))
  return new Map([...versions].toSorted(([a], [b]) => byAge(a) - byAge(b)))
}

async function pathOf(at: EngineProject, file: string): Promise<string> {
  const path = (await shownFiles(at)).get(file)
  if (path === undefined) throw new Error(`readers see no ${file}`)
  return path
}
