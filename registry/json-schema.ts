/** The JSON Schemas (draft 2020-12) by which editors complete and check registry files. */
import { z } from 'zod'
import { canonicalSchemaDocument } from './canonical-schema.ts'
import { layoutDocument } from './layout.ts'
import { mappingDocument, mappingTestDocument } from './mapping.ts'
import { routingDocument } from './routing.ts'
import { ruleSetDocument } from './rule-set.ts'
import { submitterDocument } from './submitter.ts'
import { varianceDocument } from './variance.ts'

const DOCUMENTS = {
  'canonical-schema': canonicalSchemaDocument,
  layout: layoutDocument,
  mapping: mappingDocument,
  'mapping-test': mappingTestDocument,
  routing: routingDocument,
  'rule-set': ruleSetDocument,
  submitter: submitterDocument,
  variance: varianceDocument,
} as const

/** The text of each file under `registry/json-schema/`, by file name. */
export const exportJsonSchemas = (): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(DOCUMENTS).map(([name, schema]) => [
      `${name}.json`,
      `${JSON.stringify(z.toJSONSchema(schema, { io: 'input', target: 'draft-2020-12' }), null, 2)}\n`,
    ]),
  )
