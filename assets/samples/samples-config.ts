/** The sampler's part of tributary.json: what is sampled, how much of it, and when it looks. */
import { z } from 'zod'
import { STRATEGIES } from '../../engine/index.ts'
import type { Strategy } from '../../engine/index.ts'
import { DURATION, intervalMs } from '../duration.ts'
import type { Environment, Setting } from '../setting.ts'
import { firstOf } from '../setting.ts'

export const SAMPLES_DEFAULTS = {
  from: 'bronze',
  records: 100,
  strategy: 'head',
  read_bytes: 1_000_000,
  every: '60s',
  ledger: '.tributary/samples.db',
  roots: [],
  asset: false,
  daemon: false,
} as const

const FROM = ['bronze', 'raw'] as const
export const RECORDS_MAX = 10_000
const READ_BYTES_MIN = 65_536
const READ_BYTES_MAX = 256 * 1024 ** 2

export const samplesDocument = z.strictObject({
  from: z
    .enum(FROM)
    .exactOptional()
    .describe(
      'bronze: what has landed; raw: what was delivered, early, names with temp_ left out; bronze by default',
    ),
  records: z
    .int()
    .min(1)
    .max(RECORDS_MAX)
    .exactOptional()
    .describe('records of a sample; 100 by default'),
  strategy: z
    .enum(STRATEGIES)
    .exactOptional()
    .describe(
      'which records: the first, the last, some of all, or what would be refused; head by default',
    ),
  read_bytes: z
    .int()
    .min(READ_BYTES_MIN)
    .max(READ_BYTES_MAX)
    .exactOptional()
    .describe('bytes read of a file at most; 1,000,000 by default'),
  every: z
    .string()
    .regex(DURATION, 'a duration is a whole number and s, m or h, as in 60s')
    .exactOptional()
    .describe('how often --watch looks at the manifests; 60s by default'),
  ledger: z
    .string()
    .exactOptional()
    .describe(
      'what was sampled: a SQLite file, or a postgres:// URL of a database of its own; .tributary/samples.db by default',
    ),
  roots: z
    .array(z.string().min(1))
    .max(20)
    .exactOptional()
    .describe('further folders that manifests of others may name files in; none by default'),
  asset: z
    .boolean()
    .exactOptional()
    .describe(
      'the asset `sample` too: samples of landed submissions in the store; false by default',
    ),
  daemon: z
    .boolean()
    .exactOptional()
    .describe(
      'a sensor of the daemon makes samples; false by default: tributary samples make --watch does',
    ),
})

export interface SamplesConfig {
  readonly from: Setting<(typeof FROM)[number]>
  readonly records: Setting<number>
  readonly strategy: Setting<Strategy>
  readonly readBytesMax: Setting<number>
  readonly everyMs: Setting<number>
  /** a path is not absolute yet */
  readonly ledger: Setting<string>
  readonly roots: Setting<readonly string[]>
  readonly asset: Setting<boolean>
  readonly daemon: Setting<boolean>
  /** of the tokens of masked samples; undefined: a file of the project, made when it is needed */
  readonly key: Setting<string> | undefined
}

/** Fills in what the document leaves out. */
export function readSamplesConfig(
  document: z.output<typeof samplesDocument> | undefined,
  environment: Environment,
): SamplesConfig {
  const of = <Name extends keyof typeof SAMPLES_DEFAULTS>(name: Name) =>
    document?.[name] === undefined
      ? ({ value: SAMPLES_DEFAULTS[name], origin: 'default' } as const)
      : ({ value: document[name], origin: 'tributary.json' } as const)
  const every = of('every')
  const key = firstOf(environment, ['TRIBUTARY_SAMPLE_KEY'])
  return {
    from: of('from'),
    records: of('records'),
    strategy: of('strategy'),
    readBytesMax: of('read_bytes'),
    everyMs: { value: intervalMs(every.value), origin: every.origin },
    ledger: firstOf(environment, ['TRIBUTARY_SAMPLE_LEDGER']) ?? of('ledger'),
    roots: of('roots'),
    asset: of('asset'),
    daemon: of('daemon'),
    key: key === undefined ? undefined : { ...key, isSecret: true },
  }
}
