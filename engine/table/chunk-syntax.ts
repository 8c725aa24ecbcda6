/** The notation of chunk files, shared by what writes them and the SQL that reads them. */

/** The last field of a chunk record: exact field counts, and whether fields hold ESCAPE. */
export interface Sentinels {
  /** all fields are data as they are */
  readonly plain: string
  /** fields hold escape sequences: see ESCAPE */
  readonly escaped: string
}

/** `~` and `^`, or `!` in place of the one that is the delimiter. */
export const sentinels = (delimiter: string): Sentinels => ({
  plain: delimiter === '~' ? '!' : '~',
  escaped: delimiter === '^' ? '!' : '^',
})

/** Followed by 0 (itself), 1 (delimiter), 2 (LF) or 3 (CR), in escaped records only. */
export const ESCAPE = '\u001b'

/** Escaping can at most double a record. */
export const ESCAPED_LINE_FACTOR = 2
