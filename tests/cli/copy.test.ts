/** `copy`: a producer outside puts raw files into bronze, and each has its line. */
import { createHash } from 'node:crypto'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { copyFiles } from '../../assets/copy-files.ts'
import { bronzePath } from '../../assets/copy-path.ts'
import { main } from '../../assets/main.ts'
import type { ProcessedEntry } from '../../assets/processed-entry.ts'
import { rejectedCode } from '../support/error-code.ts'

const AT = Date.UTC(2026, 0, 18, 14, 30, 0, 999)
const PLACE = { vendor: 'sp', dataset: 'pipe', version: '1.0' }
const NAMED = ['--vendor', 'sp', '--dataset', 'pipe', '--version', '1.0']

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'tributary-copy-'))
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

function put(path: string, content = path): void {
  mkdirSync(dirname(join(root, path)), { recursive: true })
  writeFileSync(join(root, path), content)
  utimesSync(join(root, path), 1_737_200_000.5, 1_737_200_000.5)
}
const version = (): string => join(root, 'sp/pipe/1.0')
const copy = async (raw = 'sp/pipe/1.0/raw', bronze = 'sp/pipe/1.0/bronze') =>
  copyFiles({
    raw: join(root, raw),
    bronze: join(root, bronze),
    prefix: root,
    place: PLACE,
    nowMs: () => AT,
  })
const linesOf = (): readonly ProcessedEntry[] =>
  readFileSync(join(version(), 'manifests/processed.jsonl'), 'utf8')
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as ProcessedEntry)
const lying = (folder: string): readonly string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .toSorted()
/** Runs the command line. */
async function run(argv: readonly string[]): Promise<{ code: number; stdout: string }> {
  let stdout = ''
  const stream = (write: (text: string) => void) => ({
    write: (text: string | Uint8Array) => (write(String(text)), true),
    on: () => undefined,
  })
  const out = stream((text) => (stdout += text))
  const code = await main(['--project', root, ...argv], { stdout: out, stderr: stream(() => {}) })
  return { code, stdout }
}

describe('the path rule', () => {
  test.each([
    ['env0/data.csv', '2026/01/18/143000--data.csv'],
    ['env1/file.parquet', '2026/01/18/143000--file.parquet'],
    ['data.tar.gz', '2026/01/18/143000--data.tar.gz'],
    ['env/data.csv', '2026/01/18/143000--data.csv'],
    ['env0/sub/env12/data.csv', 'sub/2026/01/18/143000--data.csv'],
    ['environment/env0.csv', 'environment/2026/01/18/143000--env0.csv'],
  ])('%s becomes %s', (raw, bronze) => {
    expect(bronzePath(raw, AT)).toBe(bronze)
  })

  test('a second copy of one name in one second has its turn before the name', () => {
    expect(bronzePath('env1/data.tar.gz', AT, 2)).toBe('2026/01/18/143000.2--data.tar.gz')
  })
})

test('a folder is copied whole, each file with its line; nothing new, no line', async () => {
  for (const path of ['env0/data.csv', 'env1/data.csv', 'env0/sub/x.csv']) {
    put(`sp/pipe/1.0/raw/${path}`)
  }
  const { copied, ...rest } = await copy()
  expect(rest).toEqual({ unchanged: 0, skipped: [], faults: [] })
  expect(copied.map(({ raw, bronze }) => [raw, bronze])).toEqual([
    ['raw/env0/data.csv', 'bronze/2026/01/18/143000--data.csv'],
    ['raw/env0/sub/x.csv', 'bronze/sub/2026/01/18/143000--x.csv'],
    ['raw/env1/data.csv', 'bronze/2026/01/18/143000.2--data.csv'],
  ])
  expect(linesOf()).toEqual(copied)
  for (const { raw, bronze, size, sha256, mtime } of linesOf()) {
    const bytes = readFileSync(join(version(), bronze))
    expect(bytes).toEqual(readFileSync(join(version(), raw)))
    const sum = createHash('sha256').update(bytes).digest('hex')
    expect([size, sha256, mtime]).toEqual([bytes.length, sum, 1_737_200_000.5])
  }
  expect(await copy()).toMatchObject({ copied: [], unchanged: 3 })
  expect(lying(join(version(), 'bronze'))).toHaveLength(3)
  // Newer content under the same name is another file; what was copied is not overwritten.
  writeFileSync(join(version(), 'raw/env0/data.csv'), 'corrected')
  expect(await copy()).toMatchObject({ unchanged: 2 })
  expect(linesOf().at(-1)).toMatchObject({ bronze: 'bronze/2026/01/18/143000.3--data.csv' })
  expect(lying(join(version(), 'bronze'))).toHaveLength(4)
})

test('what is being written, a link and a hostile name are not copied, and said', async () => {
  put('raw/good.csv')
  put('raw/temp_data.csv')
  put('raw/temp_folder/data.csv')
  put('raw/bad\u001b[2Jname.csv')
  put('elsewhere.csv')
  symlinkSync(join(root, 'elsewhere.csv'), join(root, 'raw/link.csv'))
  symlinkSync(root, join(root, 'raw/loop'))
  const { copied, skipped, faults } = await copy('raw', 'bronze')
  expect(copied.map(({ raw }) => raw)).toEqual([join(root, 'raw/good.csv')])
  expect(skipped.map(({ path }) => path).toSorted()).toEqual([
    'link.csv',
    'loop',
    'temp_data.csv',
    'temp_folder',
  ])
  expect(faults).toEqual([
    {
      path: String.raw`bad\u001b[2Jname.csv`,
      why: 'its name has characters that cannot be seen',
    },
  ])
  expect(await rejectedCode(copy('raw/link.csv', 'bronze'))).toBe('INPUT_UNREADABLE')
  expect(await rejectedCode(copy('raw/nothing', 'bronze'))).toBe('USAGE')
  expect(await rejectedCode(copy('raw', 'raw/bronze'))).toBe('USAGE')
})

test('a copy that died between file and line is made anew; no line is without its file', async () => {
  put('raw/a.csv')
  put('raw/b.csv')
  // What a killed copy leaves: a named file without a line, and a temporary one.
  put('bronze/2026/01/18/143000--a.csv', 'raw/a.csv')
  put('bronze/2026/01/18/temp_143000--b.csv', 'half')
  await copy('raw', 'bronze')
  const named = linesOf().map(({ bronze }) => bronze.slice(bronze.lastIndexOf('/') + 1))
  expect(named).toEqual(['143000.2--a.csv', '143000.2--b.csv'])
  expect(linesOf().every(({ bronze }) => existsSync(bronze))).toBe(true)
})

test.skipIf(process.getuid?.() === 0)(
  'a file that cannot be read is told, and the rest is copied',
  async () => {
    put('raw/a.csv')
    put('raw/b.csv')
    chmodSync(join(root, 'raw/a.csv'), 0)
    const { copied, faults } = await copy('raw', 'bronze')
    expect([copied.length, faults]).toEqual([1, [{ path: 'a.csv', why: 'EACCES' }]])
  },
)

test('the command needs no project: a flag or the environment says where lines go', async () => {
  put('raw/env0/data.csv')
  const words = ['copy', join(root, 'raw'), join(root, 'bronze'), ...NAMED]
  expect((await run(words)).code).toBe(2)
  expect((await run([...words.slice(0, 5), '--prefix', root])).code).toBe(2)
  const { code, stdout } = await run([...words, '--prefix', root])
  expect([code, stdout]).toEqual([0, expect.stringContaining('1 file copied, 0 unchanged')])
  expect(linesOf()).toHaveLength(1)
  const again = await run([...words, '--prefix', root, '--json'])
  expect(JSON.parse(again.stdout)).toMatchObject({ copied: 0, unchanged: 1, faults: { count: 0 } })
  expect((await run([...words, '--prefix', 's3://bucket/x'])).code).not.toBe(0)
  expect((await run(['copy', 'a', 'b', '--vendor', '../x', ...NAMED.slice(2)])).code).toBe(2)
})

test('a file that could not be copied makes the exit code 1', async () => {
  put('raw/good.csv')
  put('raw/bad\nname.csv')
  const words = ['copy', join(root, 'raw'), join(root, 'bronze'), ...NAMED, '--prefix', root]
  const { code, stdout } = await run(words)
  expect([code, linesOf().length]).toEqual([1, 1])
  expect(stdout).toContain(String.raw`not copied bad\u000aname.csv`)
})

test('what was landed is listed newest first, of all places or of one, and no more than asked', async () => {
  put('raw/a.csv')
  await copy('raw', 'bronze')
  put(
    'sp/other/1.0/manifests/processed_2026-01-17.jsonl',
    '{"raw":"r","bronze":"b","mtime":1}\n{\n',
  )
  const list = async (...more: readonly string[]) => {
    const { stdout } = await run(['manifest', 'processed', '--prefix', root, '--json', ...more])
    const found = JSON.parse(stdout) as {
      entries: { place: string; raw: string }[]
      faults: number
    }
    return [found.entries.map(({ place, raw }) => `${place} ${raw}`), found.faults]
  }
  const first = `sp/pipe/1.0 ${join(root, 'raw/a.csv')}`
  expect(await list()).toEqual([[first, 'sp/other/1.0 r'], 1])
  expect(await list('--limit', '1')).toEqual([[first], 0])
  expect(await list('--place', 'sp/other/1.0')).toEqual([['sp/other/1.0 r'], 1])
  expect((await run(['manifest', 'processed', '--prefix', root])).stdout).toContain('r → b')
  expect((await run(['manifest', 'processed', '--prefix', root, '--place', 'a/b'])).code).toBe(2)
})
