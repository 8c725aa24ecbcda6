/**
 * Submitters: who delivers files, or, for collected sources, where we fetch them.
 *
 * A submission's state is its submitter's unless a routing rule or a header says otherwise.
 */
import { z } from 'zod'
import { leaf } from './fields.ts'
import { wholeDocument } from './shape.ts'

export const submitterDocument = wholeDocument({
  id: leaf.id,
  name: z.string().min(1),
  state: leaf.state,
  kind: z.enum(['delivers', 'collected']),
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
})
export type SubmitterDocument = z.output<typeof submitterDocument>

export interface Submitter {
  readonly id: string
  readonly name: string
  /** two capital letters */
  readonly state: string
  readonly kind: 'delivers' | 'collected'
  /** undefined: any */
  readonly fileTypes?: readonly string[]
  /** `file_type/layout` or `file_type/layout/version`; undefined: any */
  readonly layouts?: readonly string[]
}

export function submitterOf(document: SubmitterDocument): Submitter {
  const { id: name, file_types: fileTypes, layouts } = document
  return {
    id: name,
    name: document.name,
    state: document.state,
    kind: document.kind,
    ...(fileTypes !== undefined && { fileTypes }),
    ...(layouts !== undefined && { layouts }),
  }
}

/** What a build may read of a submitter: not its display name. */
export const submitterSlice = ({
  id: _,
  name: __,
  ...slice
}: Submitter): Omit<Submitter, 'id' | 'name'> => slice
