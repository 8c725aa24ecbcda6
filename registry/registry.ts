/** The registry as the rest of the platform sees it, and as the checks see it before that. */
import type { Json } from '../engine/index.ts'
import type { CanonicalSchema, CanonicalSchemaDocument } from './canonical-schema.ts'
import type { CodeSet, CodeSetDocument } from './code-set.ts'
import type { Layout, LayoutDocument } from './layout.ts'
import type { Mapping, MappingDocument, MappingTest } from './mapping.ts'
import type { RoutingDocument, RoutingRule } from './routing.ts'
import type { RuleSet, RuleSetDocument } from './rule-set.ts'
import type { Source } from './source.ts'
import type { Submitter, SubmitterDocument } from './submitter.ts'
import type { Variance, VarianceDocument } from './variance.ts'

/** Every list is ordered by id (versions as numbers); routing rules keep their files' order. */
export interface Registry {
  readonly layouts: readonly Layout[]
  readonly submitters: readonly Submitter[]
  readonly routing: readonly RoutingRule[]
  readonly schemas: readonly CanonicalSchema[]
  readonly mappings: readonly Mapping[]
  readonly codeSets: readonly CodeSet[]
  readonly ruleSets: readonly RuleSet[]
  readonly variances: readonly Variance[]
  /** the files themselves, for diffs: ordered by kind and id */
  readonly documents: readonly RegistryDocument[]
}

export type DocumentKind =
  | 'layout'
  | 'submitter'
  | 'routing'
  | 'schema'
  | 'mapping'
  | 'mapping_test'
  | 'code_set'
  | 'rules'
  | 'variance'

export interface RegistryDocument {
  readonly what: DocumentKind
  /** unique among documents of its kind, e.g. `medical/synthea/v1` */
  readonly id: string
  /** the file, relative to the project's folder */
  readonly path: string
  /** JSON pointer of the document in its file: empty, or one entry of a list */
  readonly pointer: string
  /** as written, descriptions and all */
  readonly json: Json
  /** what it compiles to, by slice name; only these reach a build */
  readonly slices: Readonly<Record<string, unknown>>
}

/** One document that has the shape of its kind. */
export interface Loaded<Value, Document> {
  readonly what: DocumentKind
  readonly id: string
  readonly value: Value
  readonly document: Document
  readonly source: Source
  /** JSON pointer in the file of a document that is one entry of a list */
  readonly pointer?: string
  readonly slices: Readonly<Record<string, unknown>>
}

/** All documents with the right shape, before they are checked against each other. */
export interface Draft {
  readonly layouts: readonly Loaded<Layout, LayoutDocument>[]
  readonly submitters: readonly Loaded<Submitter, SubmitterDocument>[]
  readonly routing: readonly Loaded<readonly RoutingRule[], RoutingDocument>[]
  readonly schemas: readonly Loaded<CanonicalSchema, CanonicalSchemaDocument>[]
  readonly mappings: readonly Loaded<Mapping, MappingDocument>[]
  readonly mappingTests: readonly Loaded<MappingTest, MappingTest>[]
  readonly codeSets: readonly Loaded<CodeSet, CodeSetDocument>[]
  readonly ruleSets: readonly Loaded<RuleSet, RuleSetDocument>[]
  readonly variances: readonly Loaded<Variance, VarianceDocument>[]
  /** kinds with a file that could not be read: references to them are not judged */
  readonly broken: ReadonlySet<DocumentKind>
}
