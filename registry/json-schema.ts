/** The JSON Schemas (draft 2020-12) by which editors complete and check registry files. */
import { z } from 'zod'
import { canonicalSchemaDocument } from './canonical-schema.ts'
import { codeSetDocument } from './code-set.ts'
import { layoutDocument } from './layout.ts'
import { mappingDocument, mappingTestDocument } from './mapping.ts'
import { routingDocument } from './routing.ts'
import { ruleSetDocument } from './rule-set.ts'
import { submittersDocument } from './submitter.ts'
import { varianceDocument } from './variance.ts'

const DOCUMENTS = {
  'canonical-schema': canonicalSchemaDocument,
  'code-set': codeSetDocument,
  layout: layoutDocument,
  mapping: mappingDocument,
  'mapping-test': mappingTestDocument,
  routing: routingDocument,
  'rule-set': ruleSetDocument,
  submitters: submittersDocument,
  variance: varianceDocument,
} as const

/** The text of each file under `registry/json-schema/`, by file name, as the formatter leaves it. */
export const exportJsonSchemas = (): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(DOCUMENTS).map(([name, schema]) => [`${name}.json`, jsonSchemaText(schema)]),
  )

/** One document's JSON Schema as a file's text. */
export function jsonSchemaText(schema: z.ZodType): string {
  const json = z.toJSONSchema(schema, { io: 'input', target: 'draft-2020-12' })
  return `${shortLists(JSON.stringify(json, null, 2))}\n`
}

const LINE_WIDTH = 100

/** Lists of plain values on one line where they fit. */
function shortLists(text: string): string {
  return text.replaceAll(/^.*\[\n[^[\]{}]*\n *\],?$/gm, (lines) => {
    const line = lines
      .replace(/\[\n */, '[')
      .replace(/\n *\]/, ']')
      .replaceAll(/\n */g, ' ')
    return line.length <= LINE_WIDTH ? line : lines
  })
}
