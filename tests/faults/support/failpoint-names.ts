/**
 * Every failpoint of the source, and the sweep that answers for it.
 *
 * A name's family is its first word. A sweep kills a process at every name of its families; a name
 * without a sweep fails tests/faults/change/failpoints.test.ts.
 */
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const SOURCES = fileURLToPath(new URL('../../..', import.meta.url))
const CALL = /failpoint\('([^']+)'\)/g

/** Test file → the families it sweeps. */
export const SWEEPS: Readonly<Record<string, readonly string[]>> = {
  'anchor.test.ts': ['anchor'],
  'care.test.ts': ['backup', 'fsck', 'journal', 'restore'],
  'engine-kill.test.ts': ['attempt', 'catalog', 'commit', 'recover', 'run', 'stage', 'store'],
  'road-kill.test.ts': [
    'anchor',
    'attempt',
    'catalog',
    'commit',
    'inbox',
    'journal',
    'processed',
    'raw',
    'recover',
    'run',
    'stage',
    'store',
  ],
  's3-kill.services.test.ts': ['attempt', 'catalog', 'commit', 'recover', 'run', 's3', 'stage'],
  'sensor-kill.test.ts': ['sensor'],
  'worker-kill.test.ts': [
    'attempt',
    'catalog',
    'commit',
    'reconcile',
    'recover',
    'store',
    'worker',
  ],
}

/** The names in the source, sorted. */
export const FAILPOINTS: readonly string[] = [
  ...new Set(
    globSync('{engine,minio,assets,registry}/**/*.ts', { cwd: SOURCES }).flatMap((path) =>
      [...readFileSync(join(SOURCES, path), 'utf8').matchAll(CALL)].map(([, name = '']) => name),
    ),
  ),
].toSorted()

const familyOf = (name: string): string => name.slice(0, name.indexOf('.'))

/** The names a sweep answers for. */
export const sweptBy = (file: string): readonly string[] =>
  FAILPOINTS.filter((name) => SWEEPS[file]?.includes(familyOf(name)))
