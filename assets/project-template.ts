/**
 * A new project's files: the shipped registry, schemas and mappings, a configuration with every
 * default named, a .gitignore that keeps data out of git, and a README. With samples, also three
 * submitters and their first deliveries.
 *
 * All of it is decided first and written second: a file that is there already stops everything.
 */
import { existsSync } from 'node:fs'
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { EngineError } from '../engine/index.ts'
import { CONFIG_DEFAULTS, CONFIG_FILE } from './config.ts'
import { firstDeliveries } from './demo-data.ts'

export interface ProjectTemplate {
  /** made where it is missing; may hold other files */
  readonly folder: string
  /** the package's own folder, which holds the shipped registry */
  readonly from: string
  /** three example submitters and their deliveries in the inbox */
  readonly withSamples: boolean
}

interface NewFile {
  /** relative to the project's folder */
  readonly path: string
  readonly text: string
}

const SHIPPED = ['registry', 'schemas', 'mappings'] as const
const SUBMITTERS = 'registry/submitters.json'

/**
 * Writes a new project.
 *
 * @returns the paths written, relative to the folder, in order
 * @throws PROJECT_EXISTS when one of them is there already; nothing is written then
 */
export async function initProject(template: ProjectTemplate): Promise<readonly string[]> {
  const folder = resolve(template.folder)
  const shipped = await shippedFiles(resolve(template.from))
  const files = [
    { path: CONFIG_FILE, text: configText() },
    { path: '.gitignore', text: GITIGNORE },
    { path: 'README.md', text: readmeText(template.withSamples) },
    ...(template.withSamples ? shipped : shipped.map(withoutSubmitters)),
    ...(template.withSamples ? firstDeliveries().map(inInbox) : []),
  ]
  const existing = files.find(({ path }) => existsSync(join(folder, path)))
  if (existing !== undefined)
    throw new EngineError('PROJECT_EXISTS', { folder, path: existing.path })
  for (const { path, text } of files) {
    const file = join(folder, path)
    await mkdir(dirname(file), { recursive: true })
    await writeFile(file, text, { flag: 'wx' })
  }
  await mkdir(join(folder, CONFIG_DEFAULTS.inbox), { recursive: true })
  return files.map(({ path }) => path)
}

const withoutSubmitters = (file: NewFile): NewFile =>
  file.path === SUBMITTERS ? { path: SUBMITTERS, text: NO_SUBMITTERS } : file

const NO_SUBMITTERS = `{
  "$schema": "./json-schema/submitters.json",
  "submitters": []
}
`

const inInbox = ({ path, text }: NewFile): NewFile => ({
  path: `${CONFIG_DEFAULTS.inbox}/${path}`,
  text,
})

/** The JSON documents that ship, by path; a registry's code stays behind. */
async function shippedFiles(root: string): Promise<readonly NewFile[]> {
  const found: NewFile[] = []
  for (const top of SHIPPED) {
    const entries = await readdir(join(root, top), { recursive: true, withFileTypes: true })
    for (const entry of entries) {
      if (!entry.isFile() || !entry.name.endsWith('.json')) continue
      const file = join(entry.parentPath, entry.name)
      const path = file.slice(root.length + 1).replaceAll('\\', '/')
      found.push({ path, text: await readFile(file, 'utf8') })
    }
  }
  return found.toSorted((a, b) => (a.path < b.path ? -1 : 1))
}

const configText = (): string =>
  `${JSON.stringify({ $schema: './registry/json-schema/tributary.json', ...CONFIG_DEFAULTS }, null, 2)}\n`

const GITIGNORE = `# Health data and state stay out of git; what people write goes in.
/data/
/inbox/
/scraped/
/staging/
/.tributary/
`

const readmeText = (withSamples: boolean): string => `# A Tributary project

What people write, and git keeps:

- \`tributary.json\`: where things lie; every setting with its default.
- \`registry/submitters.json\`: who delivers, and for which state.
- \`registry/layouts/{file_type}/{layout}.json\`: what a file looks like.
- \`registry/rules/\`, \`registry/routing/\`: when a submission may be used; which file is which.
- \`schemas/{file_type}/v{n}.json\`: the columns of a canonical table.
- \`mappings/{file_type}/{layout}/v{n}.json\`: from a layout's columns to canonical ones.

What the program keeps, and git does not: \`inbox/\` (deliveries), \`data/\` (tables),
\`staging/\` (lists of what was landed, samples), \`.tributary/\`.

${withSamples ? 'The submitters and every row in the inbox are made up.' : 'First say who delivers: `registry/submitters.json`, an `id` and a `state` each.'}

A delivery is a folder: \`inbox/{submitter}/{any name}/\`, closed by an empty file \`_SUCCESS\`.

    tributary plan                  what would be built, and why
    tributary materialize           builds it
    tributary submissions list      what came in, and what became of it
    tributary query "select * from gold_canonical.medical_claim limit 5"

Other programs read \`data/gold_canonical/*/*/*/*.parquet\`.
`
