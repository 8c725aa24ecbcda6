#!/usr/bin/env node
// The command: the bundle where there is one, else the source, which Node runs as it is.
import { existsSync } from 'node:fs'
import module from 'node:module'

const [major, minor, patch] = process.versions.node.split('.').map(Number)
const is22 = major === 22 && (minor > 22 || (minor === 22 && patch >= 2))
if (is22 || (major === 24 && minor >= 15) || major >= 26) {
  module.enableCompileCache()
  const bundle = new URL('../dist/cli.js', import.meta.url)
  const source = new URL('../assets/main.ts', import.meta.url)
  const { main } = await import((existsSync(bundle) ? bundle : source).href)
  process.exitCode = await main(process.argv.slice(2))
} else {
  console.error(`tributary needs Node 22.22.2, 24.15 or 26; this is ${process.version}.`)
  console.error('In a clone its own Node is used by: node .ci/run.mjs node bin/tributary.js')
  process.exitCode = 2
}
