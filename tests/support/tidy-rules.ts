/**
 * The shape of the source tree as rules: each takes the modules and returns what offends.
 *
 * FLOORS is the architecture: a module may import its own folder and what its floor lists,
 * nothing else. HOMES gives each package that does I/O one folder.
 */
import type { DeclaredName } from './declared-names.ts'
import type { Module } from './source-tree.ts'

/** One breach of a rule. */
export interface Offence {
  readonly path: string
  readonly what: string
}
export type Rule = (modules: readonly Module[]) => readonly Offence[]

const ENGINE_BELOW_RUN = ['engine/core', 'engine/catalog', 'engine/table', 'engine/collect']

/** Folder or file -> what it may import of ours, besides its own folder. First match wins. */
const FLOORS: readonly (readonly [string, readonly string[]])[] = [
  ['engine/index.ts', ['engine']],
  ['engine/core', []],
  ['engine/catalog', ['engine/core']],
  ['engine/table', ['engine/core']],
  ['engine/collect', ['engine/core']],
  ['engine/run', ENGINE_BELOW_RUN],
  ['engine/cli', [...ENGINE_BELOW_RUN, 'engine/run']],
  ['engine/web', [...ENGINE_BELOW_RUN, 'engine/run']],
  ['migrations', []],
  ['minio', ['engine/index.ts']],
  ['registry', ['engine/index.ts']],
  ['assets/main.ts', ['engine', 'assets', 'registry', 'minio', 'migrations']],
  ['assets', ['engine/index.ts', 'registry']],
]
const COMPOSITION_ROOT = 'assets/main.ts'

/** Package -> the one folder that may import it. */
const HOMES: ReadonlyMap<string, string> = new Map([
  ['pg', 'engine/catalog'],
  ['better-sqlite3', 'engine/catalog'],
  ['@duckdb/node-api', 'engine/table'],
  ['parquet-wasm', 'engine/table'],
  ['apache-arrow', 'engine/table'],
  ['yauzl', 'engine/table'],
  ['yazl', 'engine/table'],
  ['tar-stream', 'engine/table'],
  ['undici', 'engine/collect'],
  ['@aws-sdk', 'minio'],
  ['commander', 'engine/cli'],
  ['log-update', 'engine/cli'],
  ['picocolors', 'engine/cli'],
  ['@bomb.sh/tab', 'engine/cli'],
  ['pino', 'engine/run'],
  ['croner', 'engine/run'],
  ['cockatiel', 'engine'],
  ['hono', 'engine/web'],
  ['@hono/node-server', 'engine/web'],
  ['@prometheus-io/client', 'engine/web'],
  ['pg-boss', 'engine/run'],
])

/** Folders that name every package they may import. */
const PACKAGES: readonly (readonly [string, readonly string[]])[] = [
  ['engine/core', ['node:crypto', 'graphology', 'graphology-dag', 'graphology-types']],
  ['migrations', ['kysely', 'node:crypto']],
]

/** Folders without a clock, randomness, environment or process of their own. */
const SETTLED = ['engine/core', 'engine/catalog', 'engine/table', 'registry', 'assets']
const AMBIENT =
  /^(Date\.now|Date\(\)|new Date|Math\.random|(performance|process|crypto)(\..*)?|node:(process|os|perf_hooks)#.*|node:crypto#(random.*|webcrypto)|uuid#.*)$/

const BARRELS = new Set([
  'engine/index.ts',
  'assets/index.ts',
  'assets/sources/index.ts',
  'migrations/index.ts',
])
const BANNED_WORDS = new Set(
  'manager helper util handle processor info item obj misc common base'.split(' '),
)
const FILE_LINES_MAX = 450
const TEST_FILE_LINES_MAX = 250
const FUNCTION_LINES_MAX = 70
const EXPORTS_MAX = 8

const isUnder = (path: string, folder: string): boolean =>
  path === folder || path.startsWith(`${folder}/`)
const isTest = ({ path }: Module): boolean => isUnder(path, 'tests')
const sources = (modules: readonly Module[]): readonly Module[] =>
  modules.filter((module) => !isTest(module))

/** Turns «what offends in this module» into a rule over all modules but the tests. */
const perSource =
  (offences: (module: Module) => readonly string[]): Rule =>
  (modules) =>
    sources(modules).flatMap((module) =>
      offences(module).map((what) => ({ path: module.path, what })),
    )

function floorOffences({ path, imports }: Module): string[] {
  const floor = FLOORS.find(([folder]) => isUnder(path, folder))
  if (floor === undefined) return ['stands in a folder that has no floor']
  const [home, below] = floor
  return imports.flatMap(({ specifier, target }) => {
    if (specifier === undefined) return ['imports a name that is not a literal']
    if (target === undefined) return []
    const isAllowed = [home, ...below].some((folder) => isUnder(target, folder))
    return isAllowed && target !== COMPOSITION_ROOT ? [] : [`imports ${target}`]
  })
}

/** `@aws-sdk/client-s3` is under `@aws-sdk`; `pg-protocol` is not under `pg`. */
const packageOffences = ({ path, imports }: Module): string[] =>
  imports.flatMap(({ specifier, target }) => {
    if (specifier === undefined || target !== undefined) return []
    const allowed = PACKAGES.find(([folder]) => isUnder(path, folder))?.[1]
    const isAllowed = allowed?.some((name) => isUnder(specifier, name)) ?? true
    return isAllowed ? [] : [`imports ${specifier}`]
  })

const homeOffences = ({ path, imports }: Module): string[] =>
  imports.flatMap(({ specifier = '' }) =>
    [...HOMES]
      .filter(([name, home]) => isUnder(specifier, name) && !isUnder(path, home))
      .map(([name, home]) => `imports ${name}, whose home is ${home}`),
  )

const ambientOffences = ({ path, uses }: Module): string[] =>
  SETTLED.some((folder) => isUnder(path, folder)) && path !== COMPOSITION_ROOT
    ? [...new Set(uses.filter((use) => AMBIENT.test(use)))].map((use) => `uses ${use}`)
    : []

/** Depth first; each module is entered once, so each cycle is met at one of its edges back. */
function cycleOffences(modules: readonly Module[]): Offence[] {
  const byPath = new Map(modules.map((module) => [module.path, module]))
  const done = new Set<string>()
  const offences: Offence[] = []
  const visit = (path: string, road: readonly string[]): void => {
    if (road.includes(path)) {
      const cycle = [...road.slice(road.indexOf(path)), path]
      offences.push({ path, what: `imports itself: ${cycle.join(' -> ')}` })
      return
    }
    if (done.has(path)) return
    for (const { target } of byPath.get(path)?.imports ?? []) {
      if (target !== undefined) visit(target, [...road, path])
    }
    done.add(path)
  }
  for (const { path } of modules) visit(path, [])
  return offences
}

const wordsOf = (name: string): string[] =>
  name
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z0-9]+/)

/** Whether a name says nothing. `info` alone is a log level; `process` is banned as a verb. */
function isBannedName({ name, role }: DeclaredName): boolean {
  const words = wordsOf(name)
  if (role === 'function' && words[0] === 'process') return true
  if (role === 'member' && name === 'info') return false
  return words.some((word) => BANNED_WORDS.has(word) || BANNED_WORDS.has(word.replace(/s$/, '')))
}

const namingOffences = ({ path, names }: Module): string[] => {
  const file: DeclaredName = { name: path.replace(/\.ts$/, ''), role: 'value' }
  const banned = [file, ...names].filter(isBannedName).map(({ name }) => `named ${name}`)
  return [...new Set(banned)]
}

const mockOffences = (modules: readonly Module[]): Offence[] =>
  modules.flatMap(({ path, uses }) =>
    uses
      .filter((use) => /^vi\.(do|un|doUn)?mock|^(it|test|describe)\.(only|skip|todo)$/i.test(use))
      .map((use) => ({ path, what: `uses ${use}` })),
  )

/** Every rule, under the sentence it stands for. */
export const RULES = {
  'every import stays on its floor or goes down': perSource(floorOffences),
  'pure folders import only the packages listed for them': perSource(packageOffences),
  'each I/O package is imported in its one home folder': perSource(homeOffences),
  'clock, randomness and environment come from engine/run': perSource(ambientOffences),
  'no import cycles, dynamic and type imports included': (modules) =>
    cycleOffences(sources(modules)),
  'only the allowed barrels re-export': perSource(({ path, imports }) =>
    BARRELS.has(path)
      ? []
      : [
          ...(path.endsWith('/index.ts') ? ['is a barrel'] : []),
          ...imports.filter((i) => i.isReexport).map((i) => `re-exports from ${i.specifier}`),
        ],
  ),
  'no file passes 450 lines': perSource(({ lineCount }) =>
    lineCount > FILE_LINES_MAX ? [`has ${lineCount} lines`] : [],
  ),
  'no test file passes 250 lines': (modules) =>
    modules
      .filter(
        (module) =>
          isTest(module) &&
          module.lineCount >
            (module.path.endsWith('.test.ts') ? TEST_FILE_LINES_MAX : FILE_LINES_MAX),
      )
      .map(({ path, lineCount }) => ({ path, what: `has ${lineCount} lines` })),
  'no function passes 70 lines': perSource(({ functions }) =>
    functions
      .filter(({ lineCount }) => lineCount > FUNCTION_LINES_MAX)
      .map(({ line, lineCount }) => `line ${line}: a function of ${lineCount} lines`),
  ),
  'no file exports more than 8 values': perSource(({ path, exportedValues }) =>
    exportedValues.length > EXPORTS_MAX && !BARRELS.has(path)
      ? [`exports ${exportedValues.length} values`]
      : [],
  ),
  'no type holes': perSource(({ typeHoleLines }) =>
    typeHoleLines.map((line) => `casts through unknown, any or never in line ${line}`),
  ),
  'names say what they mean': perSource(namingOffences),
  'exported functions and classes of the engine have a docstring': perSource(
    ({ path, undocumented }) =>
      isUnder(path, 'engine') ? undocumented.map((name) => `${name} has no docstring`) : [],
  ),
  'no test mocks a module or is left out': mockOffences,
} as const satisfies Readonly<Record<string, Rule>>

export type RuleName = keyof typeof RULES
