/** raw: the submitted files byte for byte, and what intake knew of them. Immutable. */
import { createReadStream, createWriteStream } from 'node:fs'
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { Transform } from 'node:stream'
import type { BuildContext, BuildResult } from '../engine/index.ts'
import { EngineError, canonicalJson, defineAsset, failpoint, sameKey } from '../engine/index.ts'
import type { Delivery } from './facts.ts'
import { SUBMISSION, valueOf } from './facts.ts'
import { rawPath } from './paths.ts'

const BLOCK_BYTES = 1 << 20

export const raw = defineAsset({
  kind: 'stored',
  name: 'raw',
  dimensions: SUBMISSION,
  description: 'submitted files, byte for byte',
  tags: ['phi'],
  recipe: '1',
  from: { discovered: sameKey },
  publish: ([submitter = '', fileType = '', submissionId = '']) => ({
    path: rawPath({ submitter, fileType, submissionId }),
    mode: 'folder',
  }),
  build: land,
})

async function land(context: BuildContext): Promise<BuildResult> {
  const delivery = valueOf<Delivery>(context.inputs.one('discovered'))
  if (delivery === undefined) throw new TypeError('a delivery has a value')
  const scratch = await context.scratch()
  const parts = []
  for (const [at, file] of delivery.files.entries()) {
    const copy = join(scratch, `file-${at}`)
    await copyChecked(file, copy, context.signal)
    failpoint('raw.file.copied')
    parts.push({ name: `data/${file.name}`, from: { file: copy } })
  }
  const [submitter, fileType, submission] = context.inputs.key
  const manifest = {
    format: 'raw-manifest/1',
    submission_id: submission ?? '',
    submitter_id: submitter ?? '',
    file_type: fileType ?? '',
    grouping_method: delivery.grouping,
    inbox_prefix: delivery.drop,
    files: delivery.files.map((file) => ({
      object_key_in_raw: `data/${file.name}`,
      bytes: file.size_bytes,
      sha256: file.sha256,
    })),
  }
  const bytes = `${JSON.stringify(JSON.parse(canonicalJson(manifest)), null, 2)}\n`
  return { parts: [...parts, { name: 'manifest.generated.json', from: { bytes } }] }
}

/** Copies a file while hashing it. Throws INPUT_UNREADABLE, INPUT_CHANGED. */
async function copyChecked(
  file: Delivery['files'][number],
  to: string,
  signal: AbortSignal,
): Promise<void> {
  const sum = createHash('sha256')
  const hashing = new Transform({
    transform: (block: Buffer, _encoding, done) => {
      sum.update(block)
      done(null, block)
    },
  })
  try {
    const from = createReadStream(file.source, { highWaterMark: BLOCK_BYTES })
    await pipeline(from, hashing, createWriteStream(to), { signal })
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
    if (code !== 'ENOENT' && code !== 'EACCES' && code !== 'EISDIR' && code !== 'EIO') throw error
    throw new EngineError('INPUT_UNREADABLE', { path: file.source, reason: code }, { cause: error })
  }
  if (sum.digest('hex') !== file.sha256)
    throw new EngineError('INPUT_CHANGED', { path: file.source })
}
