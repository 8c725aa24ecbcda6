/** Failpoints themselves: each has a sweep, plans mean what they say, and a bundle has no way in. */
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { afterEach, describe, expect, test } from 'vitest'
import { failpoint } from '../../../engine/core/failpoint.ts'
import { runNode } from '../support/child.ts'
import { FAILPOINTS, SWEEPS, sweptBy } from '../support/failpoint-names.ts'
import { installFaults } from '../support/fault-plan.ts'

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

afterEach(() => installFaults('').remove())

test('every failpoint of the source has a sweep', () => {
  const swept = new Set(Object.keys(SWEEPS).flatMap((file) => sweptBy(file)))
  expect(FAILPOINTS.filter((name) => !swept.has(name))).toEqual([])
  expect(Object.keys(SWEEPS).filter((file) => !existsSync(here(`../${file}`)))).toEqual([])
})

test('each of the 28 faults has its tests on the page', () => {
  const page = readFileSync(here('../../../docs/faults.md'), 'utf8')
  const rows = [...page.matchAll(/^\| (F\d+) .*\]\(\.\.\/tests\//gm)].map(([, id]) => id)
  expect(rows).toEqual(Array.from({ length: 28 }, (_, at) => `F${at + 1}`))
})

describe('a fault plan', () => {
  const hit = (times: number): readonly string[] =>
    Array.from({ length: times }, () => {
      try {
        failpoint('a.b')
        return 'ok'
      } catch (error) {
        return error instanceof Error && 'code' in error ? String(error.code) : 'other'
      }
    })

  test('makes one hit fail, or that one and all after it', () => {
    installFaults('a.b=error:ENOSPC@2')
    expect(hit(3)).toEqual(['ok', 'ENOSPC', 'ok'])
    installFaults('*=error:EIO@2+')
    expect(hit(3)).toEqual(['ok', 'EIO', 'EIO'])
  })

  test('loses an acknowledgement as a broken connection does', () => {
    installFaults('a.b=lose_ack@1')
    expect(hit(1)).toEqual(['ECONNRESET'])
  })

  test('holds the process for a while', () => {
    const { injected } = installFaults('a.b=pause:20@1')
    const startMs = performance.now()
    expect(hit(1)).toEqual(['ok'])
    expect(performance.now() - startMs).toBeGreaterThanOrEqual(19)
    expect(injected).toEqual({ 'a.b': 1 })
  })

  test('that cannot be read is refused', () => {
    expect(() => installFaults('a.b=explode@1')).toThrow('no fault plan')
  })
})

test('a bundle has no way to install a fault; the same program from source has', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tributary-bundle-'))
  try {
    await build({
      entryPoints: [here('../../../engine/core/failpoint.ts'), here('../support/hit-once.ts')],
      outdir: folder,
      bundle: true,
      splitting: true,
      format: 'esm',
      platform: 'node',
    })
    const env = { TEST_FAULTS: 'test.once=crash@1' }
    const preload = ['--import', here('../support/preload.ts')]
    const bundled = await runNode([...preload, join(folder, 'tests/faults/support/hit-once.js')], {
      env,
    })
    expect([bundled.signal, bundled.stdout]).toEqual([null, 'still here\n'])
    const source = await runNode([...preload, here('../support/hit-once.ts')], { env })
    expect([source.signal, source.stdout]).toEqual(['SIGKILL', ''])
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})

test('no module of the product installs a fault', () => {
  const root = here('../../..')
  const offending = ['assets', 'engine', 'minio', 'registry', 'bin'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((path) => /\.(ts|js)$/.test(path))
      .filter((path) => /installFailpoints\(/.test(readFileSync(join(root, folder, path), 'utf8')))
      .map((path) => `${folder}/${path}`),
  )
  expect(offending).toEqual(['engine/core/failpoint.ts'])
})
