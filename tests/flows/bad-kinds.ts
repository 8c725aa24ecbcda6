/** How each bad delivery ends. In what a submitter reads, a file is told by its ending alone. */

type Expected = Readonly<Record<string, readonly [status: string, code: string | null, RegExp]>>

/** Drop → status, code, and what the submitter reads of it. */
export const EXPECTED: Expected = {
  'beta/delimiter': ['NEEDS_REVIEW', 'LAYOUT_MISMATCH', /one field instead of 15: is it separated/],
  'beta/utf-16': ['NEEDS_REVIEW', 'LAYOUT_MISMATCH', /the mark of UTF-16: save it as UTF-8/],
  'beta/windows-1252': [
    'VALIDATED',
    null,
    /ENCODING - csv:5 .*ENCODING_DIFFERS csv:5 .*looks like windows-1252/,
  ],
  'beta/gzip-cut': [
    'PARSE_FAILED',
    'GZIP_TRUNCATED',
    /csv\.gz: .* ends early: send the whole file/,
  ],
  'beta/zip-of-two': [
    'PARSE_FAILED',
    'PACKAGE_MEMBERS',
    /deliver one, or give the layout a pattern/,
  ],
  'beta/zip-locked': ['QUARANTINED', 'PACKAGE_REFUSED', /member a\.csv .* pack it with AES-256/],
  'beta/zip-bomb': ['QUARANTINED', 'PACKAGE_REFUSED', /RATIO.*more than 200 times its size/],
  'beta/zip-in-zip': [
    'NEEDS_REVIEW',
    'FORMAT_NOT_READ',
    /holds a ZIP archive: .* send it as one of those/,
  ],
  'beta/quote-open': ['VALIDATED', null, /QUOTE - csv:7 .*double each quote/],
  'beta/quote-stray': ['VALIDATED', null, /QUOTE - csv:8 .*double each quote/],
  'beta/ragged': ['VALIDATED', null, /FIELD_COUNT - csv:9 .*quote a text that holds the delimiter/],
  'beta/header-misspelt': [
    'NEEDS_REVIEW',
    'LAYOUT_MISMATCH',
    /header lacks PATIENT; no name of the layout stands in column 4/,
  ],
  'beta/header-missing': [
    'NEEDS_REVIEW',
    'LAYOUT_MISMATCH',
    /none of the names: is there no header/,
  ],
  'beta/trailer-count': [
    'VALIDATION_FAILED',
    null,
    /trailer txt:23 declares 19, counted 20.* records_counted - .*Correct what records_counted says/,
  ],
  'beta/control-differ': ['VALIDATED', null, /PERIOD_DIFFERS txt:22 .*correct one of them/],
  'beta/unnamed': [
    'NEEDS_REVIEW',
    'UNKNOWN_NAME',
    /matches no routing rule.*If its name.* is wrong/,
  ],
  'beta/other-month': ['VALIDATED', null, /Rows of 2023-12 are outside .* correct the dates/],
  'beta/dates': [
    'PARSE_FAILED',
    null,
    /TYPE_DATETIME START csv:2,3,4 no date and time .*Correct what layout_rejects/,
  ],
  'beta/decimals': ['PARSE_FAILED', null, /TYPE_DECIMAL TOTAL_CLAIM_COST csv:2,3,4 no number/],
  'beta/empty': ['QUARANTINED', 'EMPTY', /no bytes at all.*send it again/],
  'beta/header-only': ['VALIDATED', null, /It has no row: its months are empty now/],
  'beta/none-accepted': [
    'PARSE_FAILED',
    'NOTHING_ACCEPTED',
    /none of its 40 .*TYPE_DATETIME START csv:2,3,4,5,6 .*send it again/,
  ],
  'beta/stopped': [
    'PARSE_FAILED',
    'TOO_MANY_REJECTS',
    /stops at 5: .*TYPE_DECIMAL BASE_COST csv:2,3,4,5,6 .*send it again/,
  ],
  'beta/nul': ['VALIDATED', null, /NUL_BYTE - csv:40 .*write the file again as plain text/],
  'beta/long-line': ['VALIDATED', null, /TOO_LONG - csv:4 .*look for a missing line end/],
  'beta/hard-rule': [
    'VALIDATION_FAILED',
    null,
    /encounter_unique 2 Not accepted. Correct what enc/,
  ],
  'beta/executable': ['QUARANTINED', 'NOT_DATA', /binary data of no known format.*send it again/],
  'beta/pdf': ['QUARANTINED', 'NAME_AND_CONTENT_DIFFER', /a PDF document; it was not read/],
  'beta/image': ['QUARANTINED', 'NAME_AND_CONTENT_DIFFER', /an image; it was not read/],
}
/** Neither an answer of their own nor words of a submitter's. */
export const OTHERS: Expected = {
  'stranger/unknown': ['NEEDS_REVIEW', 'UNKNOWN_SUBMITTER', /add it to the registry/],
  'alpha/again': ['DUPLICATE', 'DUPLICATE', /^the same bytes as /],
}
/** Formats that a layout of text does not name, whatever else is read. */
export const OTHER_FORMATS = ['beta/workbook', 'beta/parquet']
