/**
 * One registry file as data and positions: JSON or YAML in, values and file:line:column out.
 *
 * JSON is read by the YAML reader (it is a subset), so both have positions and both refuse
 * duplicate keys. Anchors, aliases, tags and several documents in one file are refused: a
 * registry file is plain data. Pure; nothing here throws on any text.
 */
import { isMap, isScalar, isSeq, LineCounter, parseDocument, visit } from 'yaml'
import type { Document, Node, Pair } from 'yaml'
import type { Json, Position } from '../engine/index.ts'

export interface RegistryFile {
  /** relative to the project's folder, `/`-separated */
  readonly path: string
  readonly text: string
}

/** Something wrong with a registry file. A warning alone does not stop a sync. */
export interface Issue extends Position {
  readonly kind: 'error' | 'warning'
  readonly text: string
}

/** Names of objects and indices of lists, from the top of a file. */
export type Path = readonly PropertyKey[]

export interface Source {
  readonly path: string
  readonly json: Json
  /** where a value stands, or its nearest ancestor that exists; `key`: where its name stands */
  readonly at: (path: Path, place?: 'key' | 'value') => Position
  /** where a text value's character (0-based) stands; the value's own place where that varies */
  readonly within: (path: Path, offset: number) => Position
}

const TEXT_LENGTH_MAX = 1_048_576

/** Libraries drop it without a word. */
const PROTO = '__proto__'

const YAML_FAULTS: Readonly<Record<string, string>> = {
  DUPLICATE_KEY: 'this name is already in the same object',
  MULTIPLE_DOCS: 'a registry file holds one document',
}

/** Why a text is no registry file, whatever is in it. */
export function textFault({ path: file, text }: RegistryFile): Issue | undefined {
  if (text.length <= TEXT_LENGTH_MAX) return undefined
  const limit = `a registry file has at most ${TEXT_LENGTH_MAX} characters`
  return { file, line: 1, column: 1, kind: 'error', text: limit }
}

/** A file's value and positions, or every syntax error in it. */
export function readSource(file: RegistryFile): Source | { readonly faults: readonly Issue[] } {
  const { path, text } = file
  const long = textFault(file)
  if (long !== undefined) return { faults: [long] }
  const json = path.endsWith('.json') ? plainJson(text) : undefined
  if (json === undefined) return readPositioned(file)
  // Positions are wanted only of files with an issue: reading them costs 50 times the JSON.
  let positions: Positions | undefined
  const read = (): Positions => (positions ??= new Positions(file))
  return {
    path,
    json: json.value,
    at: (where, place = 'value') => read().at(where, place),
    within: (where, offset) => read().within(where, offset),
  }
}

/** The value of a text that is sound JSON and needs no second look; else undefined. */
function plainJson(text: string): { readonly value: Json } | undefined {
  try {
    const value = JSON.parse(text) as Json
    return hasBadName(text) ? undefined : { value }
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

/** A name twice in one object, or one that objects cannot hold. Of a text that is sound JSON. */
function hasBadName(text: string): boolean {
  const open: Set<string>[] = []
  for (const [token, name] of text.matchAll(/("(?:[^"\\]|\\.)*")\s*:|"(?:[^"\\]|\\.)*"|[{}]/g)) {
    if (token === '{') open.push(new Set())
    else if (token === '}') open.pop()
    else if (name !== undefined) {
      const names = open.at(-1)
      const key = String(JSON.parse(name))
      if (names?.has(key) === true || key === PROTO) return true
      names?.add(key)
    }
  }
  return false
}

/** YAML, and JSON with something wrong in it. */
function readPositioned(file: RegistryFile): Source | { readonly faults: readonly Issue[] } {
  const positions = new Positions(file)
  const faults = positions.faults()
  if (faults.length > 0) return { faults }
  if (file.path.endsWith('.json')) {
    const text = 'this file is YAML: name it .yaml, or write JSON'
    return { faults: [{ ...positions.at([], 'value'), kind: 'error', text }] }
  }
  return {
    path: file.path,
    json: positions.json(),
    at: (path, place = 'value') => positions.at(path, place),
    within: (path, offset) => positions.within(path, offset),
  }
}

/** One entry of a document's list as a source of its own. */
export const entrySource = (source: Source, path: Path, json: Json): Source => ({
  path: source.path,
  json,
  at: (below, place) => source.at([...path, ...below], place),
  within: (below, offset) => source.within([...path, ...below], offset),
})

class Positions {
  readonly #file: string
  readonly #text: string
  readonly #lines = new LineCounter()
  /** undefined: nested too deeply to read */
  readonly #document: Document | undefined

  constructor(file: RegistryFile) {
    this.#file = file.path
    this.#text = file.text
    this.#document = parsed(file.text, this.#lines)
  }

  at(path: Path, place: 'key' | 'value'): Position {
    return this.#position(this.#document === undefined ? 0 : offsetOf(this.#document, path, place))
  }

  within(path: Path, offset: number): Position {
    const found = this.#document === undefined ? undefined : this.#document.getIn(path, true)
    const range = isScalar(found) ? found.range : undefined
    if (!isScalar(found) || range === undefined || range === null) return this.at(path, 'value')
    const written = this.#text.slice(range[0], range[1])
    return this.#position(range[0] + writtenOffset(written, offset))
  }

  json(): Json {
    return this.#document?.toJS({ maxAliasCount: 0 }) as Json
  }

  faults(): readonly Issue[] {
    const document = this.#document
    if (document === undefined) return [this.#issue(0, 'this file is nested too deeply')]
    return [
      ...[...document.errors, ...document.warnings].map((fault) =>
        this.#issue(fault.pos[0], YAML_FAULTS[fault.code] ?? firstLine(fault.message)),
      ),
      ...decorations(document).map((offset) =>
        this.#issue(offset, 'anchors, aliases and tags are not allowed here: write the value'),
      ),
      ...protoNames(document).map((offset) => this.#issue(offset, `no name may be ${PROTO}`)),
    ]
  }

  #position(offset: number): Position {
    const { line, col } = this.#lines.linePos(offset)
    return { file: this.#file, line: Math.max(line, 1), column: Math.max(col, 1) }
  }

  #issue(offset: number, text: string): Issue {
    return { ...this.#position(offset), kind: 'error', text }
  }
}

function parsed(text: string, lineCounter: LineCounter): Document | undefined {
  try {
    return parseDocument(text, { lineCounter, prettyErrors: false, stringKeys: true, merge: false })
  } catch (error) {
    // The reader is recursive; a text of brackets alone exhausts the stack.
    if (error instanceof RangeError) return undefined
    throw error
  }
}

function decorations(document: Document): readonly number[] {
  const offsets: number[] = []
  visit(document, {
    Node: (_, node) => {
      const named = 'anchor' in node && node.anchor !== undefined
      if (named || node.tag?.startsWith('!') === true) offsets.push(start(node))
    },
    Alias: (_, node) => void offsets.push(start(node)),
  })
  return offsets
}

function protoNames(document: Document): readonly number[] {
  const offsets: number[] = []
  visit(document, {
    Pair: (_, { key }) => {
      if (isScalar(key) && key.value === PROTO) offsets.push(start(key))
    },
  })
  return offsets
}

/** A character of a quoted text, or of a plain one in one line. */
const CHARACTER = { '"': /\\u[0-9a-fA-F]{4}|\\[^]|[^]/y, "'": /''|[^]/y } as const

/** How far into a scalar as written its `offset`-th character is; 0 where that cannot be said. */
function writtenOffset(written: string, offset: number): number {
  const [quote] = written
  if (written.includes('\n') || /^[|>]/.test(written)) return 0
  if (quote !== '"' && quote !== "'") return Math.min(offset, written.length)
  const character = CHARACTER[quote]
  let at = 1
  for (let count = 0; count < offset && at < written.length - 1; count++) {
    character.lastIndex = at
    at += character.exec(written)?.[0].length ?? 1
  }
  return at
}

const start = (node: Node | null | undefined): number => node?.range?.[0] ?? 0
const firstLine = (text: string): string => text.slice(0, 200).split('\n')[0] ?? ''

function offsetOf(document: Document, path: Path, where: 'key' | 'value'): number {
  let node: unknown = document.contents
  let offset = start(document.contents)
  for (const [depth, name] of path.entries()) {
    const last = depth === path.length - 1
    if (isMap<Node, Node | null>(node)) {
      const pair: Pair<Node, Node | null> | undefined = node.items.find(
        ({ key }) => isScalar(key) && String(key.value) === String(name),
      )
      if (pair === undefined) return offset
      node = pair.value
      offset = last && where === 'key' ? start(pair.key) : start(pair.value ?? pair.key)
    } else if (isSeq<Node>(node)) {
      const member = node.items[Number(name)]
      if (member === undefined) return offset
      node = member
      offset = start(member)
    } else {
      return offset
    }
  }
  return offset
}
