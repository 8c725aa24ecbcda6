/**
 * What other programs need to read this project's tables: text to paste, as a pure function.
 *
 * Every snippet reads exactly the parts that the newest manifest of each partition names, so that
 * a reader sees whole versions while commits go on, in a folder as in a bucket. No secret is in it:
 * keys are read from the environment when it runs.
 */
import { quoteText } from '../table/quote.ts'

/** Where readers find the store. */
export interface ReaderPlace {
  /** an absolute folder, or s3://bucket/prefix; no slash at the end */
  readonly location: string
  /** what stands between it and a published path's manifests: `.versions/`, or nothing */
  readonly manifests: string
  /** of an S3 service that is not AWS; http://… is a service without TLS */
  readonly endpoint?: string | undefined
  readonly region?: string | undefined
}

export interface ReaderTable {
  readonly schema: string
  readonly name: string
  /** which value of a partition's key names the table, from 0, and that value as keys write it */
  readonly keyPlace: number
  readonly keyValue: string
  /** the first folder of its published paths */
  readonly folder: string
  /** names and DuckDB types; for DDL only */
  readonly columns: readonly { readonly name: string; readonly type: string }[]
}

export const READERS = {
  duckdb: 'SQL for the DuckDB command line',
  python: 'Python with the duckdb package',
  polars: 'Python with polars',
  pyarrow: 'Python with pyarrow',
  r: 'R with the duckdb package',
  spark: 'PySpark',
  athena: 'DDL for Amazon Athena; S3 only',
  trino: 'DDL for Trino’s hive connector; S3 only',
} as const
export type Reader = keyof typeof READERS

/** Whether the store is in a bucket. */
export const isS3 = ({ location }: ReaderPlace): boolean => location.startsWith('s3://')

/** Variables of the environment that a snippet reads when it runs. */
export const environmentOf = (place: ReaderPlace): readonly string[] =>
  isS3(place) ? ['S3_ACCESS_KEY', 'S3_SECRET_KEY'] : []

/** The text for one reader, without a final line end. */
export function snippetOf(
  reader: Exclude<Reader, 'athena' | 'trino'>,
  place: ReaderPlace,
  tables: readonly ReaderTable[],
): string {
  switch (reader) {
    case 'duckdb':
      return duckdbSql(place, tables, (variable) => `getenv('${variable}')`)
    case 'python':
      return pythonDuckdb(place, tables)
    case 'r':
      return rDuckdb(place, tables)
    case 'polars':
    case 'pyarrow':
    case 'spark':
      return [manifestReader(place), ...LIBRARIES[reader](place, tables)].join('\n')
  }
}

type Variable = (name: string) => string

function duckdbSql(place: ReaderPlace, tables: readonly ReaderTable[], variable: Variable): string {
  const schemas = [...new Set(tables.map(({ schema }) => schema))]
  return [
    ...secretSql(place, variable),
    ...schemas.map((schema) => `CREATE SCHEMA IF NOT EXISTS ${schema};`),
    ...tables.flatMap((table) => tableSql(place, table)),
  ].join('\n')
}

function secretSql(place: ReaderPlace, variable: Variable): readonly string[] {
  if (!isS3(place)) return []
  const { endpoint, region = 'us-east-1' } = place
  const own =
    endpoint === undefined
      ? ''
      : `, ENDPOINT ${quoteText(endpoint.replace(/^https?:\/\//, ''))}, URL_STYLE 'path', USE_SSL ${endpoint.startsWith('https:')}`
  return [
    'INSTALL httpfs; LOAD httpfs;',
    `CREATE OR REPLACE SECRET tributary (TYPE s3, KEY_ID ${variable('S3_ACCESS_KEY')}, SECRET ${variable('S3_SECRET_KEY')}, REGION ${quoteText(region)}${own});`,
  ]
}

const manifestRoot = ({ location, manifests }: ReaderPlace, folder: string): string =>
  `${location}/${manifests}${folder}`

function tableSql(place: ReaderPlace, table: ReaderTable): readonly string[] {
  const { schema, name, keyPlace, keyValue, folder } = table
  const parts = `parts_of_${schema}_${name}`
  return [
    `-- Run this again to see what was committed since.`,
    `SET VARIABLE ${parts} = (`,
    `  SELECT list(${quoteText(`${place.location}/`)} || part.path ORDER BY part.path)`,
    `  FROM (SELECT unnest(parts) AS part FROM (`,
    `    SELECT parts, row_number() OVER (PARTITION BY key ORDER BY commit_number DESC) AS nth`,
    `    FROM read_json(${quoteText(`${manifestRoot(place, folder)}/**/_manifest/*.json`)},`,
    `      columns = {asset: 'VARCHAR', key: 'VARCHAR', commit_number: 'BIGINT', parts: 'STRUCT(path VARCHAR)[]'})`,
    `    WHERE asset = ${quoteText(schema)} AND split_part(key, '/', ${keyPlace + 1}) = ${quoteText(keyValue)})`,
    `  WHERE nth = 1));`,
    `CREATE OR REPLACE VIEW ${schema}.${name} AS`,
    `  SELECT * FROM read_parquet(getvariable('${parts}'), union_by_name = true, hive_partitioning = false);`,
    `SELECT '${schema}.${name}' AS table_name, count(*) AS row_count FROM ${schema}.${name};`,
  ]
}

const quoted = (text: string): string => JSON.stringify(text)

function pythonDuckdb(place: ReaderPlace, tables: readonly ReaderTable[]): string {
  const s3 = isS3(place)
  const sql = duckdbSql(place, tables, (variable) => `'{os.environ["${variable}"]}'`)
  const statements = statementsOf(sql)
  const lines = statements.map((statement) => {
    const isSecret = statement.includes('{os.environ')
    const isCount = statement.startsWith("SELECT '")
    const text = `${isSecret ? 'f' : ''}"""${statement}"""`
    return isCount ? `print(*con.execute(${text}).fetchone())` : `con.execute(${text})`
  })
  return [
    ...(s3 ? ['import os'] : []),
    'import duckdb',
    '',
    'con = duckdb.connect()',
    ...lines,
  ].join('\n')
}

function rDuckdb(place: ReaderPlace, tables: readonly ReaderTable[]): string {
  const sql = duckdbSql(place, tables, (variable) => `'", Sys.getenv("${variable}"), "'`)
  const lines = statementsOf(sql).map((statement) => {
    const verb = statement.startsWith("SELECT '") ? 'dbGetQuery' : 'dbExecute'
    const isSecret = statement.includes('Sys.getenv')
    return isSecret ? `dbExecute(con, paste0("${statement}"))` : `${verb}(con, r"(${statement})")`
  })
  return ['library(duckdb)', 'con <- dbConnect(duckdb())', ...lines].join('\n')
}

/** No text of ours holds a semicolon at the end of a line but where a statement ends. */
const statementsOf = (sql: string): readonly string[] =>
  sql
    .replaceAll(/^--.*\n/gm, '')
    .split(/;(?:\n|$| (?=LOAD))/)
    .map((statement) => statement.trim())
    .filter((statement) => statement !== '')

/** Python that lists the parts of whole versions, from a folder or from S3. */
function manifestReader(place: ReaderPlace): string {
  const { location, manifests, endpoint, region = 'us-east-1' } = place
  const s3 = isS3(place)
  const root = s3 ? location.slice('s3://'.length) : location
  const own =
    endpoint === undefined
      ? ''
      : `, endpoint_override=${quoted(endpoint.replace(/^https?:\/\//, ''))}, scheme=${quoted(endpoint.startsWith('https:') ? 'https' : 'http')}`
  const store = s3
    ? `fs.S3FileSystem(access_key=os.environ["S3_ACCESS_KEY"], secret_key=os.environ["S3_SECRET_KEY"], region=${quoted(region)}${own})`
    : 'fs.LocalFileSystem()'
  return [
    'import json',
    ...(s3 ? ['import os'] : []),
    'from pyarrow import fs',
    '',
    `ROOT = ${quoted(root)}`,
    `store = ${store}`,
    '',
    '',
    'def parts(asset, folder, place, value):',
    '    """Paths of the parts that the newest manifest of each partition names."""',
    '    newest = {}',
    `    for found in store.get_file_info(fs.FileSelector(f"{ROOT}/${manifests}{folder}", recursive=True)):`,
    '        home, _, name = found.path.rpartition("/_manifest/")',
    '        if home and name.endswith(".json"):',
    '            newest[home] = max(newest.get(home, ""), name)',
    '    paths = []',
    '    for home, name in sorted(newest.items()):',
    '        with store.open_input_stream(f"{home}/_manifest/{name}") as file:',
    '            manifest = json.loads(file.read())',
    '        if manifest["asset"] == asset and manifest["key"].split("/")[place] == value:',
    '            paths += [f"{ROOT}/{part[\'path\']}" for part in manifest["parts"]]',
    '    return paths',
    '',
    '',
  ].join('\n')
}

const partsCall = ({ schema, folder, keyPlace, keyValue }: ReaderTable): string =>
  `parts(${quoted(schema)}, ${quoted(folder)}, ${keyPlace}, ${quoted(keyValue)})`
const frameName = ({ schema, name }: ReaderTable): string => `${schema}_${name}`
const title = ({ schema, name }: ReaderTable): string => quoted(`${schema}.${name}`)

const LIBRARIES: Readonly<
  Record<
    'polars' | 'pyarrow' | 'spark',
    (place: ReaderPlace, tables: readonly ReaderTable[]) => readonly string[]
  >
> = {
  polars: (place, tables) => [
    'import polars as pl',
    '',
    ...(isS3(place) ? polarsOptions(place) : []),
    ...tables.flatMap((table) => {
      const call = partsCall(table)
      const paths = isS3(place) ? `[f"s3://{path}" for path in ${call}]` : call
      const options = isS3(place) ? ', storage_options=options' : ''
      return [
        `${frameName(table)} = pl.scan_parquet(${paths}, hive_partitioning=False${options})`,
        `print(${title(table)}, ${frameName(table)}.select(pl.len()).collect().item())`,
      ]
    }),
  ],
  pyarrow: (_place, tables) => [
    'import pyarrow.dataset as ds',
    '',
    ...tables.flatMap((table) => [
      `${frameName(table)} = ds.dataset(${partsCall(table)}, filesystem=store, format="parquet")`,
      `print(${title(table)}, ${frameName(table)}.count_rows())`,
    ]),
  ],
  spark: (place, tables) => [
    'from pyspark.sql import SparkSession',
    '',
    ...sparkSession(place),
    ...tables.flatMap((table) => [
      `${frameName(table)} = spark.read.option("mergeSchema", "true").parquet(*[${isS3(place) ? 'f"s3a://{path}"' : 'path'} for path in ${partsCall(table)}])`,
      `print(${title(table)}, ${frameName(table)}.count())`,
    ]),
  ],
}

function polarsOptions({ endpoint, region = 'us-east-1' }: ReaderPlace): readonly string[] {
  const own =
    endpoint === undefined
      ? ''
      : `, "aws_endpoint_url": ${quoted(endpoint)}, "aws_allow_http": "true"`
  return [
    `options = {"aws_access_key_id": os.environ["S3_ACCESS_KEY"], "aws_secret_access_key": os.environ["S3_SECRET_KEY"], "aws_region": ${quoted(region)}${own}}`,
  ]
}

function sparkSession(place: ReaderPlace): readonly string[] {
  if (!isS3(place)) return ['spark = SparkSession.builder.getOrCreate()']
  const { endpoint } = place
  const settings = [
    `.config("spark.hadoop.fs.s3a.access.key", os.environ["S3_ACCESS_KEY"])`,
    `.config("spark.hadoop.fs.s3a.secret.key", os.environ["S3_SECRET_KEY"])`,
    ...(endpoint === undefined
      ? []
      : [
          `.config("spark.hadoop.fs.s3a.endpoint", ${quoted(endpoint)})`,
          `.config("spark.hadoop.fs.s3a.path.style.access", "true")`,
        ]),
  ]
  return [
    'spark = (SparkSession.builder',
    ...settings.map((one) => `    ${one}`),
    '    .getOrCreate())',
  ]
}
