/**
 * What of a column is personal where no layout says it: by its name, then by what stands in it.
 *
 * It errs towards masking. Only what is plainly harmless stays: booleans, whole numbers of one or two
 * digits, amounts with decimals under a name that says so, and a few codes of one or two letters of
 * which each stands in five records or more.
 */
import type { PhiClass } from './layout.ts'
import { guessPhi } from './phi-guess.ts'
import { areDates, type ColumnFacts } from './sample-facts.ts'

export interface Detected {
  readonly class: PhiClass
  readonly by: 'name' | 'content'
}

/**
 * The class of a column. Of a path (`address.city`) the last member is the name. `known`: the column
 * of the layout that it may be, whose name says what the file's own does not.
 */
export function detectPhi(facts: ColumnFacts, known?: { readonly name: string }): Detected {
  const name = facts.column.name?.split('.').at(-1)
  const guessed = guessPhi(known?.name) ?? guessPhi(name)
  if (guessed !== undefined) return { class: guessed, by: 'name' }
  return { class: contentClass(facts, name ?? known?.name ?? ''), by: 'content' }
}

function contentClass(facts: ColumnFacts, name: string): PhiClass {
  const { type } = facts.column
  if (facts.counts.size === 0 || type === 'boolean') return 'none'
  if (type === 'date' || type === 'timestamp') return 'quasi'
  const texts = [...facts.counts.keys()]
  if (texts.every((text) => SMALL.test(text) || WORDS.test(text))) return 'none'
  if (areDates(facts)) return 'quasi'
  return areAmounts(texts, name) || areCodes(facts) ? 'none' : 'direct'
}

const SMALL = /^-?\d{1,2}$/
const WORDS = /^(?:true|false|yes|no|y|n|t|f)$/i

const AMOUNT_NAME =
  /amount|am(?:oun)?t\b|cost|paid|payment|charge|price|allowed|co-?pay|coinsurance|deductible|\bfee|expense|coverage|total|balance|\brate|ratio|percent|\bpct|factor|\bindex|rvu|quantity|\bqty|units?\b/
const DECIMAL = /^[-+]?\d{1,12}\.\d{1,6}$/
const WHOLE = /^[-+]?\d{1,12}$/

/** Some with decimals, all numbers, under a name that says so. */
function areAmounts(texts: readonly string[], name: string): boolean {
  const words = name.replaceAll(/[^A-Za-z0-9]+/g, ' ').toLowerCase()
  return (
    AMOUNT_NAME.test(words) &&
    texts.some((text) => DECIMAL.test(text)) &&
    texts.every((text) => DECIMAL.test(text) || WHOLE.test(text))
  )
}

/** One or two letters, or digits: too short for a name or an identifier. */
const CODE = /^(?:[A-Z]{1,2}|[a-z]{1,2}|\d{1,2})$/
/** A code that so many records have tells none of them. */
const RECORDS_OF_A_CODE_MIN = 5
/** More are initials, or numbers of people. */
const CODES_MAX = 10

const areCodes = ({ counts }: ColumnFacts): boolean =>
  counts.size <= CODES_MAX &&
  [...counts].every(([text, count]) => count >= RECORDS_OF_A_CODE_MIN && CODE.test(text))
