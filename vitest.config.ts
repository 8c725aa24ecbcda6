/**
 * Two tiers on a plain clone: `default` (npm test) and `faults` (npm run test:faults), the slower
 * one, which kills processes, damages projects and takes its time. `services` (npm run test:services) runs on real
 * servers, built once where they are missing. `.ci/run` runs these three. `nightly` (npm run
 * test:nightly) is the faults in full: every hit, every system call, long disturbances. `readers`
 * (npm run test:readers) reads what is published with other people's programs, which pip installs.
 */
import { configDefaults, defineConfig } from 'vitest/config'

const NIGHTLY = ['tests/nightly/*.test.ts']
const READERS = ['tests/readers/*.test.ts']
const FAULTS = [
  'tests/faults/*.test.ts',
  'tests/verify/{backup,damage,fsck,gc,heal,healthy,rebuild-catalog}.test.ts',
  // What takes long: `npm test` is to stay under three minutes on two cores.
  'tests/bench/bench.test.ts',
  'tests/catalog/migrations.test.ts',
  'tests/cli/hostile-words.test.ts',
  'tests/flows/{bad-kinds,daemon-queue,edit-mapping,edit-registry,encrypted,engine-subsets}.test.ts',
  'tests/flows/{failures,manifests,queue,rollback,rollback-workers,sweep-inbox,workbooks}.test.ts',
  'tests/flows/{processed,sample-asset,samples,scenario-postgres,unreadable,workers}.test.ts',
  'tests/table/sample/parquet-large.test.ts',
  'tests/registry/{infer,payloads,payloads-sql,real-samples}.test.ts',
  'tests/table/{determinism,frictionless,generate,generated-formats,parquet-suites,planted,wide,workbooks}.test.ts',
]
const SERVICES = ['tests/**/*.services.test.ts']

export default defineConfig({
  test: {
    globalSetup: ['tests/support/postgres-setup.ts', 'tests/support/s3-setup.ts'],
    // Processes, not threads: native packages, and tests that kill what they started.
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    projects: [
      {
        extends: true,
        test: {
          name: 'default',
          include: ['tests/**/*.test.ts'],
          exclude: [
            ...configDefaults.exclude,
            'dist/**',
            ...FAULTS,
            ...NIGHTLY,
            ...SERVICES,
            ...READERS,
          ],
        },
      },
      {
        extends: true,
        // A hook does what its tests look at: the bench at its tiny sizes takes 142 s at a load of 5.
        test: {
          name: 'faults',
          include: FAULTS,
          exclude: SERVICES,
          testTimeout: 600_000,
          hookTimeout: 600_000,
        },
      },
      { extends: true, test: { name: 'readers', include: READERS, testTimeout: 600_000 } },
      // A hook may wait for a server that is built first, once a machine.
      {
        extends: true,
        test: { name: 'nightly', include: NIGHTLY, testTimeout: 3_600_000, hookTimeout: 900_000 },
      },
      {
        extends: true,
        test: { name: 'services', include: SERVICES, testTimeout: 600_000, hookTimeout: 900_000 },
      },
    ],
  },
})
