import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Project } from '../../engine/index.ts'
import * as engine from '../../engine/index.ts'
import { MIGRATIONS } from '../../migrations/index.ts'
import { openLocalStore } from '../../minio/local-store.ts'

/** `texts/{shelf}-{title}.txt` → how many words a text has → one list for each shelf. */
const assets = (root: string) => [
  engine.defineAsset({ kind: 'fact', name: 'text', dimensions: ['file'] }),
  engine.defineAsset({
    kind: 'stored',
    name: 'words',
    dimensions: ['file'],
    recipe: '1',
    from: { text: engine.byValue((key) => [key]) },
    build: ({ inputs: { key } }) => {
      const text = readFileSync(join(root, 'texts', ...key), 'utf8')
      return { parts: [], value: text.match(/\p{L}+/gu)?.length ?? 0 }
    },
  }),
  engine.defineAsset({
    kind: 'stored',
    name: 'shelf',
    dimensions: ['shelf'],
    recipe: '1',
    from: { words: engine.byValue(([file = '']) => [[file.replace(/-.*/, '')]]) },
    publish: ([shelf]) => ({ path: `shelves/${shelf}`, mode: 'folder' }),
    build: ({ inputs }) => {
      const lines = inputs.of('words').map(({ key, value }) => `${key}: ${JSON.stringify(value)}\n`)
      return { parts: [{ name: 'words.txt', from: { bytes: lines.join('') } }] }
    },
  }),
]

export const openWordCounts = async (root: string): Promise<Project> => ({
  graph: engine.buildGraph(assets(root)),
  catalog: await engine.openCatalog({ url: join(root, 'catalog.db'), migrations: MIGRATIONS }),
  store: openLocalStore({ root: join(root, 'out') }),
  clock: engine.systemClock,
  observers: [
    engine.fileFacts({ asset: 'text', folder: join(root, 'texts'), key: (name) => [name] }),
  ],
  hooks: {},
  scratchRoot: join(root, 'scratch'),
  retainedVersions: 3,
})
