/** The walk «a layout» of CONTRIBUTING.md, followed file by file: JSON only, no code. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, extname, join } from 'node:path'
import { expect, test } from 'vitest'
import { readConfig } from '../../assets/config.ts'
import { openPlatform } from '../../assets/platform.ts'
import { initProject } from '../../assets/project-template.ts'
import { materialize } from '../../engine/index.ts'
import { MIGRATIONS } from '../../migrations/index.ts'
import { openLocalStore } from '../../minio/local-store.ts'

const repository = join(import.meta.dirname, '../..')
const actor = { name: 'test', reason: 'test' }

interface WalkFile {
  readonly path: string
  readonly text: string
}

/** The files a section shows: a path on a line of its own, then a fenced block. */
function filesOf(section: string): readonly WalkFile[] {
  const page = readFileSync(join(repository, 'CONTRIBUTING.md'), 'utf8')
  const from = page.indexOf(`### ${section}\n`)
  const text = page.slice(from, page.indexOf('\n### ', from + 1))
  const block = /^ *`([^`\n]+)`\n\n( *)```(?:json|text)\n([\s\S]*?)^ *```/gm
  return [...text.matchAll(block)].map(([, path = '', indent = '', body = '']) => ({
    path,
    text: body.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
  }))
}

test('a layout added by the walk is JSON only, and its delivery reaches canonical gold', async () => {
  const root = mkdtempSync(join(tmpdir(), 'tributary-layout-'))
  try {
    await initProject({ folder: root, from: repository, withSamples: false })
    const files = filesOf('A layout')
    expect(files.map(({ path }) => extname(path)).toSorted()).toEqual([
      '.csv',
      ...Array.from({ length: 4 }, () => '.json'),
    ])
    for (const { path, text } of files) {
      mkdirSync(dirname(join(root, path)), { recursive: true })
      writeFileSync(join(root, path), text)
      if (path.startsWith('inbox/')) writeFileSync(join(root, dirname(path), '_SUCCESS'), '')
    }
    const config = readConfig({ root, environment: {}, flags: {}, cores: 2, memoryMb: 4096 })
    await using platform = await openPlatform({
      config,
      migrations: MIGRATIONS,
      openStore: ({ store }) => openLocalStore({ root: store.value, durable: false }),
    })
    const call = { actor, command: 'test', concurrency: 2 }
    const { failures } = await materialize(platform.project, call)
    expect(failures).toEqual([])
    const parts = join(root, 'data/gold_canonical/CO/medical_claim/atomic_month=2024-03/*.parquet')
    const select = `select claim_id, claim_line_number, paid_date, paid_amount, source_layout_id
      from read_parquet('${parts}') order by 1, 2`
    const { rows } = await platform.duck.run({ statements: [select], folders: [root] })
    expect(rows.map((row) => Object.values(row).map(String).join(' '))).toEqual([
      'C1 1 2024-03-05 10.50 medical_claim/short/v1',
      'C1 2 2024-03-05 0.25 medical_claim/short/v1',
      'C2 1 2024-03-28 99.00 medical_claim/short/v1',
    ])
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
})
