/**
 * DDL for Athena and Trino. Both read whole folders, and a folder of a bucket holds superseded parts
 * for a while: a list of the parts that count stands beside, and a view reads only those.
 */
import { quoteText } from '../table/quote.ts'
import type { ReaderPlace, ReaderTable } from './connect-snippets.ts'

interface Dialect {
  readonly types: Readonly<Record<string, string>>
  readonly text: string
  /** an external table over a folder */
  readonly table: (given: {
    readonly name: string
    readonly columns: readonly (readonly [name: string, type: string])[]
    readonly folder: string
    readonly format: 'parquet' | 'text'
  }) => string
}

const column = (mark: string, [name, type]: readonly [string, string]): string =>
  `  ${mark}${name}${mark} ${type}`

export const DIALECTS: Readonly<Record<'athena' | 'trino', Dialect>> = {
  athena: {
    types: {
      BIGINT: 'bigint',
      BOOLEAN: 'boolean',
      DATE: 'date',
      DOUBLE: 'double',
      INTEGER: 'int',
      TIMESTAMP: 'timestamp',
    },
    text: 'string',
    table: ({ name, columns, folder, format }) =>
      [
        `CREATE EXTERNAL TABLE ${name} (`,
        columns.map((one) => column('`', one)).join(',\n'),
        `)${format === 'parquet' ? '\nSTORED AS PARQUET' : ''}`,
        `LOCATION ${quoteText(folder)};`,
      ].join('\n'),
  },
  trino: {
    types: {
      BIGINT: 'bigint',
      BOOLEAN: 'boolean',
      DATE: 'date',
      DOUBLE: 'double',
      INTEGER: 'integer',
      TIMESTAMP: 'timestamp(6)',
    },
    text: 'varchar',
    table: ({ name, columns, folder, format }) =>
      [
        `CREATE TABLE ${name} (`,
        columns.map((one) => column('"', one)).join(',\n'),
        `) WITH (external_location = ${quoteText(folder)}, format = '${format === 'parquet' ? 'PARQUET' : 'TEXTFILE'}');`,
      ].join('\n'),
  },
}

/** Statements for one engine; a comment says how the list is written. Throws nothing. */
export function ddlOf(
  reader: 'athena' | 'trino',
  { location }: ReaderPlace,
  tables: readonly ReaderTable[],
): string {
  const { types, text, table } = DIALECTS[reader]
  const typeOf = (type: string): string =>
    type.startsWith('DECIMAL') ? type.toLowerCase() : (types[type] ?? text)
  const recursive = '-- The connector has to look into folders: hive.recursive-directories=true'
  return tables
    .flatMap((one) => {
      const name = `${one.schema}_${one.name}`
      const list = `${location}-lists/${one.schema}.${one.name}/`
      const columns = one.columns.map((each) => [each.name, typeOf(each.type)] as const)
      return [
        `-- After each run that changes it, the list of its parts is written anew, in one request:`,
        `--   tributary connect --parts ${one.schema}.${one.name} | aws s3 cp - ${list}parts.txt`,
        ...(reader === 'trino' ? [recursive] : []),
        table({ name: `${name}_parts`, columns: [['path', text]], folder: list, format: 'text' }),
        table({
          name: `${name}_files`,
          columns,
          folder: `${location}/${one.folder}/`,
          format: 'parquet',
        }),
        `CREATE OR REPLACE VIEW ${name} AS`,
        `SELECT * FROM ${name}_files WHERE "$path" IN (SELECT path FROM ${name}_parts);`,
        '',
      ]
    })
    .join('\n')
    .trimEnd()
}
