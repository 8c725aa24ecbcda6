/**
 * Runs every static check, one after the other, and fails if any of them did.
 *
 * All of them run even when an early one fails: one call shows everything there is to mend.
 */
import { spawnSync } from 'node:child_process'

const CHECKS = [
  ['tsc', '--noEmit'],
  ['oxlint', '--type-aware', '--deny-warnings'],
  ['oxfmt', '--check'],
  ['knip'],
]

const failed = CHECKS.filter(([command, ...options]) => {
  console.log(`\n> ${[command, ...options].join(' ')}`)
  const { status, error } = spawnSync(command, options, {
    stdio: 'inherit',
    shell: process.platform === 'win32',
  })
  if (error !== undefined) console.error(error.message)
  return status !== 0
}).map(([command]) => command)

console.log(failed.length === 0 ? '\ncheck: all passed' : `\ncheck: failed: ${failed.join(', ')}`)
process.exitCode = failed.length === 0 ? 0 : 1
