/** What a row of the table of error codes is made of. */

/** Who has to act. It decides the exit code: see EXIT_CODES. */
export type Fault = 'usage' | 'config' | 'input' | 'conflict' | 'upstream' | 'bug'
/** Whether the same call can succeed later. */
export type Retry = 'never' | 'when-input-changes' | 'backoff'

/** Exit code by fault (0 done · 3 changes pending · 130 interrupted are not errors). */
export const EXIT_CODES: Readonly<Record<Fault, number>> = {
  usage: 2,
  config: 2,
  input: 1,
  conflict: 4,
  upstream: 5,
  bug: 70,
}

/** One row of the table: what a code says. */
export interface Spec<Context> {
  readonly fault: Fault
  readonly retry: Retry
  /** what happened: subject first, lower case, no final dot, found value last */
  readonly text: (context: Context) => string
  /** what to do about it */
  readonly hint: string
}
/** A row whose texts are typed by its context. */
export const spec = <Context>(row: Spec<Context>): Spec<Context> => row

/** A place in a file a person wrote: `file:line:column`, both from 1. */
export interface Position {
  readonly file: string
  readonly line: number
  readonly column: number
}
/** `file:line:column`. */
export const at = ({ file, line, column }: Position): string => `${file}:${line}:${column}`
