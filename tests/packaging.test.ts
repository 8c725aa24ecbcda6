/**
 * What a clone and a package user get: a complete lockfile, exact versions, no scripts that run
 * at install time, and permissive licences only.
 */
import { execFile } from 'node:child_process'
import { copyFile, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { z } from 'zod'

const root = join(import.meta.dirname, '..')
const readRoot = (path: string): Promise<string> => readFile(join(root, path), 'utf8')

const Versions = z.record(z.string(), z.string()).default({})
const PackageFile = z.object({
  license: z.unknown().optional(),
  scripts: Versions,
  dependencies: Versions,
  devDependencies: Versions,
  optionalDependencies: Versions,
})
const Lock = z.object({
  packages: z.record(
    z.string(),
    z.object({
      dev: z.boolean().default(false),
      devOptional: z.boolean().default(false),
      optional: z.boolean().default(false),
      hasInstallScript: z.boolean().default(false),
      license: z.unknown().optional(),
    }),
  ),
})

const own = PackageFile.parse(JSON.parse(await readRoot('package.json')))
const lock = Lock.parse(JSON.parse(await readRoot('package-lock.json')))
/** What `npm ci --omit=dev` installs. */
const production = Object.entries(lock.packages).filter(
  ([path, entry]) => path.includes('node_modules/') && !entry.dev,
)

/**
 * Packages that npm marks as having an install script although nothing runs: none is needed,
 * and .npmrc and `allowScripts` keep npm from running any.
 */
const IDLE_INSTALL_SCRIPTS = new Map([
  ['node_modules/better-sqlite3', 'its binaries are in the package; npm sees its binding.gyp'],
])

const PERMISSIVE = new Set(
  'MIT MIT-0 Apache-2.0 ISC 0BSD BSD-2-Clause BSD-3-Clause BlueOak-1.0.0'.split(' '),
)

/** Whether an SPDX expression of AND and OR can be met with permissive licences alone. */
function isPermissive(license: unknown): boolean {
  if (typeof license !== 'string') return false
  const bare = license.replace(/[()]/g, '')
  return bare.split(/ OR /).some((some) => some.split(/ AND /).every((one) => PERMISSIVE.has(one)))
}

test('the lockfile holds every platform: completing it adds nothing', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tributary-lock-'))
  try {
    const copy = join(folder, 'package-lock.json')
    await copyFile(join(root, 'package-lock.json'), copy)
    const script = join(root, '.ci/lock-complete.mjs')
    const { stdout } = await promisify(execFile)(process.execPath, [script, copy])
    expect(stdout, 'run node .ci/lock-complete.mjs').toBe('added 0\n')
    expect(await readFile(copy, 'utf8')).toBe(await readRoot('package-lock.json'))
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})

test('every version is exact', async () => {
  const node = PackageFile.parse(JSON.parse(await readRoot('.ci/node/package.json')))
  const versions = [own, node].flatMap((file) =>
    Object.entries({ ...file.dependencies, ...file.devDependencies, ...file.optionalDependencies }),
  )
  expect(versions.length).toBeGreaterThan(10)
  const loose = versions.filter(([, version]) => !/^(\d+\.\d+\.\d+[-.\w]*|file:.+)$/.test(version))
  expect(loose).toEqual([])
})

test('nothing runs when the package is installed', async () => {
  const hooks = Object.keys(own.scripts).filter((name) =>
    /^(pre|post)|^(install|prepare)/.test(name),
  )
  expect(hooks).toEqual([])
  expect((await readRoot('.npmrc')).split('\n')).toContain('ignore-scripts=true')
  const scripted = production.filter(([, entry]) => entry.hasInstallScript).map(([path]) => path)
  expect(scripted.filter((path) => !IDLE_INSTALL_SCRIPTS.has(path))).toEqual([])
})

test('every npm script goes through the launcher', () => {
  const bare = Object.entries(own.scripts).filter(
    ([, line]) => !line.startsWith('node .ci/run.mjs '),
  )
  expect(bare).toEqual([])
})

test('the production closure has permissive licences only', async () => {
  const licenses = await Promise.all(
    production.map(async ([path, entry]) => {
      const text = await readRoot(`${path}/package.json`).catch(() => undefined)
      const license =
        text === undefined ? entry.license : PackageFile.parse(JSON.parse(text)).license
      // Another platform's package is not here to be read; its sibling for this platform is.
      return text === undefined && entry.optional ? [] : [{ path, license }]
    }),
  )
  expect(licenses.flat().length).toBeGreaterThan(30)
  expect(licenses.flat().filter(({ license }) => !isPermissive(license))).toEqual([])
  expect(['MIT OR GPL-3.0', '(MIT AND ISC)'].every(isPermissive)).toBe(true)
  expect(['GPL-3.0', 'MIT AND GPL-3.0', undefined, ''].some(isPermissive)).toBe(false)
})
