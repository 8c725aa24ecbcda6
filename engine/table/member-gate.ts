/**
 * Which members of a package are data. The same questions for ZIP and tar: how many there are, what
 * they are called, whether two have one name, and which of them the layout reads.
 *
 * A member's name is data: it is compared, shown once it has passed, and never made a path.
 */
import { hasInvisible } from '../core/printable.ts'
import { compilePattern } from './pattern.ts'
import type { PackageLimits } from './package-limits.ts'
import { fail } from './parse-failure.ts'

export interface GateOptions {
  /** the delivered file, as errors name it */
  readonly file: string
  /** of whole names without folders, case ignored; undefined: there is one member */
  readonly members: string | undefined
  readonly limits: PackageLimits
}

/** Names of members that are not read: as many are kept. */
const LEFT_NAMED_MAX = 20

/** Why a name is not taken, in words that do not show it. */
export function nameProblem(name: string, nameBytesMax: number): string | undefined {
  if (name === '') return 'has no name'
  if (Buffer.byteLength(name) > nameBytesMax) return `has a name over ${nameBytesMax} bytes`
  if (hasInvisible(name)) return 'has control characters in its name'
  if (name.includes('\\')) return 'has a backslash in its name'
  if (/^(?:\/|[A-Za-z]:)/.test(name)) return 'has an absolute path for a name'
  if (name.split('/').some((part) => part === '..' || part === '.')) {
    return 'has a name that leaves its folder'
  }
  return undefined
}

/** Asks of each member, in order, whether it is data. One for each package. */
export class MemberGate {
  readonly #options: GateOptions
  readonly #wanted: RegExp | null
  readonly #seen = new Set<string>()
  #count = 0
  #dataCount = 0
  #leftCount = 0
  readonly #left: string[] = []

  constructor(options: GateOptions) {
    const { members } = options
    this.#options = options
    this.#wanted = members === undefined ? null : memberPattern(members)
  }

  /** members that are no data: how many, and the first few names */
  get left(): { readonly count: number; readonly names: readonly string[] } {
    return { count: this.#leftCount, names: this.#left }
  }

  /** Whether the next member is data. Throws PARSE_FAILED for one that no sound package has. */
  admits(name: string): boolean {
    const { file, limits } = this.#options
    this.#count += 1
    this.checkCount(this.#count)
    const problem = nameProblem(name, limits.nameBytes)
    if (problem !== undefined) {
      fail(file, 'PACKAGE_NAME', `member ${this.#count} ${problem}; pack it with plain names`)
    }
    const folded = name.replace(/\/$/, '').normalize('NFC').toLowerCase()
    if (this.#seen.has(folded)) {
      fail(file, 'PACKAGE_MEMBERS', `two members have the name ${name}; keep one of them`)
    }
    this.#seen.add(folded)
    if (name.endsWith('/') || isOfTheSystem(name)) return false
    const isData = this.#wanted === null || this.#wanted.test(withoutFolders(name))
    if (isData) this.#admitData()
    else this.#leave(name)
    return isData
  }

  /** Throws PARSE_FAILED when a package says that it has more members than the limit. */
  checkCount(count: number): void {
    const { file, limits } = this.#options
    if (count <= limits.members) return
    fail(file, 'PACKAGE_MEMBERS', `more than ${limits.members} members; deliver them apart`)
  }

  /** All members were seen. Throws PARSE_FAILED when none is data. */
  finish(): void {
    if (this.#dataCount > 0) return
    const what =
      this.#wanted === null ? 'it holds no file' : 'no member has a name the layout reads'
    fail(this.#options.file, 'PACKAGE_MEMBERS', what)
  }

  #admitData(): void {
    this.#dataCount += 1
    if (this.#wanted !== null || this.#dataCount === 1) return
    const detail =
      'more than one file lies in it, and the layout does not say which it reads: ' +
      'deliver one, or give the layout a pattern, x-ingest.package.members'
    fail(this.#options.file, 'PACKAGE_MEMBERS', detail)
  }

  #leave(name: string): void {
    this.#leftCount += 1
    if (this.#left.length < LEFT_NAMED_MAX) this.#left.push(name)
  }
}

/** A member's name without the folders it is in. */
export const withoutFolders = (name: string): string => name.slice(name.lastIndexOf('/') + 1)

/** What macOS adds to every archive. */
export const isOfTheSystem = (name: string): boolean =>
  name.startsWith('__MACOSX/') ||
  withoutFolders(name) === '.DS_Store' ||
  withoutFolders(name).startsWith('._')

/** As file names are matched: the whole name without folders, case ignored. */
export const memberPattern = (text: string): RegExp => new RegExp(compilePattern(text).source, 'iu')
