/**
 * Bundles the program for package users: dist/cli.js, and dist/duck-child.js, table-child.js and sample-child.js for the children.
 *
 * Commands are imported lazily, so each becomes a chunk that is read only when it is called. Packages
 * with native or wasm binaries stay outside; the others are bundled, because reading their hundreds
 * of files is what start-up would be spent on (kysely alone: 108 ms from node_modules).
 */
import { rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = fileURLToPath(new URL('..', import.meta.url))
rmSync(new URL('../dist', import.meta.url), { recursive: true, force: true })
await build({
  absWorkingDir: root,
  entryPoints: [
    { in: 'assets/main.ts', out: 'cli' },
    { in: 'engine/table/duck-child.ts', out: 'duck-child' },
    { in: 'engine/table/table-child.ts', out: 'table-child' },
    { in: 'assets/samples/sample-child.ts', out: 'sample-child' },
  ],
  outdir: 'dist',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node22',
  external: ['@duckdb/node-api', 'better-sqlite3', 'parquet-wasm', 'pg', 'pino'],
  minifySyntax: true,
  minifyWhitespace: true,
  // Bundled CommonJS packages ask for Node's own modules by require.
  banner: {
    js: "import { createRequire as tributaryRequire } from 'node:module';const require = tributaryRequire(import.meta.url);",
  },
  sourcemap: 'linked',
  logLevel: 'warning',
})
