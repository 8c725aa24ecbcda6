/** Words of the expression language, and words of SQL that it refuses. */

/** Words with a meaning: as a column's name they stand in double quotes. */
export const RESERVED: ReadonlySet<string> = new Set(
  'AND BETWEEN CASE CAST ELSE END EXTRACT FALSE IN IS NOT NULL OR THEN TRUE WHEN'.split(' '),
)
/** Why each of these words is no part of an expression. */
export const REFUSED: ReadonlyMap<string, string> = new Map([
  ['SELECT', 'an expression has no subquery'],
  ['WITH', 'an expression has no subquery'],
  ['FROM', 'an expression has no subquery'],
  ['EXISTS', 'an expression has no subquery'],
  ['LIKE', 'use starts_with, contains or regexp_matches'],
  ['ILIKE', 'use starts_with, contains or regexp_matches on lower(…)'],
  ['TRY_CAST', 'a value that does not fit would vanish: use CAST'],
  ['LAMBDA', 'there are no lambdas here'],
  ['OVER', 'an expression sees one row: no windows'],
  ['INTERVAL', 'there are no intervals here: add days to a date, or use make_date'],
])
