/** Samples of files that others wrote, made by the command line and opened by other people's programs. */
import { execFile } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { CliProject } from '../cli/cli-project.ts'
import { readerPython, runPython } from '../support/python.ts'
import { dataFolder } from '../support/scenario.ts'

const RECORDS = 5

const SUITES = ['frictionless/data', 'parquet-testing/data', 'zip-hostile/yauzl-success'] as const
const folders = SUITES.map((suite) => dataFolder(`suites/${suite}`))
const real = dataFolder('real')
const python = await readerPython()
if (real === undefined) console.log('left out: the folder ../shared/data is not beside this clone')

/** Prints how many samples of each kind are as their files begin, and which are not. */
const COMPARE = `
import csv, gzip, io, json, os, sys, zipfile
import pyarrow.parquet as pq
csv.field_size_limit(10**9)
N = ${RECORDS}
def text(data):
    for encoding in ('utf-8-sig', 'latin-1'):
        try: return data.decode(encoding)
        except UnicodeDecodeError: pass
def rows(data, kind, delimiter):
    if kind == 'json':
        value = json.loads(text(data))
        return value if isinstance(value, list) else [value]
    if kind == 'jsonl':
        return [json.loads(line) for line in text(data).split('\\n') if line.strip()]
    return [row for row in csv.reader(io.StringIO(text(data), newline=''), delimiter=delimiter) if row]
def same(whole, part):
    return whole[:len(part)] == part and len(part) >= min(N, len(whole))
def check(path, sample, kind):
    data, own = open(path, 'rb').read(), open(sample, 'rb').read()
    if kind == 'parquet':
        whole, part = pq.read_table(path), pq.read_table(sample)
        return repr(whole.slice(0, part.num_rows).to_pylist()) == repr(part.to_pylist()) and part.num_rows == min(N, pq.ParquetFile(path).metadata.row_group(0).num_rows)
    if kind == 'zip':
        a, b = zipfile.ZipFile(path), zipfile.ZipFile(sample)
        names = [n for n in b.namelist() if n != '_manifest.txt' and not n.endswith('.meta.json')]
        return b.testzip() is None and '_manifest.txt' in b.namelist() and all(a.read(n).startswith(b.read(n)) or json_like(a.read(n), b.read(n)) for n in names)
    if data[:2] == b'\\x1f\\x8b': data, own = gzip.decompress(data), gzip.decompress(own)
    return any(same(rows(data, kind, d), rows(own, kind, d)) for d in (',', ';', '\\t', '|'))
def json_like(whole, part):
    return rows(whole, 'json', ',')[:N] == rows(part, 'json', ',')
counts, wrong = {}, []
for one in json.load(open(sys.argv[1])):
    try: ok = check(one['raw'], one['sample'], one['format'])
    except Exception as error: ok = False; one['why'] = type(error).__name__ + ' ' + str(error)[:80]
    if ok: counts[one['format']] = counts.get(one['format'], 0) + 1
    else: wrong.append([os.path.basename(one['raw']), one.get('why', 'differs')])
print(json.dumps({'counts': counts, 'wrong': wrong}))
`

/** Which Python does not read as they are written, or reads otherwise, and why. */
const ODD: Readonly<Record<string, string>> = {
  'incorrect_map_schema.parquet': 'pyarrow refuses the file itself',
  'int96_from_spark.parquet': 'pyarrow has no nanoseconds past 2262',
  'nested_structs.rust.parquet': 'pyarrow has no dates past 9999',
  'issue-1066-largecellsizewithdeviation.csv': 'a quoted cell over 64 KiB is a fault (design §7.2)',
}

interface Listed {
  readonly raw: string
  readonly status: string
  readonly sample: string
  readonly format: string
}

describe.skipIf(python === undefined || real === undefined)('samples of files of others', () => {
  let project: CliProject
  let listed: readonly Listed[]
  beforeAll(async () => {
    project = await CliProject.create()
    project.write('tributary.json', JSON.stringify({ samples: { records: RECORDS } }))
    await run('plan')
    const files = [...folders, real].flatMap((folder) => filesOf(folder ?? ''))
    for (let at = 0; at < files.length; at += 200) {
      const some = files.slice(at, at + 200)
      await run('samples', 'make', ...some, '--raw-sample', '--reason', 'readers', '--json')
    }
    const { samples } = JSON.parse(await run('samples', 'list', '--limit', '10000', '--json')) as {
      samples: readonly Listed[]
    }
    listed = samples
  }, 600_000)
  afterAll(() => project[Symbol.dispose]())

  const run = async (...argv: readonly string[]): Promise<string> => {
    const { code, stdout, stderr } = await project.run(argv)
    if (code !== 0) throw new Error(stderr)
    return stdout
  }

  test('every file has one, of its own format where that is known', () => {
    const by = Map.groupBy(listed, ({ format }) => format)
    const counts = [...by].map(([format, all]) => [format, all.length] as const)
    console.log(Object.fromEntries(counts))
    expect(listed.filter(({ status }) => status !== 'MADE')).toEqual([])
    for (const format of ['text', 'json', 'jsonl', 'parquet', 'zip', 'described']) {
      expect(by.get(format)?.length ?? 0).toBeGreaterThan(0)
    }
  })

  test('Python, pyarrow and zipfile read in each what its file begins with', async () => {
    if (python === undefined) throw new Error('no Python')
    const compared = listed.filter(({ format }) => format !== 'described' && format !== 'tar')
    project.write('compared.json', JSON.stringify(compared))
    const script = `import sys\nsys.argv = ['', ${JSON.stringify(join(project.root, 'compared.json'))}]\n${COMPARE}`
    const { counts, wrong } = JSON.parse(await runPython(python, script)) as {
      counts: Readonly<Record<string, number>>
      wrong: readonly (readonly [string, string])[]
    }
    console.log(counts)
    const odd = wrong.filter(([name]) => ODD[name] === undefined)
    expect(odd).toEqual([])
    expect(wrong.length).toBe(Object.keys(ODD).length)
  })

  test('unzip finds every ZIP sample sound', async () => {
    const zips = listed.filter(({ format }) => format === 'zip')
    expect(zips.length).toBeGreaterThan(20)
    for (const { sample } of zips) await promisify(execFile)('unzip', ['-tq', sample])
  })
})

function filesOf(folder: string): readonly string[] {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile() && basename(entry.name) !== 'README.md')
    .map((entry) => join(entry.parentPath, entry.name))
    .toSorted()
}
