/**
 * Submitters: who delivers files, or, for collected sources, where we fetch them.
 *
 * `registry/submitters.json` lists all of them. A submission's state is its submitter's unless a
 * routing rule or a header says otherwise.
 */
import { z } from 'zod'
import { leaf } from './fields.ts'
import { closed, wholeDocument } from './shape.ts'

const KINDS = ['delivers', 'collected'] as const
/** A new secret beside the last few: each is tried. */
const SECRETS_MAX = 8

const submitter = closed({
  id: leaf.id,
  state: leaf.state,
  name: z.string().min(1).exactOptional().describe('for people; the id by default'),
  kind: z.enum(KINDS).exactOptional().describe('delivers by default'),
  file_types: z
    .array(leaf.fileType)
    .min(1)
    .exactOptional()
    .describe('only these; any when missing'),
  layouts: z
    .array(leaf.layoutReference)
    .min(1)
    .exactOptional()
    .describe('only these; any when missing'),
  secret_refs: z
    .array(leaf.secretRef)
    .min(1)
    .max(SECRETS_MAX)
    .exactOptional()
    .describe(
      'names of secrets that open encrypted packages, tried in order: NORTH_2026 is the value of TRIBUTARY_SECRET_NORTH_2026, or the text of the file that TRIBUTARY_SECRET_NORTH_2026_FILE names; never a secret itself',
    ),
})
export type SubmitterDocument = z.output<typeof submitter>

export const submittersDocument = wholeDocument({ submitters: z.array(submitter) })

export interface Submitter {
  readonly id: string
  readonly name: string
  /** two capital letters */
  readonly state: string
  readonly kind: (typeof KINDS)[number]
  /** undefined: any */
  readonly fileTypes?: readonly string[]
  /** `file_type/layout` or `file_type/layout/version`; undefined: any */
  readonly layouts?: readonly string[]
  /** names of secrets, newest first as a rule; undefined: its packages are not encrypted */
  readonly secretRefs?: readonly string[]
}

export function submitterOf(document: SubmitterDocument): Submitter {
  const { id, name = id, state, kind = 'delivers', layouts } = document
  const { file_types: fileTypes, secret_refs: secretRefs } = document
  return {
    id,
    name,
    state,
    kind,
    ...(fileTypes !== undefined && { fileTypes }),
    ...(layouts !== undefined && { layouts }),
    ...(secretRefs !== undefined && { secretRefs }),
  }
}

/** What a build may read of a submitter: not its display name, and not what opens its packages. */
export const submitterSlice = ({
  id: _,
  name: __,
  secretRefs: ___,
  ...slice
}: Submitter): Omit<Submitter, 'id' | 'name' | 'secretRefs'> => slice
