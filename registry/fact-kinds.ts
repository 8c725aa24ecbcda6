/** The kinds of registry fact. Apart from what reads them, so that declaring assets reads nothing. */

/** The kinds of fact and the dimensions of their keys. */
export const FACT_DIMENSIONS = {
  code_set: ['code_set'],
  layout_judge: ['file_type', 'layout', 'version'],
  layout_parse: ['file_type', 'layout', 'version'],
  /** there where some column is personal */
  layout_phi: ['file_type', 'layout', 'version'],
  mapping: ['file_type', 'layout'],
  /** there where a rule looks at months of this file type that are not the submission's own */
  read_across: ['file_type'],
  rules_judge: ['file_type', 'layout'],
  rules_measure: ['file_type', 'layout'],
  schema: ['file_type'],
  submitter: ['submitter'],
  variances: ['submitter', 'file_type'],
} as const
export type FactKind = keyof typeof FACT_DIMENSIONS
