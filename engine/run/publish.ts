/**
 * Publishes: makes the store show what the catalog says, for given nodes.
 *
 * A projection: it reads the catalog, writes manifests and links, and reads again until nothing
 * moved in between; so it may be repeated at any time, by anyone, and never leads the catalog.
 */
import type { Definitions } from '../catalog/membership.ts'
import { EngineError } from '../core/errors.ts'
import type { Project } from './project.ts'
import type { Published } from './published.ts'
import { publishedNodes } from './published.ts'

/** How often a node may move under a publication before it gives up: each time is a real commit. */
const ROUNDS_MAX = 100
/** How long a look at the catalog is believed: less than a hold stands. */
const LOOK_MAX_MS = 10_000
/** A store elsewhere answers in its own time; a folder's calls are one after another all the same. */
const SHOWN_AT_ONCE = 16

/**
 * Brings manifests and links of the nodes up to the catalog. Safe to repeat. `keep` makes sure that
 * nobody else publishes them for some time, or throws: then another shows what is current.
 */
export async function publishNodes(
  project: Project,
  definitions: Definitions,
  {
    nodes,
    keep,
  }: { readonly nodes: readonly number[]; readonly keep: (forMs: number) => Promise<void> },
): Promise<void> {
  const done = new Map<number, number>()
  let left = nodes
  for (let round = 0; left.length > 0; round++) {
    if (round === ROUNDS_MAX) {
      throw new EngineError('ASSERTION', { what: 'a publication comes to rest within 100 rounds' })
    }
    const lookedMs = project.clock.elapsedMs()
    await keep(LOOK_MAX_MS)
    const shown = await publishedNodes(project, definitions, left)
    const moved = shown.filter(({ node, build }) => done.get(node) !== build)
    for (let at = 0; at < moved.length; at += SHOWN_AT_ONCE) {
      // What is held outlives a look by this much: a process that was frozen meanwhile looks again,
      // and never shows what another run has replaced since.
      if (project.clock.elapsedMs() - lookedMs > LOOK_MAX_MS) break
      const some = moved.slice(at, at + SHOWN_AT_ONCE)
      await Promise.all(some.map(async (one) => show(project, one)))
      for (const { node, build } of some) done.set(node, build)
    }
    left = moved.map(({ node }) => node)
  }
}

async function show(
  project: Project,
  { publication, manifest, projection }: Published,
): Promise<void> {
  // A retirement has a manifest too, of no parts: whoever reads the highest number must not go on
  // reading what is retired.
  if (manifest !== undefined) {
    await project.store.writeManifest(publication.path, manifest.number, manifest.text)
  }
  await project.store.project(projection)
}
