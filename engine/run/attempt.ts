/**
 * One attempt: builds what is missing, checks it, and stages it where no reader looks.
 *
 * Runs outside any transaction. What it returns is committed by a group (commit.ts); what it
 * throws becomes a failed build, and the node keeps its last version.
 */
import { createHash } from 'node:crypto'
import { createReadStream, statSync } from 'node:fs'
import { mkdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { StoredPart } from '../catalog/builds.ts'
import { retainedBuilds } from '../catalog/builds.ts'
import { findNodes } from '../catalog/nodes.ts'
import { Contents } from '../catalog/contents.ts'
import type {
  BuildContext,
  BuildResult,
  BuiltNode,
  BuiltPart,
  OutputAsset,
  PartFile,
} from '../core/asset.ts'
import type { ContentId, Json } from '../core/digest.ts'
import { canonicalJson, partsContentId, sha256, valueContentId } from '../core/digest.ts'
import { EngineError, assert, isEngineError } from '../core/errors.ts'
import { failpoint } from '../core/failpoint.ts'
import type { NodeName } from '../core/key.ts'
import { formatKey, nodeText } from '../core/key.ts'
import type { StagePart } from '../core/ports.ts'
import type { Definitions } from '../catalog/membership.ts'
import { reasonOf } from '../catalog/open.ts'
import type { Task } from './claim.ts'
import { VALUE_BYTES_MAX } from './evaluate.ts'
import { presentParts } from './lost-parts.ts'
import type { Project } from './project.ts'

/** A node as an attempt leaves it: staged, or equal to what is there. */
export interface Staged {
  readonly contentId: ContentId
  /** canonical JSON */
  readonly value: string | null
  /** undefined: equal content, the current parts stay */
  readonly parts: readonly StoredPart[] | undefined
  readonly folder: string | undefined
}

export interface StagedOutput extends Staged {
  readonly asset: OutputAsset
  readonly key: string
}

export type Finished = {
  readonly task: Task
  readonly outcome: 'built' | 'reused' | 'cutoff' | 'retired'
  readonly staged: Staged
  readonly outputs: readonly StagedOutput[] | undefined
  readonly rows: number | undefined
  readonly record: Json | undefined
  readonly ms: number
}

export interface AttemptSupport {
  readonly project: Project
  readonly definitions: Definitions
  readonly signal: AbortSignal
  readonly progress: (
    node: NodeName,
    progress: { readonly done: number; readonly total?: number },
  ) => void
  /** records what would undo a staging (folders, uploads), before the first byte of it */
  readonly note: (task: Task, notes: readonly string[]) => Promise<void>
}

/** Makes one attempt. Throws EngineError: a foreign error comes out as ASSET_FAILED. */
export async function attempt(task: Task, support: AttemptSupport): Promise<Finished> {
  const startedMs = support.project.clock.elapsedMs()
  const node = { asset: task.asset.name, key: task.node.row.key }
  try {
    const result = await perform(task, support)
    return { task, ...result, ms: Math.round(support.project.clock.elapsedMs() - startedMs) }
  } catch (error) {
    if (isEngineError(error)) throw error
    throw new EngineError(
      'ASSET_FAILED',
      { node: nodeText(node), reason: reasonOf(error) },
      {
        cause: error,
      },
    )
  }
}

async function perform(
  task: Task,
  support: AttemptSupport,
): Promise<Omit<Finished, 'task' | 'ms'>> {
  const { work } = task
  const nothing = { outputs: undefined, rows: undefined, record: undefined }
  switch (work.kind) {
    case 'retire': {
      const staged: Staged = {
        contentId: 'absent' as ContentId,
        value: null,
        parts: [],
        folder: undefined,
      }
      const outputs = task.asset.outputs === undefined ? undefined : []
      return { ...nothing, outputs, outcome: 'retired', staged }
    }
    case 'known': {
      const contents = new Contents()
      await contents.load(support.project.catalog, [work.version])
      const { contentId, value } = contents.get(work.version)
      const found = work.parts.map((part) => ({ part, source: sourceOf(task, part) }))
      const text = value === undefined ? null : canonicalJson(value)
      const staged = await stage(task, support, { found, value: text, contentId })
      return { ...nothing, outcome: staged.parts === undefined ? 'cutoff' : 'reused', staged }
    }
    case 'ready': {
      const found = work.parts.map((part) => ({ part, source: sourceOf(task, part) }))
      const value = work.value === undefined ? null : canonicalJson(work.value)
      const staged = await stage(task, support, { found, value, contentId: work.contentId })
      return { ...nothing, outcome: staged.parts === undefined ? 'cutoff' : 'reused', staged }
    }
    case 'build':
      return build(task, support)
  }
}

async function build(task: Task, support: AttemptSupport): Promise<Omit<Finished, 'task' | 'ms'>> {
  const { asset, node, work } = task
  assert(work.kind === 'build', 'only builds build')
  const scratch = join(support.project.scratchRoot, work.fingerprint)
  let usesScratch = false
  const context = contextOf(task, support, async () => {
    usesScratch = true
    await mkdir(scratch, { recursive: true })
    return scratch
  })
  const result = await asset.build(context)
  failpoint('attempt.built')
  const rows = result.rows ?? sumRows(result.parts)
  for (const check of asset.checks ?? []) {
    const reason = await check.run({ inputs: node.inputs, result, rows })
    if (reason === undefined) continue
    const name = nodeText({ asset: asset.name, key: node.row.key })
    throw new EngineError('CHECK_FAILED', { node: name, check: check.name, reason })
  }
  const outputs = await stageOutputs(task, support, result)
  const found =
    work.parts === undefined
      ? await ownParts(result, null)
      : await mergeParts(task, work.parts, result)
  const value = valueText(task, work.parts === undefined ? result.value : summary(task, found))
  const contentId = contentOf(
    found.map(({ part }) => part),
    value,
  )
  const staged = await stage(task, support, { found, value, contentId })
  failpoint('attempt.staged')
  if (usesScratch) await rm(scratch, { recursive: true, force: true })
  const outcome = staged.parts === undefined ? 'cutoff' : 'built'
  return { outcome, staged, outputs, rows, record: result.record }
}

const sumRows = (parts: readonly BuiltPart[]): number | undefined =>
  parts.every((part) => part.rows === undefined)
    ? undefined
    : parts.reduce((sum, part) => sum + (part.rows ?? 0), 0)

const summary = (task: Task, found: readonly Found[]): Json | undefined =>
  task.asset.summarize?.(
    found.map(({ part }) => ({ name: part.name, rows: part.rows ?? undefined })),
  )

function contentOf(parts: readonly StoredPart[], value: string | null): ContentId {
  if (parts.length > 0 || value === null) return partsContentId(parts)
  return valueContentId(JSON.parse(value) as Json)
}

function contextOf(
  task: Task,
  support: AttemptSupport,
  scratch: BuildContext['scratch'],
): BuildContext {
  const { asset, node, work } = task
  assert(work.kind === 'build', 'only builds have a context')
  const name = { asset: asset.name, key: node.row.key }
  return {
    node: name,
    inputs: node.inputs,
    parts: work.parts?.flatMap((part) =>
      part.found === undefined
        ? [
            {
              name: part.name,
              fingerprint: part.fingerprint,
              firstWantedAt: new Date(task.firstWanted.get(part.fingerprint) ?? 0).toISOString(),
            },
          ]
        : [],
    ),
    scratch,
    read: async (wanted) => readParts(task, support.project, wanted),
    signal: support.signal,
    progress: (progress) => support.progress(name, progress),
  }
}

/** The parts of a node this build reads as local files, checked against their SHA-256. */
async function readParts(
  task: Task,
  { store }: Project,
  name: NodeName,
): Promise<readonly PartFile[]> {
  const parts = task.parts.get(nodeText(name))
  assert(parts !== undefined, `${task.asset.name} reads ${name.asset}, which is none of its slots`)
  return Promise.all(
    parts.map(async (part) => ({
      name: part.name,
      path: await store.fetch(part),
      sizeBytes: part.sizeBytes,
      rows: part.rows ?? undefined,
    })),
  )
}

interface Found {
  readonly part: StoredPart
  readonly source: StagePart['source']
}

/** Identifies built parts: size and SHA-256 of what was really written. */
async function ownParts(result: BuiltNode, print: string | null): Promise<readonly Found[]> {
  return Promise.all(result.parts.map(async (part) => measure(part, print)))
}

async function measure(part: BuiltPart, print: string | null): Promise<Found> {
  const identity = { name: part.name, fingerprint: print, path: '', rows: part.rows ?? null }
  if ('bytes' in part.from) {
    const bytes = Buffer.from(part.from.bytes)
    const found = { ...identity, sizeBytes: bytes.length, sha256: sha256(bytes) }
    return { part: found, source: { bytes } }
  }
  const { file } = part.from
  const sizeBytes = statSync(file).size
  return {
    part: { ...identity, sizeBytes, sha256: await fileDigest(file, sizeBytes) },
    source: { file },
  }
}

/** Files up to this size are read at once: a stream costs 0.2 ms before its first byte. */
const SMALL_FILE_BYTES = 1 << 20

async function fileDigest(file: string, sizeBytes: number): Promise<string> {
  if (sizeBytes <= SMALL_FILE_BYTES) return sha256(await readFile(file))
  const sum = createHash('sha256')
  await pipeline(createReadStream(file, { highWaterMark: 1 << 20 }), sum)
  return sum.digest('hex')
}

/** A part of the current version stays where it is; any other is copied under a new name. */
const sourceOf = ({ current }: Task, { path }: StoredPart): StagePart['source'] =>
  current?.parts.some((part) => part.path === path) === true ? { kept: path } : { stored: path }

async function mergeParts(
  task: Task,
  wanted: NonNullable<Extract<Task['work'], { kind: 'build' }>['parts']>,
  result: BuildResult,
): Promise<readonly Found[]> {
  const built = new Map(result.parts.map((part) => [part.name, part]))
  return Promise.all(
    wanted.map(async (part) => {
      if (part.found !== undefined) {
        const kept = { ...part.found, fingerprint: part.fingerprint }
        return { part: kept, source: sourceOf(task, part.found) }
      }
      const made = built.get(part.name)
      assert(made !== undefined, `the build made the part ${part.name}`)
      return measure(made, part.fingerprint)
    }),
  )
}

function valueText(task: Task, value: Json | undefined): string | null {
  if (value === undefined) return null
  const text = canonicalJson(value)
  const sizeBytes = Buffer.byteLength(text)
  if (sizeBytes > (task.asset.valueBytesMax ?? VALUE_BYTES_MAX)) {
    const node = nodeText({ asset: task.asset.name, key: task.node.row.key })
    throw new EngineError('VALUE_TOO_LARGE', { node, sizeBytes })
  }
  return text
}

/** A person or a look at the store wants it made again: what is there is not taken for granted. */
const insists = (task: Task): boolean =>
  task.causes.some(({ kind }) => kind === 'missing' || kind === 'forced')

/** Whether the store still has a node's parts: then equal content is a cutoff. */
async function isIntact(
  task: Task,
  { store }: Project,
  parts: readonly StoredPart[],
): Promise<boolean> {
  return !insists(task) || (await presentParts(store, parts)).length === parts.length
}

/** Stages parts unless the content is what the node has already: that is a cutoff. */
async function stage(
  task: Task,
  support: AttemptSupport,
  made: {
    readonly found: readonly Found[]
    readonly value: string | null
    readonly contentId: ContentId
  },
): Promise<Staged> {
  const { project } = support
  const { contentId, value } = made
  const { current } = task
  const isSame = contentId === task.currentContentId && current?.isWhole !== false
  if (isSame && (await isIntact(task, project, current?.parts ?? []))) {
    return { contentId, value, parts: undefined, folder: undefined }
  }
  if (task.folder === undefined) return { contentId, value, parts: [], folder: undefined }
  const note = async (notes: readonly string[]): Promise<void> => support.note(task, notes)
  return { contentId, value, ...(await stageAt(project, task.folder, { ...made, note })) }
}

async function stageAt(
  project: Project,
  folder: string,
  {
    found,
    note,
  }: {
    readonly found: readonly Found[]
    readonly note: (notes: readonly string[]) => Promise<void>
  },
): Promise<{ readonly parts: readonly StoredPart[]; readonly folder: string }> {
  const paths = await project.store.stage(
    folder,
    found.map(({ part, source }) => ({
      name: part.name,
      source,
      sizeBytes: part.sizeBytes,
      sha256: part.sha256,
    })),
    note,
  )
  const parts = found.map(({ part }, at) => {
    const path = paths[at]
    assert(path !== undefined, 'a staged part has a path')
    return { ...part, path }
  })
  return { folder, parts }
}

async function stageOutputs(
  task: Task,
  support: AttemptSupport,
  result: BuildResult,
): Promise<readonly StagedOutput[] | undefined> {
  const { project, definitions } = support
  if (task.asset.outputs === undefined) return undefined
  const made = (result.outputs ?? []).map((output) => {
    const asset = definitions.graph.assets.get(output.asset)
    assert(
      asset?.kind === 'output' && task.asset.outputs?.includes(asset.name) === true,
      `${task.asset.name} writes only its outputs`,
    )
    return { ...output, asset }
  })
  const names = made.map((output) => ({ asset: output.asset.name, key: formatKey(output.key) }))
  const current = await currentOutputs(task, support, names)
  const folders = made.map((output) => {
    const publication = output.asset.publish?.(output.key)
    return publication && project.store.folderFor(publication.path, task.attempt)
  })
  await support.note(
    task,
    folders.flatMap((folder) => folder ?? []),
  )
  const note = async (notes: readonly string[]): Promise<void> => support.note(task, notes)
  const stageOutput = async (output: (typeof made)[number], at: number): Promise<StagedOutput> => {
    const found = await ownParts(output, null)
    const value = output.value === undefined ? null : canonicalJson(output.value)
    const contentId = contentOf(
      found.map(({ part }) => part),
      value,
    )
    const key = formatKey(output.key)
    const folder = folders[at]
    const name = nodeText({ asset: output.asset.name, key })
    const before = current.get(name)
    const same = before?.contentId === contentId && (await isIntact(task, project, before.parts))
    const stored =
      same || folder === undefined ? undefined : await stageAt(project, folder, { found, note })
    const parts = same ? undefined : (stored?.parts ?? [])
    return { asset: output.asset, key, contentId, value, parts, folder: stored?.folder }
  }
  const staged: StagedOutput[] = []
  for (let at = 0; at < made.length; at += OUTPUTS_AT_ONCE) {
    const some = made.slice(at, at + OUTPUTS_AT_ONCE)
    // All have ended before one's failure is told: nothing is staged behind the back of an abort.
    const ended = await Promise.allSettled(some.map(async (one, n) => stageOutput(one, at + n)))
    for (const one of ended) {
      if (one.status === 'rejected') throw one.reason
      staged.push(one.value)
    }
  }
  return staged
}

/** Outputs of one build staged at once: in a bucket each takes some waiting. */
const OUTPUTS_AT_ONCE = 8

interface CurrentOutput {
  readonly contentId: ContentId
  /** looked up only where they are in doubt */
  readonly parts: readonly StoredPart[]
}

async function currentOutputs(
  task: Task,
  { project, definitions }: AttemptSupport,
  names: readonly NodeName[],
): Promise<ReadonlyMap<string, CurrentOutput>> {
  const rows = await findNodes(project.catalog, definitions.ids, names)
  const contents = new Contents()
  await contents.load(
    project.catalog,
    rows.map((row) => row.version),
  )
  const ids = insists(task) ? rows.map((row) => row.id) : []
  const builds = await retainedBuilds(project.catalog, ids, 'current')
  return new Map(
    rows.map((row) => [
      nodeText({ asset: definitions.ids.nameOf(row.asset), key: row.key }),
      {
        contentId: contents.get(row.version).contentId,
        parts: builds.get(row.id)?.[0]?.parts ?? [],
      },
    ]),
  )
}
