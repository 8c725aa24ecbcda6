/** Workbooks in memory from the XML of their sheets, so that a test can say what no program writes. */
import type { Members } from './zip.ts'
import { zipOf } from './zip.ts'

export interface BookParts {
  /** name → what is in `<sheetData>` */
  readonly sheets: Readonly<Record<string, string>>
  readonly strings?: readonly string[]
  /** number format of each style, by code */
  readonly formats?: readonly string[]
  readonly is1904?: boolean
  /** instead of the parts made here, or beside them */
  readonly parts?: Members
}

const HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
const MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
const KIND = 'http://schemas.openxmlformats.org/officeDocument/2006/relationships'

const relations = (targets: readonly (readonly [id: string, kind: string, target: string])[]) =>
  `${HEAD}<Relationships>${targets
    .map(
      ([id, kind, target]) =>
        `<Relationship Id="${id}" Type="${KIND}/${kind}" Target="${target}"/>`,
    )
    .join('')}</Relationships>`

/** The parts of a workbook, by name. */
export function bookParts({
  sheets,
  strings = [],
  formats = [],
  is1904,
  parts,
}: BookParts): Members {
  const names = Object.keys(sheets)
  const codes = formats.map(
    (code, at) => `<numFmt numFmtId="${200 + at}" formatCode="${code.replaceAll('"', '&quot;')}"/>`,
  )
  const styles = formats.map((_, at) => `<xf numFmtId="${200 + at}"/>`)
  const listed = names.map(
    (name, at) => `<sheet name="${name}" sheetId="${at + 1}" r:id="rId${at + 1}"/>`,
  )
  return {
    '[Content_Types].xml': `${HEAD}<Types/>`,
    '_rels/.rels': relations([['rId1', 'officeDocument', 'xl/workbook.xml']]),
    'xl/_rels/workbook.xml.rels': relations([
      ...names.map(
        (_, at) => [`rId${at + 1}`, 'worksheet', `worksheets/sheet${at + 1}.xml`] as const,
      ),
      ['rId901', 'styles', 'styles.xml'],
      ['rId902', 'sharedStrings', 'sharedStrings.xml'],
    ]),
    'xl/workbook.xml': `${HEAD}<workbook ${MAIN} xmlns:r="${KIND}">${is1904 ? '<workbookPr date1904="1"/>' : ''}<sheets>${listed.join('')}</sheets></workbook>`,
    'xl/styles.xml': `${HEAD}<styleSheet ${MAIN}><numFmts>${codes.join('')}</numFmts><cellXfs>${styles.join('')}</cellXfs></styleSheet>`,
    'xl/sharedStrings.xml': `${HEAD}<sst ${MAIN}>${strings.map((one) => `<si>${one}</si>`).join('')}</sst>`,
    ...Object.fromEntries(
      names.map((name, at) => [
        `xl/worksheets/sheet${at + 1}.xml`,
        `${HEAD}<worksheet ${MAIN}><sheetData>${sheets[name]}</sheetData></worksheet>`,
      ]),
    ),
    ...parts,
  }
}

/** A workbook of stored parts. */
export const workbookOf = (parts: BookParts): Buffer => zipOf(bookParts(parts))

/** Rows of texts, as a sheet has them. */
export const textRows = (rows: readonly (readonly string[])[]): string =>
  rows
    .map((cells, at) => {
      const inner = cells.map((text) => `<c t="inlineStr"><is><t>${text}</t></is></c>`)
      return `<row r="${at + 1}">${inner.join('')}</row>`
    })
    .join('')
