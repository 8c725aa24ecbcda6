#!/usr/bin/env node
// The command: the bundle where there is one, else the source, which Node runs as it is.
import { existsSync } from 'node:fs'
import module from 'node:module'
import { fileURLToPath } from 'node:url'

const [major, minor, patch] = process.versions.node.split('.').map(Number)
const is22 = major === 22 && (minor > 22 || (minor === 22 && patch >= 2))
const launcher = new URL('../.ci/run.mjs', import.meta.url)
if (is22 || (major === 24 && minor >= 15) || major >= 26) {
  module.enableCompileCache()
  const bundle = new URL('../dist/cli.js', import.meta.url)
  const source = new URL('../assets/main.ts', import.meta.url)
  const { main } = await import((existsSync(bundle) ? bundle : source).href)
  process.exitCode = await main(process.argv.slice(2))
} else if (existsSync(launcher) && process.env.TRIBUTARY_LAUNCHED === undefined) {
  // A clone has a Node of its own.
  process.env.TRIBUTARY_LAUNCHED = '1'
  process.argv.splice(2, 0, 'node', fileURLToPath(import.meta.url))
  await import(launcher.href)
} else {
  console.error(`tributary needs Node 22.22.2, 24.15 or 26; this is ${process.version}.`)
  process.exitCode = 2
}
