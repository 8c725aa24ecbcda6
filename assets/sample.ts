/**
 * sample: of each landed file a small one of the same format, personal values masked, and its profile.
 *
 * Beside the road: nothing reads it, and only a project whose tributary.json says `samples.asset`
 * declares it. A column whose class changes in its layout is masked in the next run, as any edit.
 * It knows the landed files; files of other producers, and files that have not landed, are the
 * sampler's (assets/samples).
 */
import { join } from 'node:path'
import type {
  BuildContext,
  BuildResult,
  BuiltPart,
  ParseSpec,
  StoredAsset,
} from '../engine/index.ts'
import { EngineError, canonicalJson, defineAsset, sameKey } from '../engine/index.ts'
import type { PhiClass } from '../registry/layout.ts'
import type { Stamp } from './facts.ts'
import { SUBMISSION, valueOf } from './facts.ts'
import { submissionPath } from './paths.ts'
import { keyName } from './samples/sample-key.ts'
import type { SampleRunner } from './samples/sample-pool.ts'
import { runTwice } from './samples/sample-pool.ts'
import type { SamplesConfig } from './samples/samples-config.ts'

export interface SampleAssetOptions {
  readonly pool: SampleRunner
  readonly config: SamplesConfig
  /** of masked values: enters the recipe as a digest, since other keys give other samples */
  readonly key: Buffer
}

const DATA = 'data/'
const READS = ['layout_parse', 'layout_phi'] as const

/** The asset of a project that wants samples in its store. */
export function sampleAsset({ pool, config, key }: SampleAssetOptions): StoredAsset {
  const { records, strategy, readBytesMax } = config
  return defineAsset({
    kind: 'stored',
    name: 'sample',
    dimensions: SUBMISSION,
    description: 'some records of each landed file, personal values masked',
    recipe: `1 ${strategy.value} ${records.value} ${readBytesMax.value} ${keyName(key).slice(0, 12)}`,
    from: { stamp: sameKey, raw: sameKey },
    reads: {
      assets: READS,
      nodes: (_key, members) => {
        const stamp = members.find((slot) => slot.asset === 'stamp')
        const layout = valueOf<Stamp>(stamp)?.layout
        return layout === undefined ? [] : READS.map((asset) => ({ asset, key: layout }))
      },
    },
    publish: ([submitter = '', fileType = '', submissionId = '']) => ({
      path: submissionPath('samples', { submitter, fileType, submissionId }),
      mode: 'folder',
    }),
    build: async (context) => build(context, { pool, config }),
  })
}

async function build(
  context: BuildContext,
  { pool, config }: Pick<SampleAssetOptions, 'pool' | 'config'>,
): Promise<BuildResult> {
  const { inputs, signal } = context
  const [submitter = ''] = inputs.key
  const parse = valueOf<object>(inputs.of('layout_parse')[0]) as ParseSpec | undefined
  if (parse === undefined) throw new EngineError('LAYOUT_MISSING', { layout: 'of its stamp' })
  const phi = valueOf<Readonly<Record<string, PhiClass>>>(inputs.of('layout_phi')[0]) ?? {}
  const files = (await context.read(inputs.one('raw'))).filter(({ name }) => name.startsWith(DATA))
  const scratch = await context.scratch()
  const parts: BuiltPart[] = []
  const taken = new Set<string>()
  for (const [at, file] of files.entries()) {
    const out = join(scratch, `sample-${at}`)
    const name = file.name.slice(DATA.length)
    const task = {
      path: file.path,
      name,
      sizeBytes: file.sizeBytes,
      out,
      records: config.records.value,
      strategy: config.strategy.value,
      seed: name,
      readBytesMax: config.readBytesMax.value,
      submitter,
      layout: { parse, phi },
      isScored: false,
      isRaw: false,
    }
    const reply = await runTwice(pool, { task }, signal)
    if (reply.kind === 'failed') {
      // A file that cannot be sampled is described: the submission's others are not its fault.
      const described = freeName(name, { extension: '.meta.json', at, taken })
      const bytes = `${canonicalJson({ original: name, size: file.sizeBytes, reason: reply.code })}\n`
      parts.push({ name: `${DATA}${described}`, from: { bytes } })
      continue
    }
    const sample = freeName(name, { extension: reply.made.extension, at, taken })
    parts.push({ name: `${DATA}${sample}`, from: { file: out } })
    parts.push({
      name: `${DATA}${sample}.profile.json`,
      from: { bytes: `${canonicalJson(reply.profile)}\n` },
    })
  }
  return { parts }
}

/** A part's name has 128 characters at most, `.profile.json` included. */
const STEM_MAX = 80

/** `claims_sample.csv`; of two that would be called alike the second has its number. */
function freeName(
  name: string,
  {
    extension,
    at,
    taken,
  }: { readonly extension: string; readonly at: number; readonly taken: Set<string> },
): string {
  const isSame = extension !== '' && name.endsWith(extension)
  const whole = isSame ? name.slice(0, -extension.length) : name.replace(/(.)\.[^.]*$/, '$1')
  const stem = whole.slice(0, STEM_MAX)
  const plain = `${stem}_sample${extension}`
  const own = taken.has(plain) ? `${stem}_sample-${at + 1}${extension}` : plain
  taken.add(own)
  return own
}
