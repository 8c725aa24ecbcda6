/**
 * Whether a text is a name of a column, or a whole record holds names: told by the words that data
 * dictionaries use and that no person is called. What is not surely a name is none. Pure.
 */

const wordSet = (words: string): ReadonlySet<string> => new Set(words.trim().split(/\s+/))

/** Words of names; digits behind them do not count. */
const STRONG = wordSet(`
  id ids identifier identification code codes cd num nbr number no name names nm date dates dt dttm
  datetime timestamp days month months mon mons year years yr quarter week time type typ kind class
  category status flag ind indicator amount amt qty quantity unit units count cnt cost costs paid
  prices charge charges payment pay pmt pymt reimbursement ratio total tot sum value values percent
  pct share zip zipcode zip5 postal address addr line1 phone telephone fax email mail birth born
  dob dod death dead deceased sex gender race ethnicity ethnic language marital age desc
  description descr comment comments note notes text version line seq sequence file source member
  mbr patient subscriber beneficiary bene provider prov prvdr payer payor payee insurer plan
  product claim clm claims service services svc srvc procedure proc prcdr px diagnosis diag dgns dx
  icd icd9 icd10 drug ndc npi ssn mbi hic hicn mrn hcpcs hcpc cpt drg poa revenue rev modifier mod
  mdfr begin start from thru through end stop column col first last middle maiden prefix suffix
  initial full given surname birthplace latitude longitude lat lon fips income expenses
  coverage coverages cvrage cvrg encounter encounters visit admission admit discharge admtng
  admitting attending rendering referring billing ordering prescribing prescriber org physician
  physn specialty taxonomy network eligibility eligible enrollment enrolled effective eff
  expiration term termination group policy account relationship relation reason pos allowed
  copay copayment coinsurance coinsrnc deductible ddctbl deduct benefit benefits liability lblty
  balance fee schedule factor conversion index locality carrier contractor segment record rec row
  rows created updated modified filled fill refill refills dispensed dispense dispenses supply
  strength dose dosage rx prescription script lab result results test observation obs loinc snomed
  reference range abnormal specimen vital vitals height weight bmi condition conditions careplan
  supplies default prmry op ot ip smi hi snf hha car pta utlztn diem submitter subject resource
  owner title url uri link message error level score rank order position size length width format
  encoding checksum hash bytes path folder user login role disposition delivery method mode
  currency tax tin ein upin medrec chart control cntl trace transaction trans txn batch adjustment
  adj adjusted replacement cob paidamount capitation encountertype drivers passport healthcare base
  sp esrd rvu work nonfacility fac nonfac pe mp gpci opps procstat apc outlier grouper pricing
  plus four part recipient manufacturer investigator study nature form transfer third party entity
  receiving program publication dispute delay associated biological medical context preclinical
  applicable gpo making profile license region area zone census tract vendor pcp insurance insured
  coordination exchange metal tier market exemption attribution risk hcc sequelae supervision
  family global surg team bilat asst endo pre intra mult used reimb `)
/** Words that are values as well, or join others: a record of nothing else holds no names. */
const WEAK = wordSet(`
  city county country state active inactive enabled valid verified primary secondary principal
  other inpatient outpatient rural urban medicare medicaid hospital hospitalization hmo ppo epo
  generic brand teaching research commercial dual chronic disease approved emergency ambulatory
  wellness urgent capitated covered noncovered orig original imaging device immunization allergy
  pharmacy facility organization practice clinic is has was not per and or the in by to of for
`)
/** Words of names that people and streets are called by. */
const OF_PEOPLE = wordSet(
  'day price street page place field key rate march church hall pat bill long rider mac post',
)
/** Names of columns of the states' claims data bases: CDLME012, MC005. */
const CODED = /^(?:cdl)?(?:me|mc|pc|pv|dc)(?:\d{3}[a-z]?|xxx)$/
/** Of each half of a word that is two: `birthdate`. */
const HALF_CHARS_MIN = 3
/** Longer ones are no words. */
const WORD_CHARS_MAX = 40

const NAME_CHARS_MAX = 80
/** No name begins with a digit. */
const NAME_FORM = /^[A-Za-z_#(][A-Za-z0-9 _\-./()#]*$/
/** A number of a column has two digits at most; more are somebody's. */
const NUMBER = /^\d{3,}$/

const isListed = (word: string): boolean =>
  STRONG.has(word) || WEAK.has(word) || OF_PEOPLE.has(word)

type Kind = 'strong' | 'weak' | 'unknown'

function kindOf(word: string): Kind {
  if (CODED.test(word)) return 'strong'
  const bare = word.replace(/(?<=[a-z])\d{1,2}$/, '')
  if (STRONG.has(bare) || STRONG.has(word)) return 'strong'
  if (isListed(bare)) return 'weak'
  if (bare.length > WORD_CHARS_MAX) return 'unknown'
  for (let at = HALF_CHARS_MIN; at <= bare.length - HALF_CHARS_MIN; at += 1) {
    if (isListed(bare.slice(0, at)) && isListed(bare.slice(at))) return 'strong'
  }
  return 'unknown'
}

/** Words of a name in lower case; numbers of two digits are none. */
const wordsOf = (name: string): readonly string[] =>
  name
    .replaceAll(/([a-z\d])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => /[a-z]/.test(word) || NUMBER.test(word))

const isNameForm = (text: string): boolean => text.length <= NAME_CHARS_MAX && NAME_FORM.test(text)

/**
 * Whether a record surely holds names of columns: all look like names, most of their words are such
 * words, a third of them ones that are no values, and half of the names begin or end in one.
 */
export function areColumnNames(cells: readonly string[]): boolean {
  const names = cells.map((cell) => cell.trim()).filter((cell) => cell !== '')
  if (names.length === 0 || !names.every(isNameForm)) return false
  const words = names.map((name) => wordsOf(name).map(kindOf))
  const all = words.flat()
  const unknown = all.filter((kind) => kind === 'unknown').length
  const strong = all.filter((kind) => kind === 'strong').length
  const ended = words.filter((kinds) =>
    [kinds[0], kinds.at(-1)].some((kind) => kind !== undefined && kind !== 'unknown'),
  )
  return unknown * 2 < all.length && strong * 3 >= all.length && ended.length * 2 >= names.length
}

/** Whether a cell of a record of names may be shown: one of its words is such a word. */
export const isNamePart = (name: string): boolean => {
  const words = wordsOf(name)
  return (
    words.every((word) => word.length === 1) || words.some((word) => kindOf(word) !== 'unknown')
  )
}

/** Whether a text that stands alone is surely a name: most of its words, and not such as people have. */
export function isColumnName(name: string): boolean {
  if (!isNameForm(name)) return false
  const words = wordsOf(name)
  if (words.length === 1 && words[0]?.length === 1) return true
  const known = words.filter((word) => kindOf(word) !== 'unknown')
  return known.length * 2 > words.length && known.some((word) => !OF_PEOPLE.has(word))
}

/** Whether a text could be a name of a column though its words are unknown: no blanks, no numbers. */
export const isIdentifier = (name: string): boolean =>
  /^[A-Za-z_]\w{0,39}$/.test(name) && !/\d{3}/.test(name)
