/** Where the elements of a JSON list lie, found while it is read. Source: RFC 8259. */
import type { ContentEnd } from './content.ts'
import { JSON_DEPTH_MAX } from './json-leaves.ts'

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COMMA = 0x2c
const OPEN = new Set([0x5b, 0x7b])
const CLOSE = new Set([0x5d, 0x7d])
const LIST_END = 0x5d
const BLANK = new Set([0x20, 0x09, 0x0a, 0x0d])

/** `depth`: deeper than JSON_DEPTH_MAX. That elements are JSON themselves is not looked at. */
export type ListFault = 'json-invalid' | 'json-depth'

/** Byte of the first character at or after `from` that is not blank, or past the end. */
export function skipBlanks(bytes: Buffer, from: number): number {
  let at = from
  while (at < bytes.length && BLANK.has(bytes[at] as number)) at += 1
  return at
}

/** One list: `scan` the bytes read so far, each time from the first byte on. */
export class ListElements {
  readonly #accept: (start: number, end: number) => void
  #at: number
  #start: number
  #depth = 0
  #inString = false
  #elements = 0
  isClosed = false
  fault: ListFault | undefined

  /** `openAt`: byte of the list's bracket; `accept` is given the bytes of each element. */
  constructor(openAt: number, accept: (start: number, end: number) => void) {
    this.#accept = accept
    this.#at = openAt + 1
    this.#start = openAt + 1
  }

  /** the list has ended, and nothing follows it */
  get isSound(): boolean {
    return this.isClosed && this.fault === undefined
  }
  /** what is wrong with it when the content ended so */
  faultAt(end: ContentEnd | null): ListFault | undefined {
    return this.fault ?? (end === 'whole' && !this.isClosed ? 'json-invalid' : undefined)
  }

  scan(bytes: Buffer): void {
    while (this.#at < bytes.length && this.fault === undefined) {
      if (this.#inString) this.#skipString(bytes)
      else {
        this.#take(bytes)
        this.#at += 1
      }
    }
  }

  #take(bytes: Buffer): void {
    const byte = bytes[this.#at] as number
    if (this.isClosed) {
      if (!BLANK.has(byte)) this.fault = 'json-invalid'
    } else if (byte === QUOTE) this.#inString = true
    else if (OPEN.has(byte)) {
      this.#depth += 1
      if (this.#depth > JSON_DEPTH_MAX) this.fault = 'json-depth'
    } else if (this.#depth > 0) {
      if (CLOSE.has(byte)) this.#depth -= 1
    } else if (byte === COMMA) this.#element(bytes)
    else if (byte === LIST_END) {
      this.isClosed = true
      const isEmpty = skipBlanks(bytes.subarray(0, this.#at), this.#start) === this.#at
      if (!isEmpty || this.#elements > 0) this.#element(bytes)
    }
  }

  #element(bytes: Buffer): void {
    const start = skipBlanks(bytes.subarray(0, this.#at), this.#start)
    let end = this.#at
    while (end > start && BLANK.has(bytes[end - 1] as number)) end -= 1
    if (end === start) {
      this.fault = 'json-invalid'
      return
    }
    this.#elements += 1
    this.#start = this.#at + 1
    this.#accept(start, end)
  }

  #skipString(bytes: Buffer): void {
    const found = bytes.indexOf(QUOTE, this.#at)
    if (found < 0) {
      this.#at = bytes.length
      return
    }
    let before = found
    while (bytes[before - 1] === BACKSLASH) before -= 1
    this.#inString = (found - before) % 2 === 1
    this.#at = found + 1
  }
}
