/** raw: the submitted files byte for byte, and what intake knew of them. Immutable. */
import { createWriteStream } from 'node:fs'
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { Transform } from 'node:stream'
import type { BuildContext, BuildResult, StoredAsset } from '../engine/index.ts'
import { EngineError, canonicalJson, defineAsset, failpoint, sameKey } from '../engine/index.ts'
import type { Delivery } from './facts.ts'
import { SUBMISSION, valueOf } from './facts.ts'
import type { Inbox } from './inbox.ts'
import { submissionPath } from './paths.ts'
import { readSource } from './source-bytes.ts'

/** The asset that lands what lies in an inbox, or where a discovery manifest says. */
export const rawAsset = (inbox: Inbox): StoredAsset =>
  defineAsset({
    kind: 'stored',
    name: 'raw',
    dimensions: SUBMISSION,
    description: 'submitted files, byte for byte',
    tags: ['phi'],
    recipe: '1',
    from: { discovered: sameKey },
    publish: ([submitter = '', fileType = '', submissionId = '']) => ({
      path: submissionPath('raw', { submitter, fileType, submissionId }),
      mode: 'folder',
    }),
    build: async (context) => land(inbox, context),
  })

async function land(inbox: Inbox, context: BuildContext): Promise<BuildResult> {
  const delivery = valueOf<Delivery>(context.inputs.one('discovered'))
  if (delivery === undefined) throw new TypeError('a delivery has a value')
  const scratch = await context.scratch()
  const parts = []
  for (const [at, file] of delivery.files.entries()) {
    const copy = join(scratch, `file-${at}`)
    await copyChecked(file, { from: readSource(inbox, file.source), to: copy }, context.signal)
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
  { from, to }: { readonly from: AsyncIterable<Buffer>; readonly to: string },
  signal: AbortSignal,
): Promise<void> {
  const sum = createHash('sha256')
  const hashing = new Transform({
    transform: (block: Buffer, _encoding, done) => {
      sum.update(block)
      done(null, block)
    },
  })
  await pipeline(from, hashing, createWriteStream(to), { signal })
  if (sum.digest('hex') !== file.sha256)
    throw new EngineError('INPUT_CHANGED', { path: file.source })
}
