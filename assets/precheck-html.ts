/** A pre-check as one HTML file that needs nothing else: no script, no style or image from elsewhere. */
import { countText, printable } from '../engine/index.ts'
import type { Precheck } from './precheck.ts'
import { findingWords, linesWords, fileFindingWords } from './precheck.ts'

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** The one way text gets into the page; control characters become visible. */
export const htmlText = (text: string): string =>
  printable(text).replaceAll(/[&<>"']/g, (mark) => ENTITIES[mark] ?? mark)

const STYLE =
  'body{font:1rem/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}' +
  'table{border-collapse:collapse;margin:1rem 0}caption{text-align:left;font-weight:600}' +
  'th,td{text-align:left;padding:.2rem 1rem .2rem 0;border-bottom:1px solid #ccc}' +
  '@media(prefers-color-scheme:dark){body{background:#111;color:#eee}}'

function table(
  caption: string,
  titles: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  if (rows.length === 0) return ''
  const head = titles.map((title) => `<th scope="col">${htmlText(title)}</th>`).join('')
  const line = ([first = '', ...rest]: readonly string[]): string =>
    `<tr><th scope="row">${htmlText(first)}</th>${rest.map((cell) => `<td>${htmlText(cell)}</td>`).join('')}</tr>`
  return `<table><caption>${htmlText(caption)}</caption><thead><tr>${head}</tr></thead><tbody>${rows.map(line).join('')}</tbody></table>\n`
}

/** The page of the reports of all files. */
export function precheckPage(reports: readonly Precheck[]): string {
  const title = `Pre-check: ${reports.map(({ file }) => file).join(', ')}`
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${htmlText(title)}</title><style>${STYLE}</style></head>
<body><main>
${reports.map(section).join('\n')}
<p>No value of a file is in this report.</p>
</main></body>
</html>
`
}

function section(report: Precheck): string {
  const { file, layout, verdict, next, failed, records, fileFindings } = report
  const why = failed === null ? '' : `<p>${htmlText(`${failed.code}: ${failed.detail}`)}</p>\n`
  const remarked = fileFindings.map((one) => `<p>${htmlText(fileFindingWords(one))}</p>\n`).join('')
  return `<h1>${htmlText(file)}</h1>
<p>${htmlText(layout)}: <strong>${htmlText(verdict)}</strong>. ${htmlText(next)}</p>
${why}${remarked}${tables(report, records)}`
}

const tables = (
  { reasons, control, months, rules }: Precheck,
  records: Precheck['records'],
): string =>
  table(
    'Records',
    ['kind', 'records'],
    Object.entries(records).map(([kind, count]) => [kind, countText(count)]),
  ) +
  table(
    'Refused records',
    ['reason', 'column', 'records', 'first lines'],
    reasons.map((one) => [one.code, one.column ?? '', countText(one.records), linesWords(one)]),
  ) +
  table(
    'Control records',
    ['record', 'declares', 'counted', 'agrees'],
    control.map((one) => [
      one.record,
      one.declared === null ? 'no number' : countText(one.declared),
      countText(one.counted),
      one.agrees ? 'yes' : 'no',
    ]),
  ) +
  table(
    'Months',
    ['month', 'rows'],
    months.map(({ month, rows }) => [month, countText(rows)]),
  ) +
  table(
    'Rules',
    ['rule', 'severity', 'result', 'rows'],
    rules.map((one) => [
      one.rule,
      one.severity,
      one.passed ? 'passed' : 'failed',
      findingWords(one),
    ]),
  )
