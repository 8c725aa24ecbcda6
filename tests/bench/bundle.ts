/**
 * Runs the program and the bench's own scripts as users run the program: bundled, with V8's
 * compile cache.
 *
 * From source a start would cost 0.3 s of type stripping. The bundle is made once a run, outside
 * the repository, so that a clone without dist/ is measured and none is left behind.
 */
import { cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'esbuild'
import type { Command } from './measure.ts'

/** The repository's folder. */
export const REPOSITORY = join(import.meta.dirname, '..', '..')
const DRIVERS = 'tests/bench/drivers'
const NATIVE = ['@duckdb/node-api', 'better-sqlite3', 'parquet-wasm', 'pg', 'pino']
let made: Promise<string> | undefined

/** A script of drivers/ with its arguments; what it prints on stdout is JSON. */
export async function driver(name: string, ...words: readonly string[]): Promise<Command> {
  made ??= bundle()
  const folder = await made
  return {
    command: process.execPath,
    arguments: [join(folder, 'dist', `${name}.js`), ...words],
    environment: { NODE_COMPILE_CACHE: join(folder, 'cache') },
  }
}

/** The program on the bundle; `launched`: through the launcher, as npm scripts are. */
export async function program(words: readonly string[], launched = false): Promise<Command> {
  made ??= bundle()
  const bin = join(await made, 'bin', 'tributary.js')
  const launcher = join(REPOSITORY, '.ci', 'run.mjs')
  return {
    command: process.execPath,
    arguments: [...(launched ? [launcher, 'node'] : []), bin, ...words],
    environment: { NODE_COMPILE_CACHE: join(await made, 'cache') },
  }
}

async function bundle(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'tributary-bench-bundle-'))
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
  for (const name of ['node_modules', 'package.json']) {
    symlinkSync(join(REPOSITORY, name), join(folder, name))
  }
  cpSync(join(REPOSITORY, 'bin'), join(folder, 'bin'), { recursive: true })
  // As .ci/build.mjs makes it.
  await build({
    absWorkingDir: REPOSITORY,
    entryPoints: [
      { in: 'assets/main.ts', out: 'cli' },
      { in: 'engine/table/duck-child.ts', out: 'duck-child' },
      ...[
        'audit',
        'canonical',
        'daemon-load',
        'data-plane',
        'edit',
        'one-source',
        'peers',
        'unchanged',
        'verify',
      ].map((name) => ({
        in: `${DRIVERS}/${name}.ts`,
        out: name,
      })),
    ],
    outdir: join(folder, 'dist'),
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node22',
    external: NATIVE,
    minifySyntax: true,
    minifyWhitespace: true,
    banner: {
      js: "import { createRequire as tributaryRequire } from 'node:module';const require = tributaryRequire(import.meta.url);",
    },
    logLevel: 'warning',
  })
  return folder
}
