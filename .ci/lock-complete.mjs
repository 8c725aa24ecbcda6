/**
 * Adds the other platforms' binary packages to a lockfile that was written without them.
 *
 *     node .ci/lock-complete.mjs [package-lock.json]      prints `added N`; idempotent
 *
 * A registry view that lacks those packages makes npm drop them from the lock without a word, and
 * `npm ci` then refuses that lock (`Missing: …-darwin-arm64@ from lock file`). One entry is added
 * for each missing optional dependency whose parent pins its version exactly; os, cpu and libc are
 * read from its name. Run it after every change of dependencies.
 */
import { readFileSync, writeFileSync } from 'node:fs'

const EXACT_VERSION = /^\d+\.\d+\.\d+[-+.\w]*$/
const OPERATING_SYSTEMS = new Set(
  'aix android darwin freebsd linux netbsd openbsd openharmony sunos win32'.split(' '),
)
const PROCESSORS = new Set(
  'arm arm64 ia32 loong64 ppc64 ppc64le riscv64 s390x wasm32 x64'.split(' '),
)

/** The folder whose node_modules holds the package at `path`; '' is the root. */
const parentFolder = (path) => path.slice(0, Math.max(0, path.lastIndexOf('/node_modules/')))

/** Finds `name` as Node would from the package at `from`: its own folder, then each one above. */
function isLocked(packages, from, name) {
  for (let folder = from; ; folder = parentFolder(folder)) {
    if (packages[`${folder === '' ? '' : `${folder}/`}node_modules/${name}`]) return true
    if (folder === '') return false
  }
}

/** What a package for one platform can run on, from the words of its name; undefined: not one. */
function platformOf(name) {
  const words = name.split(/[/@-]/)
  const system = words.find((word) => word === 'win' || OPERATING_SYSTEMS.has(word))
  const os = system === 'win' ? 'win32' : system
  const cpu = words.find((word) => PROCESSORS.has(word))
  if (os === undefined || cpu === undefined) return undefined
  const isMusl = words.some((word) => word.startsWith('musl'))
  const isGlibc = os === 'linux' && words.includes('gnu')
  return { os, cpu, libc: isMusl ? 'musl' : isGlibc ? 'glibc' : undefined }
}

/**
 * The optional dependencies that no entry of the lock satisfies, with their parent's path. Lazy:
 * an entry added for one parent satisfies the next.
 */
function* missingOptionals(packages) {
  for (const [path, entry] of Object.entries(packages)) {
    if (entry.link) continue
    // A local folder package (file:…) has its dependencies installed at the root.
    const isLocal = entry.resolved === undefined && !path.includes('node_modules')
    for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
      const isMissing =
        EXACT_VERSION.test(version) && !isLocked(packages, isLocal ? '' : path, name)
      if (isMissing) yield { path, entry, name, version }
    }
  }
}

/** Adds what is missing to `packages` and says how many entries that was. */
function complete(packages) {
  let addedCount = 0
  for (const { path, entry, name, version } of missingOptionals(packages)) {
    const platform = platformOf(name)
    if (platform === undefined) {
      console.error('skipped (no platform in its name):', name)
      continue
    }
    const beside = path.slice(0, path.lastIndexOf('node_modules/'))
    packages[`${beside}node_modules/${name}`] = {
      version,
      cpu: [platform.cpu],
      ...(entry.dev ? { dev: true } : {}),
      ...(platform.libc ? { libc: [platform.libc] } : {}),
      optional: true,
      os: [platform.os],
    }
    addedCount += 1
  }
  return addedCount
}

const file = process.argv[2] ?? 'package-lock.json'
const lock = JSON.parse(readFileSync(file, 'utf8'))
const addedCount = complete(lock.packages)
lock.packages = Object.fromEntries(
  Object.entries(lock.packages).toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)),
)
writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`)
console.log(`added ${addedCount}`)
