/** A project's sampler: its ledger, its children, and what it knows of places and layouts. */
import { mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Catalog } from '../../engine/index.ts'
import { canonicalJson, frameDigest, ownHolder, storedParts } from '../../engine/index.ts'
import type { Layout } from '../../registry/layout.ts'
import { isUrl } from '../config.ts'
import type { Platform } from '../platform.ts'
import { storedRegistry } from '../registry-sync.ts'
import type { PassOptions } from './pass.ts'
import { Folders } from './folders.ts'
import { isLocalPlace, lookAgainAtRaw } from './local-files.ts'
import { placeOf, vendorOf } from './place.ts'
import type { Found, ReferenceRoots } from './references.ts'
import { keyName, sampleKey } from './sample-key.ts'
import { openSamplePool } from './sample-pool.ts'

export interface SamplerParts extends AsyncDisposable {
  readonly options: PassOptions
}

/** Raised when samples come out otherwise: all are made anew. */
const RECIPE = '1'

/** Opens the ledger where the project says. Close it with `await using`. */
export async function openLedger(
  { config }: Pick<Platform, 'config'>,
  ledgerAt: (url: string) => Promise<Catalog>,
): Promise<Catalog & AsyncDisposable> {
  const url = config.samples.ledger.value
  if (!isUrl(url)) mkdirSync(dirname(url), { recursive: true })
  const ledger = await ledgerAt(url)
  return { ...ledger, [Symbol.asyncDispose]: ledger.close }
}

/** Starts no child before there is something to sample. */
export async function openSampler(
  platform: Platform,
  { ledger, workers }: { readonly ledger: Catalog; readonly workers: number },
): Promise<SamplerParts> {
  const { config, project } = platform
  const key = sampleKey(config)
  const { layouts, routing: rules, submitters } = await storedRegistry(project.catalog.db)
  const pool = openSamplePool({
    size: workers,
    folder: config.scratch.value,
    terms: { kind: 'terms', key: key.toString('hex'), layouts, rules, submitters },
  })
  const layoutOf = layoutFinder(layouts)
  const prefix = config.staging.prefix.value
  const holder = ownHolder()
  return {
    options: {
      ledger,
      pool,
      prefix,
      config: config.samples,
      layoutOf: (place) => layoutOf(place)?.id,
      policyOf: policyFinder(platform, { key, layoutOf }),
      rootsOf: rootsFinder(platform),
      lookAgainAtRaw: async () => lookAgainAtRaw(platform, ledger),
      holder,
      folders: new Folders(),
      token: frameDigest(['sampler', holder]).slice(0, 12),
      nowMs: project.clock.nowMs,
    },
    [Symbol.asyncDispose]: async () => pool[Symbol.asyncDispose](),
  }
}

/** `north_clinic/medical_claim/cdl.v1` → the layout `medical_claim/cdl/v1`, where there is one. */
function layoutFinder(layouts: readonly Layout[]): (place: string) => Layout | undefined {
  const byId = new Map(layouts.map((layout) => [layout.id, layout]))
  return (place) => {
    const { dataset, version } = placeOf(place)
    return byId.get(`${dataset}/${version.replace('.', '/')}`)
  }
}

/** What samples of a place are made by. The key enters as a digest: its name, not itself. */
function policyFinder(
  { config: { samples } }: Pick<Platform, 'config'>,
  {
    key,
    layoutOf,
  }: { readonly key: Buffer; readonly layoutOf: (place: string) => Layout | undefined },
): (place: string) => string {
  const own = [
    RECIPE,
    samples.from.value,
    samples.strategy.value,
    String(samples.records.value),
    String(samples.readBytesMax.value),
    keyName(key),
  ]
  const known = new Map<string, string>()
  return (place) => {
    const before = known.get(place)
    if (before !== undefined) return before
    const slices = layoutOf(place)?.slices
    const read = slices === undefined ? '' : canonicalJson([slices.parse, slices.phi])
    const policy = frameDigest([...own, read])
    known.set(place, policy)
    return policy
  }
}

function rootsFinder({ config, project }: Platform): (place: string) => ReferenceRoots {
  const store = config.store.value
  const inbox = isUrl(config.inbox.value) ? undefined : config.inbox.value
  const folders = config.samples.roots.value
  const discovery = isUrl(config.discovery.value) ? undefined : config.discovery.value
  const inStore = async (path: string): Promise<Found> => {
    const [stage, submitter, fileType, submission, ...part] = path.split('/')
    if (stage !== 'raw' || part.length === 0) return REFUSED
    const key = [submitter, fileType, submission].join('/')
    const parts = await storedParts(project, { asset: 'raw', key })
    const found = parts.find(({ name }) => name === part.join('/'))
    if (found === undefined) return { kind: 'missing' }
    if (!isUrl(store)) {
      return { kind: 'file', path: join(store, found.path), sizeBytes: found.sizeBytes }
    }
    const read = async (from: number, to: number): Promise<Buffer> =>
      project.store.readRange(found.path, from, Math.min(to, found.sizeBytes))
    const name = part.at(-1) ?? ''
    return { kind: 'ranges', file: { name, sizeBytes: found.sizeBytes, read } }
  }
  return (place) => ({
    versionFolder: join(config.staging.prefix.value, place),
    folders: isLocalPlace(place) ? ['/'] : folders,
    inbox,
    project: config.root,
    discovery,
    vendor: isLocalPlace(place) ? undefined : vendorOf(place),
    inStore,
  })
}

const REFUSED: Found = { kind: 'refused', words: 'its path names nothing that was landed' }
