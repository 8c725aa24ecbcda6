/** Which column dates a row, by names and types: paid before served, never a birth. Pure. */
import type { FieldDraft, LayoutDraft } from './draft.ts'

const MEMBER_MONTH = /coverage ?month|eligibility ?month|year ?month|month ?year|activity ?month/
/** From the most to the least likely; what dates a payment dates a claim line. */
const LIKELY: readonly RegExp[] = [
  /paid|payment|pymt|\bpd\b/,
  /service|(from|thru|through) ?(date|dt)|\bfrom\b|\bthru\b|fill|dispens|start|visit|encounter/,
  /date|\bdt\b|month|period/,
]
const NEVER = /birth|\bdob\b|death|effective|expir|term(ination)?\b/

const wordsOf = ({ label, title = '' }: FieldDraft): string =>
  `${label} ${title}`
    .replaceAll(/([a-z])([A-Z])/g, '$1 $2')
    .replaceAll(/[^A-Za-z0-9]+/g, ' ')
    .toLowerCase()

/** Undefined: none looks like it. */
export function guessMonth(fields: readonly FieldDraft[]): LayoutDraft['month'] | undefined {
  const dated = fields.filter(
    (field) => (field.type === 'date' || field.type === 'datetime') && !NEVER.test(wordsOf(field)),
  )
  const named = (words: RegExp): string | undefined =>
    dated.find((field) => words.test(wordsOf(field)))?.label
  const memberMonth = named(MEMBER_MONTH) ?? yearAndMonth(fields)
  if (memberMonth !== undefined) return memberMonth
  for (const words of LIKELY) {
    const found = named(words)
    if (found !== undefined) return found
  }
  return undefined
}

/** Two integers of which one is called a year and the other a month. */
function yearAndMonth(
  fields: readonly FieldDraft[],
): { readonly year: string; readonly month: string } | undefined {
  const named = (word: RegExp): FieldDraft | undefined =>
    fields.find((field) => field.type === 'integer' && word.test(wordsOf(field)))
  const [year, month] = [named(/\b(year|yr)\b/), named(/\bmonth\b/)]
  return year === undefined || month === undefined || year === month
    ? undefined
    : { year: year.label, month: month.label }
}
