/**
 * The default tier: everything that runs on a plain clone. tests/services needs servers that
 * people start, tests/faults/nightly takes hours; both are called by their own names.
 */
import { configDefaults, defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['tests/**/*.test.ts'],
    exclude: [...configDefaults.exclude, 'dist/**', 'tests/services/**', 'tests/faults/nightly/**'],
    globalSetup: ['tests/support/postgres-setup.ts'],
    // Processes, not threads: native packages, and tests that kill what they started.
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
})
