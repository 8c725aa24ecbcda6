/**
 * Where a command's words go: results on stdout, everything else on stderr.
 *
 * Escape codes only where a stream is a terminal (NO_COLOR, FORCE_COLOR and --no-color decide
 * before that). A reader that went away (`| head -1`) is no error: what follows is dropped.
 */
import pc from 'picocolors'
import { printableJson, printableLines } from '../core/printable.ts'

export interface Stream {
  /** false: `drain` follows when more may come */
  readonly write: (text: string | Uint8Array) => boolean
  readonly once?: (event: 'drain', listener: () => void) => unknown
  readonly on: (event: 'error', listener: (error: NodeJS.ErrnoException) => void) => unknown
  readonly isTTY?: boolean
  readonly columns?: number
}

export type Colors = ReturnType<typeof pc.createColors>

export interface TerminalOptions {
  readonly stdout: Stream
  readonly stderr: Stream
  readonly environment: Readonly<Record<string, string | undefined>>
  /** --no-color */
  readonly plain: boolean
  readonly isInteractive: boolean
}

const WIDTH = 80

/** The two streams of one command line, and what they can show. */
export class Terminal {
  /** colours for stdout */
  readonly out: Colors
  /** colours for stderr */
  readonly err: Colors
  /** characters of a line on stdout, 80 when nobody knows */
  readonly width: number
  /** whether stderr can be redrawn */
  readonly isLive: boolean
  /** whether a person can be asked */
  readonly isInteractive: boolean
  readonly #stdout: Stream
  readonly #stderr: Stream
  readonly #left = new AbortController()

  constructor({ stdout, stderr, environment, plain, isInteractive }: TerminalOptions) {
    this.isInteractive = isInteractive
    this.#stdout = stdout
    this.#stderr = stderr
    this.out = pc.createColors(!plain && hasColor(stdout, environment))
    this.err = pc.createColors(!plain && hasColor(stderr, environment))
    this.width = stdout.columns === undefined || stdout.columns <= 0 ? WIDTH : stdout.columns
    // A terminal without a size, as under some CI runners, cannot be redrawn: it would show nothing.
    const hasSize = (stderr.columns ?? 0) > 0
    this.isLive = stderr.isTTY === true && hasSize && environment['TERM'] !== 'dumb'
    for (const stream of [stdout, stderr]) {
      stream.on('error', (error) => {
        if (error.code !== 'EPIPE') throw error
        if (stream === stdout) this.#left.abort()
      })
    }
  }

  /** Aborted when the reader of stdout has gone. */
  get readerLeft(): AbortSignal {
    return this.#left.signal
  }

  /** A line, or several, of the result. */
  print(text: string): void {
    if (!this.#left.signal.aborted) this.#stdout.write(`${visible(text, this.out)}\n`)
  }

  /** A result for programs, byte for byte; only a terminal gets it visible, as it gets any text. */
  printVerbatim(text: string): void {
    if (this.#stdout.isTTY === true) this.print(text)
    else if (!this.#left.signal.aborted) this.#stdout.write(`${text}\n`)
  }

  /** Bytes of the result; returns when more may come, or when nobody reads any more. */
  async pour(bytes: Uint8Array): Promise<void> {
    const left = this.#left.signal
    if (left.aborted || this.#stdout.write(bytes) || this.#stdout.once === undefined) return
    await new Promise<void>((resolve) => {
      this.#stdout.once?.('drain', resolve)
      left.addEventListener('abort', () => resolve(), { once: true })
    })
  }

  /** A document of the result. */
  printJson(value: unknown): void {
    this.print(printableJson(value, 2))
  }

  /** One line of NDJSON. */
  printLine(value: unknown): void {
    this.print(printableJson(value))
  }

  /** Anything that is not the result. */
  note(text: string): void {
    this.#stderr.write(`${visible(text, this.err)}\n`)
  }
}

/** Our own colours, and nothing else that moves or paints: whatever came in with a name stays visible. */
const COLOR = /(\u001b\[[0-9;]{0,10}m)/
const visible = (text: string, { isColorSupported }: Colors): string =>
  isColorSupported
    ? text
        .split(COLOR)
        .map((piece, at) => (at % 2 === 1 ? piece : printableLines(piece)))
        .join('')
    : printableLines(text)

function hasColor(stream: Stream, environment: TerminalOptions['environment']): boolean {
  const no = environment['NO_COLOR']
  if (no !== undefined && no !== '') return false
  const force = environment['FORCE_COLOR']
  if (force !== undefined && force !== '') return force !== '0' && force !== 'false'
  return stream.isTTY === true && environment['TERM'] !== 'dumb'
}
