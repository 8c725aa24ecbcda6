/**
 * canonical gold: one statewide table a month, one sorted part for each submitter.
 *
 * A part depends on its submitter's month, on its layout's rules in force that month and on the
 * schema, so a new winner rewrites one part and a mapping edit the parts of that layout.
 */
import { join } from 'node:path'
import type {
  BuildContext,
  BuildResult,
  DuckPool,
  Inputs,
  Outline,
  Slot,
  StoredAsset,
} from '../engine/index.ts'
import {
  EngineError,
  STATEMENTS_PER_COPY,
  byKey,
  copyParts,
  defineAsset,
  formatKey,
  isEngineError,
  nodeText,
  parseKey,
} from '../engine/index.ts'
import type { CanonicalColumn } from '../registry/canonical-schema.ts'
import type { MappingQuery } from '../registry/mapping-sql.ts'
import type { Mapping, MonthMapping } from '../registry/mapping.ts'
import { mappingForMonth } from '../registry/mapping-month.ts'
import { CANONICAL_MONTH, asJson, layoutParts, valueOf } from './facts.ts'
import { canonicalGoldPath } from './paths.ts'
import type { SubmitterGoldValue } from './submitter-gold.ts'

interface SchemaSlice {
  readonly version: string
  readonly columns: readonly CanonicalColumn[]
}

/** The rules of one layout's mapping in force in one month; exists because a month reads it. */
export const mappingMonth = defineAsset({
  kind: 'value',
  name: 'mapping_month',
  dimensions: ['file_type', 'layout', 'atomic_month'],
  description: 'the rules of a mapping in force in one month',
  recipe: '1',
  // A wide schema's mapping is over 4 KB (165 columns: about 10), and the build reads it whole.
  valueBytesMax: 256 * 1024,
  reads: {
    assets: ['mapping'],
    nodes: ([fileType = '', layout = '']) => [
      { asset: 'mapping', key: formatKey([fileType, layout]) },
    ],
  },
  evaluate: (inputs) => {
    const mapping = valueOf<Pick<Mapping, 'schema' | 'columns'>>(inputs.of('mapping')[0])
    return mapping && asJson(mappingForMonth(mapping, inputs.key[2] ?? ''))
  },
})

/** The rules that a submitter's rows are mapped by: its layout's, this month. */
const mappingKey = (gold: Slot, month: string): string => {
  const { fileType, layout } = layoutParts(valueOf<SubmitterGoldValue>(gold)?.layout ?? '')
  return formatKey([fileType, layout, month])
}

/** `gold_submitter` keys are (state, file type, submitter, month). */
const submitterOf = (gold: Slot): string => parseKey(gold.key)[2] ?? ''

export function canonicalGoldAsset(duck: DuckPool): StoredAsset {
  return defineAsset({
    kind: 'stored',
    name: 'gold_canonical',
    dimensions: CANONICAL_MONTH,
    description: 'one statewide table a month in the canonical schema',
    tags: ['phi', 'gold'],
    recipe: '1',
    from: {
      gold_submitter: byKey(([state = '', fileType = '', , month = '']) => [
        [state, fileType, month],
      ]),
    },
    reads: {
      assets: ['mapping_month', 'schema'],
      nodes: ([, fileType = '', month = ''], golds) => [
        { asset: 'schema', key: fileType },
        ...golds.map((gold) => ({ asset: 'mapping_month', key: mappingKey(gold, month) })),
      ],
    },
    outline,
    summarize: (parts) => ({ rows: parts.reduce((sum, part) => sum + (part.rows ?? 0), 0) }),
    publish: ([state = '', fileType = '', month = '']) => ({
      path: canonicalGoldPath({ state, fileType, month }),
      mode: 'folder',
    }),
    build: async (context) => build(context, duck),
  })
}

function outline(inputs: Inputs): Outline {
  const [, fileType = '', month = ''] = inputs.key
  const golds = inputs.of('gold_submitter')
  if (golds.length === 0) return { verdict: 'retire', why: 'no submitter has rows in this month' }
  if (inputs.of('schema').length === 0) {
    return { verdict: 'blocked', why: `${fileType} has no active canonical schema` }
  }
  const mapped = new Set(inputs.of('mapping_month').map((slot) => slot.key))
  const unmapped = golds.find((gold) => !mapped.has(mappingKey(gold, month)))
  if (unmapped !== undefined) {
    const layout = valueOf<SubmitterGoldValue>(unmapped)?.layout ?? ''
    return {
      verdict: 'blocked',
      why: `the winner of ${submitterOf(unmapped)} has layout ${layout}, which has no mapping to the active schema`,
    }
  }
  return {
    verdict: 'build',
    parts: golds.map((gold) => ({
      name: partName(gold),
      reads: (slot) =>
        slot.asset === 'schema' ||
        (slot.asset === 'gold_submitter' && slot.key === gold.key) ||
        (slot.asset === 'mapping_month' && slot.key === mappingKey(gold, month)),
    })),
  }
}

const partName = (gold: Slot): string => `part-${submitterOf(gold)}.parquet`

async function build(context: BuildContext, duck: DuckPool): Promise<BuildResult> {
  const { mappingSelect } = await import('../registry/mapping-sql.ts')
  const { LINEAGE_COLUMNS } = await import('../registry/canonical-schema.ts')
  const scratch = await context.scratch()
  const wanted = new Map((context.parts ?? []).map((part) => [part.name, part]))
  const golds = context.inputs.of('gold_submitter').filter((gold) => wanted.has(partName(gold)))
  const copies = await Promise.all(
    golds.map(async (gold, at) => {
      const builtAt = wanted.get(partName(gold))?.firstWantedAt ?? ''
      const files = await context.read({ asset: gold.asset, key: gold.key })
      const view = `silver_${at}`
      const query = queryOf(context.inputs, { gold, builtAt, view })
      const lineage = LINEAGE_COLUMNS.map((name) => ({ name, type: lineageType(name) }))
      return {
        select: mappingSelect(query),
        order: ['line_number'],
        view,
        parts: files.map((file) => file.path),
        out: join(scratch, partName(gold)),
        columns: [...query.columns.map(({ name, type }) => ({ name, type })), ...lineage],
      }
    }),
  )
  const made = await copyParts(copies, { duck, signal: context.signal }).catch((error: unknown) => {
    throw castFailure(error, { node: nodeText(context.node), golds })
  })
  for (const [at, gold] of golds.entries()) checkRows(context, gold, made[at]?.rows)
  return {
    parts: made.map(({ path, rows }, at) => ({
      name: partName(golds[at] as Slot),
      from: { file: path },
      rows,
    })),
  }
}

const lineageType = (name: string): string =>
  name === 'canonical_built_at' ? 'TIMESTAMP' : 'VARCHAR'

/** What maps one submitter's rows of the month onto canonical rows. */
function queryOf(
  inputs: Inputs,
  { gold, builtAt, view }: { readonly gold: Slot; readonly builtAt: string; readonly view: string },
): MappingQuery {
  const [state = '', fileType = '', month = ''] = inputs.key
  const value = valueOf<SubmitterGoldValue>(gold)
  const schema = valueOf<SchemaSlice>(inputs.one('schema'))
  const rules = inputs.of('mapping_month').find((slot) => slot.key === mappingKey(gold, month))
  const mapping = valueOf<MonthMapping>(rules)
  if (value === undefined || schema === undefined || mapping === undefined) {
    throw new TypeError('a canonical part has its inputs')
  }
  return {
    mapping,
    columns: schema.columns,
    view,
    lineage: {
      state,
      fileType,
      atomicMonth: month,
      submitterId: submitterOf(gold),
      submissionId: value.submission,
      layoutId: value.layout,
      schemaVersion: schema.version,
      builtAt,
    },
  }
}

/** One canonical row for each row of the submitter's month. Throws ROWS_NOT_CONSERVED. */
function checkRows(context: BuildContext, gold: Slot, rowsOut = 0): void {
  const rowsIn = valueOf<SubmitterGoldValue>(gold)?.rows ?? 0
  if (rowsIn === rowsOut) return
  const node = nodeText(context.node)
  throw new EngineError('ROWS_NOT_CONSERVED', { node, part: partName(gold), rowsIn, rowsOut })
}

/** What DuckDB calls a value, or a column's type, that a rule cannot take. */
const MAPPING_FAULTS = ['Binder', 'Conversion', 'Invalid Input', 'Out of Range']

/** A value that does not become its column's type is the mapping's fault, not the machine's. */
function castFailure(
  error: unknown,
  { node, golds }: { readonly node: string; readonly golds: readonly Slot[] },
): unknown {
  if (!isEngineError(error, 'DUCK_TASK_FAILED')) return error
  if (!MAPPING_FAULTS.includes(error.context.kind)) return error
  const gold = golds[Math.floor(error.context.statement / STATEMENTS_PER_COPY)]
  const layout = valueOf<SubmitterGoldValue>(gold)?.layout ?? ''
  return new EngineError('MAPPING_CAST_FAILED', { node, layout }, { cause: error })
}
