/**
 * Chunks that an interrupted parse had finished. A chunk is taken over when the landing pass cuts
 * the same bytes again (seal) and its parts and rejects are still there with the same SHA-256.
 */
import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { chunkName, rejectsPath, type ChunkContext } from './chunk-context.ts'
import type { ChunkOutcome } from './chunk-outcome.ts'
import type { Chunk } from './chunk-writer.ts'
import { fileDigest, type FileDigest } from './file-digest.ts'

/** The scratch folder belongs to one fingerprint, so this is only checked for wholeness. */
interface DoneChunk {
  readonly seal: string
  readonly outcome: ChunkOutcome
}

const donePath = (number: number, { scratch }: ChunkContext): string =>
  join(scratch, `done-${chunkName(number)}.json`)

/** The outcome of a chunk that was finished before, or null. */
export async function resumeChunk(
  chunk: Chunk,
  context: ChunkContext,
): Promise<ChunkOutcome | null> {
  const done = await readDone(donePath(chunk.number, context))
  if (done === null || done.seal !== chunk.seal) return null
  const { parts, rejects } = done.outcome
  const files = parts.map((part) => ({
    ...part,
    path: join(context.out, `${context.monthColumn}=${part.month}`, part.name),
  }))
  const all = [...files, { ...rejects, path: rejectsPath(chunk.number, context) }]
  for (const { path, sizeBytes, sha256 } of all) {
    const found = await digestIfPresent(path)
    if (found?.sizeBytes !== sizeBytes || found.sha256 !== sha256) return null
  }
  return done.outcome
}

/** Remembers a finished chunk, then removes its chunk files. */
export async function finishChunk(
  chunk: Chunk,
  outcome: ChunkOutcome,
  context: ChunkContext,
): Promise<void> {
  const path = donePath(chunk.number, context)
  const done: DoneChunk = { seal: chunk.seal, outcome }
  await writeFile(`${path}.new`, JSON.stringify(done))
  await rename(`${path}.new`, path)
  await removeChunk(chunk)
}

/** Removes the chunk files; they may be gone already. */
export async function removeChunk(chunk: Chunk): Promise<void> {
  await rm(chunk.path, { force: true })
  await rm(chunk.rawPath, { force: true })
}

const isAbsent = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'ENOENT'

async function readDone(path: string): Promise<DoneChunk | null> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    if (isAbsent(error)) return ''
    throw error
  })
  try {
    return text === '' ? null : (JSON.parse(text) as DoneChunk)
  } catch {
    // cut off by a crash: the chunk is parsed again
    return null
  }
}

const digestIfPresent = (path: string): Promise<FileDigest | null> =>
  fileDigest(path).catch((error: unknown) => {
    if (isAbsent(error)) return null
    throw error
  })
