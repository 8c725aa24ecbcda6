/**
 * Writes every generated file of the repository, or says which are out of date.
 *
 *     npm run gen               writes
 *     npm run gen -- --check    writes nothing; exit code 1 and a list when something differs
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { configDocument } from '../assets/config.ts'
import { policyFiles } from '../minio/policy-files.ts'
import { exportJsonSchemas, jsonSchemaText } from '../registry/json-schema.ts'
import { errorsPage } from './errors-page.ts'

/** Path from the repository's root, and its text. One line per generated file. */
const GENERATED: readonly (readonly [string, () => string])[] = [
  ['docs/errors.md', errorsPage],
  ['registry/json-schema/tributary.json', () => jsonSchemaText(configDocument)],
  ...Object.entries(policyFiles()).map(
    ([name, text]) => [`minio/policies/${name}`, () => text] as const,
  ),
  ...Object.entries(exportJsonSchemas()).map(
    ([name, text]) => [`registry/json-schema/${name}`, () => text] as const,
  ),
]

const isCheck = process.argv.includes('--check')
for (const [path, render] of GENERATED) {
  const file = fileURLToPath(new URL(`../${path}`, import.meta.url))
  const text = render()
  if (existsSync(file) && readFileSync(file, 'utf8') === text) continue
  if (isCheck) {
    console.error(`${path} is out of date: run npm run gen`)
    process.exitCode = 1
  } else {
    writeFileSync(file, text)
    console.log(`wrote ${path}`)
  }
}
