/**
 * outbox: what a submitter is told of each submission, as a page and as JSON: the report that
 * `validate` prints before a file is sent, from what was stored.
 *
 * Nothing reads it. It holds no value of a file, so that it may be handed out; see precheck.ts.
 */
import { readFile } from 'node:fs/promises'
import type { BuildContext, BuildResult, Inputs, PartFile, Slot } from '../engine/index.ts'
import { ABSENT, defineAsset, formatKey, sameKey } from '../engine/index.ts'
import type { CrossFileMeasures } from '../registry/cross-file-sql.ts'
import type { RuleSamples } from '../registry/measure-sql.ts'
import type { Delivery, Stamp, StopReason } from './facts.ts'
import { SUBMISSION, valueOf } from './facts.ts'
import { outboxPath } from './paths.ts'
import type { ParseFound, Precheck, Prechecked } from './precheck.ts'
import { precheck, precheckText, reasonsOf } from './precheck.ts'
import { precheckPage } from './precheck-html.ts'
import { firstPlaces } from './precheck-places.ts'
import type { ParseValue } from './silver.ts'
import type { VerdictValue } from './validation.ts'

const READS = ['stamp', 'discovered', 'parse', 'rejects', 'rule_samples', 'cross_measure'] as const

export const outbox = defineAsset({
  kind: 'stored',
  name: 'outbox',
  dimensions: SUBMISSION,
  description: 'the report that goes back to the submitter',
  recipe: '1',
  from: { verdict: sameKey, stop_reason: sameKey },
  reads: {
    assets: READS,
    nodes: (key) => READS.map((asset) => ({ asset, key: formatKey(key) })),
  },
  outline: (inputs) =>
    hasReport(inputs) ? { verdict: 'build' } : { verdict: 'retire', why: 'nothing is said of it' },
  publish: ([submitter = '', , submissionId = '']) => ({
    path: outboxPath({ submitter, submissionId }),
    mode: 'folder',
  }),
  build: compose,
})

const there = (slot: Slot | undefined): Slot | undefined =>
  slot === undefined || slot.contentId === ABSENT ? undefined : slot

const hasReport = (inputs: Inputs): boolean =>
  [inputs.of('verdict')[0], inputs.of('stop_reason')[0]].some((slot) => there(slot) !== undefined)

async function compose(context: BuildContext): Promise<BuildResult> {
  const { inputs } = context
  const judged = valueOf<VerdictValue>(there(inputs.of('verdict')[0]))
  const stopped = valueOf<StopReason>(there(inputs.of('stop_reason')[0]))
  const said: Precheck =
    judged === undefined
      ? precheck(stoppedReport(inputs.key, stopped))
      : precheck(await judgedReport(context, judged))
  return {
    parts: [
      { name: 'report.html', from: { bytes: precheckPage([said]) } },
      { name: 'report.json', from: { bytes: precheckText([said]) } },
    ],
  }
}

/** What is said of a submission that never became rows. */
const stoppedReport = (key: readonly string[], stopped: StopReason | undefined): Prechecked => ({
  submission: key[2] ?? '',
  layout: null,
  file: fileWords(stopped?.files ?? []),
  period: null,
  verdict: stopped?.status ?? '',
  failed: stopped === undefined ? null : { code: stopped.code, detail: stopped.words },
  findings: [],
  findingsMore: 0,
  samples: {},
  places: new Map(),
})

async function judgedReport(context: BuildContext, judged: VerdictValue): Promise<Prechecked> {
  const { inputs } = context
  const stamp = valueOf<Stamp>(there(inputs.of('stamp')[0]))
  const delivery = valueOf<Delivery>(there(inputs.of('discovered')[0]))
  const [parsed] = await partsOf(context, 'parse')
  const [rejects] = await partsOf(context, 'rejects')
  const [samples] = await partsOf(context, 'rule_samples')
  const found = parsed === undefined ? {} : foundIn(await readFile(parsed.path, 'utf8'))
  const counted = samples === undefined ? '{}' : await readFile(samples.path, 'utf8')
  return {
    ...found,
    submission: inputs.key[2] ?? '',
    layout: valueOf<ParseValue>(there(inputs.of('parse')[0]))?.layout ?? null,
    file: fileWords(delivery?.files.map(({ name }) => name) ?? []),
    period: stamp === undefined ? null : { first: stamp.first_month, last: stamp.last_month },
    verdict: judged.status,
    failed: judged.failed ?? null,
    findings: judged.findings,
    findingsMore: judged.findingsMore,
    samples: {
      ...(JSON.parse(counted) as { readonly line_numbers?: RuleSamples }).line_numbers,
      ...valueOf<CrossFileMeasures>(there(inputs.of('cross_measure')[0]))?.samples,
    },
    places: await firstPlaces(rejects?.path, reasonsOf(found)),
  }
}

async function partsOf(
  { inputs, read }: BuildContext,
  asset: (typeof READS)[number],
): Promise<readonly PartFile[]> {
  const slot = there(inputs.of(asset)[0])
  return slot === undefined ? [] : read(slot)
}

/** A stored report: of a file that could not be read it may lack everything but the reason. */
function foundIn(text: string): ParseFound {
  const { stopped, ...report } = JSON.parse(text) as ParseFound['report'] & ParseFound
  return { stopped, report: 'files' in report ? report : undefined }
}

const FILES_NAMED_MAX = 3

/** `a.csv, b.csv and 3 more` */
function fileWords(names: readonly string[]): string {
  const named = names.slice(0, FILES_NAMED_MAX)
  const more = names.length - named.length
  return named.join(', ') + (more > 0 ? ` and ${more} more` : '')
}
