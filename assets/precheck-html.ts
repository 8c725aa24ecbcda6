/** The report of a file as one HTML file that needs nothing else: no script, no style or image from elsewhere. */
import { printable } from '../engine/index.ts'
import type { Precheck, PrecheckTable } from './precheck.ts'
import { precheckTables } from './precheck.ts'

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

function table({ title, columns, rows }: PrecheckTable): string {
  const head = columns.map((name) => `<th scope="col">${htmlText(name)}</th>`).join('')
  const line = ([first = '', ...rest]: readonly string[]): string =>
    `<tr><th scope="row">${htmlText(first)}</th>${rest.map((cell) => `<td>${htmlText(cell)}</td>`).join('')}</tr>`
  return `<table><caption>${htmlText(title)}</caption><thead><tr>${head}</tr></thead><tbody>${rows.map(line).join('')}</tbody></table>\n`
}

/** The page of the reports of all files. */
export function precheckPage(reports: readonly Precheck[]): string {
  const title = `Report: ${reports.map(({ file }) => file).join(', ')}`
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
  const { file, layout, submission, verdict, next, failed } = report
  const about = [submission, layout].flatMap((one) => one ?? []).join(', ')
  const why = failed === null ? '' : `<p>${htmlText(`${failed.code}: ${failed.detail}`)}</p>\n`
  return `<h1>${htmlText(file)}</h1>
<p>${htmlText(about)}${about === '' ? '' : ': '}<strong>${htmlText(verdict)}</strong>. ${htmlText(next)}</p>
${why}${precheckTables(report).map(table).join('')}`
}
