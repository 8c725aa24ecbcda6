/** The values every kind of registry document is made of: ids, months, thresholds, patterns. */
import { z } from 'zod'
import { NAME_PATTERN } from '../engine/index.ts'
import { FILE_TYPE, ID, LAYOUT } from './names.ts'
import { patternFault } from './pattern.ts'
import type { PatternUse } from './pattern.ts'
import { closed, exactlyOne } from './shape.ts'

/** A text that SQL can hold as it is: DuckDB has no NUL, and half a character would become another. */
export const sqlText = z
  .string()
  .refine(
    (text) => !text.includes('\0') && text.isWellFormed(),
    'a text is well-formed Unicode without NUL',
  )

const MONTH = /^\d{4}-(?:0[1-9]|1[0-2])$/

export const leaf = {
  fileType: z.string().regex(FILE_TYPE, `a file type is ${FILE_TYPE.source}`),
  id: z.string().regex(ID, `an id is ${ID.source}`),
  codeSet: z.string().regex(LAYOUT, `a code set is ${LAYOUT.source}`),
  column: z.string().regex(NAME_PATTERN, `a column name is ${NAME_PATTERN.source}`),
  /** `YYYY-MM` */
  month: z.string().regex(MONTH, 'a month is YYYY-MM'),
  /** `YYYY-MM-DD` */
  day: z.iso.date('a day is YYYY-MM-DD'),
  state: z.string().regex(/^[A-Z]{2}$/, 'a state is two capital letters'),
  status: z.enum(['ACTIVE', 'INACTIVE']),
  ruleId: z.string().regex(/^[a-z][a-z0-9_]{0,63}$/, 'a rule id is [a-z][a-z0-9_]*'),
  /** names a secret, and is none: `NORTH_2026`; with `_FILE` behind it a variable names a file */
  secretRef: z
    .string()
    .regex(
      /^(?!.*_FILE$)[A-Z][A-Z0-9_]{0,63}$/,
      'a reference to a secret is [A-Z][A-Z0-9_]*, without _FILE',
    ),
  /** `medical/synthea` or one version of it, `medical/synthea/v1` */
  layoutReference: z
    .string()
    .regex(/^[a-z][a-z0-9_]*\/[a-z0-9_-]+(?:\/[a-z0-9.]+)?$/, 'a layout is file_type/layout'),
  /** what a mapping writes or a rule compares with */
  scalar: z.union([sqlText.max(1024), z.number(), z.boolean()]),
} as const
export type Scalar = z.output<typeof leaf.scalar>

/** A regular expression that JavaScript and RE2 read alike. */
export const pattern = (use: PatternUse) =>
  z.string().superRefine((text, context) => {
    const fault = patternFault(text, use)
    if (fault !== undefined) context.addIssue({ code: 'custom', message: fault })
  })

/** How many records may fail: a number of them, or a share of all. Exactly one is there. */
export const threshold = exactlyOne(
  closed({
    count: z.int().min(0).exactOptional(),
    share: z.number().min(0).max(1).exactOptional(),
  }),
  ['count', 'share'],
)
export interface Threshold {
  /** failures allowed, inclusive */
  readonly count?: number
  /** failures allowed as a share of all records, 0..1, inclusive */
  readonly share?: number
}
