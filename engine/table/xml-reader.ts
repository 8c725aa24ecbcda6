/**
 * XML as it comes, for documents that a stranger wrote: tags and text, in order, from pieces of any
 * size. A document type is refused, so there are no entities but the five of XML and characters by
 * number; so is whatever is not well-formed. Memory: one tag or one run of text.
 * Source: XML 1.0, §2.4, §2.8, §4.6.
 */

export interface XmlSink {
  /** names are without prefix */
  readonly open: (name: string, attributes: Attributes) => void
  readonly close: (name: string) => void
  /** text with entities resolved; a run may come in pieces */
  readonly text: (text: string) => void
}

/** Looks attributes of one tag up; values have their entities resolved. */
export type Attributes = (name: string) => string | undefined

/** The document is damaged or does what no workbook does; the message quotes nothing of it. */
export class XmlFault extends Error {}

/** Of a tag, or of text between two. */
const TOKEN_MAX = 1024 ** 2
const DEPTH_MAX = 100

const NAMED: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
}
const CODE_POINT_MAX = 0x10_ff_ff

/** Text with its entities resolved. Throws XmlFault for one that XML does not bring itself. */
function resolved(text: string): string {
  if (!text.includes('&')) return text
  return text.replace(/&([^;&]{0,12};?)/g, (_, body: string) => {
    const name = body.endsWith(';') ? body.slice(0, -1) : ''
    const number = /^#(?:x([0-9a-fA-F]{1,6})|([0-9]{1,7}))$/.exec(name)
    if (number === null) {
      const known = Object.hasOwn(NAMED, name) ? NAMED[name] : undefined
      if (known === undefined) throw new XmlFault('an entity that is not of XML itself')
      return known
    }
    const [, hex, decimal] = number
    const code = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16)
    if (code > CODE_POINT_MAX) throw new XmlFault('a character that there is not')
    return String.fromCodePoint(code)
  })
}

const NAME = /^[^\s/]+/
const ATTRIBUTE = /\s+([^\s=<>"'/]+)\s*=\s*(?:"([^"<]*)"|'([^'<]*)')/y

/** Read at the first look, once. */
function attributesOf(text: string): Attributes {
  let pairs: string[] | undefined
  return (wanted) => {
    pairs ??= attributePairs(text)
    for (let name = 0; name < pairs.length; name += 2) {
      if (pairs[name] === wanted) return resolved(pairs[name + 1] ?? '')
    }
    return undefined
  }
}

/** Names and values in turn. */
function attributePairs(text: string): string[] {
  const pairs: string[] = []
  ATTRIBUTE.lastIndex = 0
  for (let found = ATTRIBUTE.exec(text); found !== null; found = ATTRIBUTE.exec(text)) {
    pairs.push(found[1] ?? '', found[2] ?? found[3] ?? '')
  }
  return pairs
}

const [BANG, QUESTION] = [0x21, 0x3f]
const ENDS: readonly (readonly [start: string, end: string])[] = [
  ['<!--', '-->'],
  ['<![CDATA[', ']]>'],
  ['<?', '?>'],
]

/** Give it a document piece by piece, then end it. Both throw XmlFault. */
export class XmlReader {
  readonly #sink: XmlSink
  readonly #open: string[] = []
  #rest = ''
  #isBegun = false

  constructor(sink: XmlSink) {
    this.#sink = sink
  }

  push(piece: string): void {
    const text = this.#rest + piece
    let at = 0
    for (let next = this.#token(text, at); next !== null; next = this.#token(text, at)) at = next
    this.#rest = text.slice(at)
    if (this.#rest.length > TOKEN_MAX) throw new XmlFault('a tag or text of more than 1 MiB')
  }

  end(): void {
    const isWhole = this.#isBegun && this.#open.length === 0 && this.#rest.trim() === ''
    if (!isWhole) throw new XmlFault('the end is missing')
  }

  /** Where the token at `at` ends; null: more is needed. */
  #token(text: string, at: number): number | null {
    const tag = text.indexOf('<', at)
    if (tag < 0) return null
    if (tag > at) this.#text(resolved(text.slice(at, tag)))
    if (tag + 9 > text.length && !text.includes('>', tag)) return tag > at ? tag : null
    const next = text.charCodeAt(tag + 1)
    const isSpecial = next === BANG || next === QUESTION
    const special = isSpecial ? ENDS.find(([start]) => text.startsWith(start, tag)) : undefined
    const end = special === undefined ? tagEnd(text, tag) : text.indexOf(special[1], tag + 2)
    if (end < 0) return tag > at ? tag : null
    if (special === undefined) {
      this.#tag(text.slice(tag + 1, end))
      return end + 1
    }
    if (special[0] === '<![CDATA[') this.#text(text.slice(tag + 9, end))
    return end + special[1].length
  }

  #text(text: string): void {
    if (this.#open.length > 0) this.#sink.text(text)
    else if (text.replace(/^\ufeff/, '').trim() !== '') throw new XmlFault('text outside it')
  }

  #tag(body: string): void {
    if (body.startsWith('!')) throw new XmlFault('a document type, which no workbook has')
    if (body.startsWith('/')) return this.#close(body.slice(1).trimEnd())
    const isEmpty = body.endsWith('/')
    const full = NAME.exec(body)?.[0]
    if (full === undefined) throw new XmlFault('a tag without a name')
    if (this.#isBegun && this.#open.length === 0) throw new XmlFault('two documents')
    this.#isBegun = true
    const name = localName(full)
    this.#sink.open(
      name,
      attributesOf(isEmpty ? body.slice(full.length, -1) : body.slice(full.length)),
    )
    this.#open.push(full)
    if (this.#open.length > DEPTH_MAX) throw new XmlFault(`more than ${DEPTH_MAX} levels`)
    if (isEmpty) this.#close(full)
  }

  #close(full: string): void {
    if (this.#open.pop() !== full) throw new XmlFault('a tag is closed that is not open')
    this.#sink.close(localName(full))
  }
}

const localName = (full: string): string => full.slice(full.indexOf(':') + 1)

const [TAG_END, QUOTE, APOSTROPHE] = [0x3e, 0x22, 0x27]

/** Where a tag ends; quotes may hold its end mark. */
function tagEnd(text: string, tag: number): number {
  let quote = 0
  for (let at = tag; at < text.length; at += 1) {
    const one = text.charCodeAt(at)
    if (quote !== 0) {
      if (one === quote) quote = 0
    } else if (one === TAG_END) return at
    else if (one === QUOTE || one === APOSTROPHE) quote = one
  }
  return -1
}
