/**
 * How personal a column looks by its name: a draft's first guess, for a person to verify.
 *
 * Names of people, their identifiers and addresses are `direct`; birth, place and dates of service
 * are `quasi`; diagnoses, procedures and drugs `sensitive` (the classes of layout.ts). A provider's
 * own particulars are no patient's.
 */
import type { PhiClass } from './layout.ts'

const OF_OTHERS =
  /provider|physician|prescrib|pharmacy|facility|hospital|employer|payer|payor|plan\b|carrier|organi[sz]ation|practice/
const OF_PEOPLE = /member|subscriber|patient|bene|person|insured/

const CLASSES: readonly (readonly [PhiClass, RegExp])[] = [
  [
    'direct',
    /ssn|social ?security|\bmbi\b|\bhic|medicare beneficiary id|beneficiary id|((last|first|middle|maiden|full|member|patient|subscriber) ?(name|initial)|\b(first|last|middle|maiden)\b)|(member|subscriber|patient|person|bene\w*|desynpuf) ?(id|key|number|num|code|identifier)\b|contract ?(number|num)|address|street|phone|e ?mail|passport|driver|medical record|control ?number patient|patient control|\bmrn\b|\b(account|acct|policy|chart|encounter|visit|claim|clm) ?(id|identifier|number|num|nbr|no|key|control number)\b/,
  ],
  [
    'sensitive',
    /diagnos|\bdx|\bdgns|\bicd|procedure|\bprcdr|\bhcpcs|\bcpt\b|drug|\bndc\b|present on admission|\bpoa\b|\bdrg\b|reason ?(code|description)/,
  ],
  [
    'quasi',
    /birth|\bdob\b|death|\bzip|postal|city|county|state or province|gender|\bsex\b|race|ethnic|language|income|marital|admi(t|ssion)|discharge|service|(from|thru|through|filled|start|stop) ?(date|dt)?$|latitude|longitude|\blat\b|\blon\b/,
  ],
]

/** The class a column's name, title or both suggest; undefined: none. */
export function guessPhi(...names: readonly (string | undefined)[]): PhiClass | undefined {
  const words = names
    .filter((name) => name !== undefined)
    .join(' ')
    .replaceAll(/([a-z])([A-Z])/g, '$1 $2')
    .replaceAll(/[^A-Za-z0-9]+/g, ' ')
    .toLowerCase()
    .trim()
  const [kind] = CLASSES.find(([, pattern]) => pattern.test(words)) ?? []
  if (kind === undefined || kind === 'sensitive') return kind
  return OF_OTHERS.test(words) && !OF_PEOPLE.test(words) ? undefined : kind
}
