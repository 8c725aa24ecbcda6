/**
 * Bundles the program for package users: dist/cli.js, and dist/duck-child.js for the children.
 *
 * Commands are imported lazily, so each becomes a chunk that is read only when it is called; the
 * packages stay outside, so native ones work and users get their security fixes.
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
  ],
  outdir: 'dist',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node22',
  packages: 'external',
  sourcemap: 'linked',
  logLevel: 'warning',
})
