/**
 * For each tidy rule, files that keep it and files that break it: a rule that checks nothing
 * would pass on every tree.
 */
import type { RuleName } from './tidy-rules.ts'

/** Path -> text. */
export type Files = Readonly<Record<string, string>>

interface Seed {
  readonly good: Files
  readonly bad: Files
  /** all that must be reported about `bad` */
  readonly offences: readonly string[]
}

const lines = (count: number): string => Array.from({ length: count }, () => '//').join('\n')
const values = (count: number): string =>
  Array.from({ length: count }, (_, at) => `export const v${at} = ${at}`).join('\n')

export const SEEDS: Readonly<Record<RuleName, Seed>> = {
  'every import stays on its floor or goes down': {
    good: {
      'engine/run/a.ts': `import '../catalog/b.ts'; import './c.ts'; import zod from 'zod'`,
      'engine/index.ts': `export * from './run/a.ts'`,
      'registry/a.ts': `import '../engine/index.ts'`,
      'assets/sources/a.ts': `import '../../registry/b.ts'; import '../paths.ts'`,
      'assets/main.ts': `import '../engine/cli/a.ts'; import '../minio/a.ts'; import './raw.ts'`,
    },
    bad: {
      'engine/core/a.ts': `import type { B } from '../catalog/b.ts'`,
      'engine/catalog/a.ts': `import '../table/b.ts'`,
      'engine/web/a.ts': `await import('../cli/b.ts')`,
      'engine/run/a.ts': `await import(name); import '../index.ts'`,
      'migrations/a.ts': `import '../engine/index.ts'`,
      'minio/a.ts': `export * from '../engine/core/key.ts'`,
      'registry/a.ts': `type K = import('../engine/core/key.ts').Key`,
      'assets/raw.ts': `import './main.ts'; import '../minio/open.ts'`,
      'assets/main.ts': `import '../tests/a.ts'`,
      'elsewhere/a.ts': '',
    },
    offences: [
      'engine/core/a.ts imports engine/catalog/b.ts',
      'engine/catalog/a.ts imports engine/table/b.ts',
      'engine/web/a.ts imports engine/cli/b.ts',
      'engine/run/a.ts imports a name that is not a literal',
      'engine/run/a.ts imports engine/index.ts',
      'migrations/a.ts imports engine/index.ts',
      'minio/a.ts imports engine/core/key.ts',
      'registry/a.ts imports engine/core/key.ts',
      'assets/raw.ts imports assets/main.ts',
      'assets/raw.ts imports minio/open.ts',
      'assets/main.ts imports tests/a.ts',
      'elsewhere/a.ts stands in a folder that has no floor',
    ],
  },
  'pure folders import only the packages listed for them': {
    good: {
      'engine/core/a.ts': `import 'node:crypto'; import 'graphology-dag/topological-sort'`,
      'migrations/a.ts': `import 'kysely'`,
      'engine/run/a.ts': `import 'node:fs'`,
    },
    bad: {
      'engine/core/a.ts': `import 'node:fs'; import 'graphology-layout'`,
      'migrations/a.ts': `await import('pg')`,
    },
    offences: [
      'engine/core/a.ts imports node:fs',
      'engine/core/a.ts imports graphology-layout',
      'migrations/a.ts imports pg',
    ],
  },
  'each I/O package is imported in its one home folder': {
    good: { 'engine/catalog/a.ts': `import 'pg'`, 'minio/a.ts': `import '@aws-sdk/client-s3'` },
    bad: {
      'engine/run/a.ts': `import 'pg'; import 'pg-boss'; import 'undici'`,
      'registry/a.ts': `import type { Logger } from 'pino'`,
      'assets/main.ts': `await import('@duckdb/node-api')`,
    },
    offences: [
      'engine/run/a.ts imports pg, whose home is engine/catalog',
      'engine/run/a.ts imports undici, whose home is engine/collect',
      'registry/a.ts imports pino, whose home is engine/run',
      'assets/main.ts imports @duckdb/node-api, whose home is engine/table',
    ],
  },
  'clock, randomness and environment come from engine/run': {
    good: {
      'engine/run/a.ts': 'Date.now()',
      'assets/main.ts': 'process.argv',
      'registry/a.ts': `new Date(text); Date.UTC(2024); import { hash } from 'node:crypto'`,
    },
    bad: {
      'engine/core/a.ts': `import { randomBytes } from 'node:crypto'; Date.now()`,
      'engine/catalog/a.ts': 'new Date(); Math.random()',
      'engine/table/a.ts': 'const { env } = process; performance.now()',
      'registry/a.ts': `process.env['HOME']; Date()`,
      'assets/raw.ts': `import { v7 } from 'uuid'; crypto.randomUUID()`,
    },
    offences: [
      'engine/core/a.ts uses node:crypto#randomBytes',
      'engine/core/a.ts uses Date.now',
      'engine/catalog/a.ts uses new Date',
      'engine/catalog/a.ts uses Math.random',
      'engine/table/a.ts uses process',
      'engine/table/a.ts uses performance.now',
      'registry/a.ts uses process.env',
      'registry/a.ts uses Date()',
      'assets/raw.ts uses uuid#v7',
      'assets/raw.ts uses crypto.randomUUID',
    ],
  },
  'no import cycles, dynamic and type imports included': {
    good: { 'engine/core/a.ts': `import './b.ts'`, 'engine/core/b.ts': '' },
    bad: {
      'engine/core/a.ts': `import './b.ts'`,
      'engine/core/b.ts': `import type { C } from './c.ts'`,
      'engine/core/c.ts': `await import('./a.ts')`,
    },
    offences: [
      'engine/core/a.ts imports itself: engine/core/a.ts -> engine/core/b.ts -> ' +
        'engine/core/c.ts -> engine/core/a.ts',
    ],
  },
  'only the allowed barrels re-export': {
    good: {
      'engine/index.ts': `export * from './core/a.ts'`,
      'engine/core/a.ts': 'export const a = 1',
    },
    bad: { 'engine/core/index.ts': '', 'registry/a.ts': `export type { B } from './b.ts'` },
    offences: ['engine/core/index.ts is a barrel', 'registry/a.ts re-exports from ./b.ts'],
  },
  'no file passes 450 lines': {
    good: { 'engine/core/a.ts': `${lines(450)}\n` },
    bad: { 'engine/core/a.ts': lines(451) },
    offences: ['engine/core/a.ts has 451 lines'],
  },
  'no test file passes 250 lines': {
    good: { 'tests/a.test.ts': lines(250), 'engine/core/a.ts': lines(251) },
    bad: { 'tests/a.test.ts': lines(251) },
    offences: ['tests/a.test.ts has 251 lines'],
  },
  'no function passes 70 lines': {
    good: { 'engine/core/a.ts': `function a() {\n${lines(68)}\n}` },
    bad: { 'engine/core/a.ts': `\nconst a = () => {\n${lines(69)}\n}` },
    offences: ['engine/core/a.ts line 2: a function of 71 lines'],
  },
  'no file exports more than 8 values': {
    good: {
      'engine/core/a.ts': `${values(8)}\nexport type T = string`,
      'engine/index.ts': values(9),
    },
    bad: { 'engine/core/a.ts': values(9), 'engine/core/b.ts': `${values(8)}\nexport { c as d }` },
    offences: ['engine/core/a.ts exports 9 values', 'engine/core/b.ts exports 9 values'],
  },
  'no type holes': {
    good: { 'engine/core/a.ts': 'const a = b as string as C; const d = JSON.parse(e) as unknown' },
    bad: { 'engine/core/a.ts': 'const a =\n  b as unknown as C\nconst d = (b as any) as C' },
    offences: [
      'engine/core/a.ts casts through unknown, any or never in line 2',
      'engine/core/a.ts casts through unknown, any or never in line 3',
    ],
  },
  'names say what they mean': {
    good: {
      'engine/core/a.ts': 'interface Log { info(): void }; const { item } = x',
      'engine/core/b.ts': 'const basename = childProcess, processId = handled',
    },
    bad: {
      'engine/core/file-utils.ts': '',
      'engine/core/a.ts': 'class RunManager { #fileHandle = 1 }; const f = (items) => 1',
      'engine/core/b.ts': 'function processRow({ row: rowInfo }) {}; type A = { base_url: string }',
    },
    offences: [
      'engine/core/file-utils.ts named engine/core/file-utils',
      'engine/core/a.ts named RunManager',
      'engine/core/a.ts named fileHandle',
      'engine/core/a.ts named items',
      'engine/core/b.ts named processRow',
      'engine/core/b.ts named rowInfo',
      'engine/core/b.ts named base_url',
    ],
  },
  'exported functions and classes of the engine have a docstring': {
    good: {
      'engine/core/a.ts':
        '/** Does a. */\nexport function a(): void\nexport function a() {}\nexport const b = 1',
      'registry/a.ts': 'export const a = () => 1',
    },
    bad: {
      'engine/core/a.ts': '/* no */\nexport const a = () => 1\nclass B {}\nexport { B }',
      'engine/core/b.ts': '/** of one */\nconst one = 1\nexport class C {}',
    },
    offences: [
      'engine/core/a.ts a has no docstring',
      'engine/core/a.ts B has no docstring',
      'engine/core/b.ts C has no docstring',
    ],
  },
  'no test mocks a module or is left out': {
    good: { 'tests/a.test.ts': `vi.fn(); test.skipIf(true)('a', f); context.skip('no folder')` },
    bad: { 'tests/a.test.ts': `vi.mock('./a.ts'); vi.doMock('./b.ts'); it.skip('a', f)` },
    offences: [
      'tests/a.test.ts uses vi.mock',
      'tests/a.test.ts uses vi.doMock',
      'tests/a.test.ts uses it.skip',
    ],
  },
}
