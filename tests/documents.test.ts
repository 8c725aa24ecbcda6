/** The documents beside the code: links that lead somewhere, names that exist, pages that stay short. */
import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'

const root = join(import.meta.dirname, '..')
const PAGES = globSync(['*.md', 'docs/*.md'], { cwd: root }).toSorted()
const read = (path: string): string => readFileSync(join(root, path), 'utf8')

/** GitHub's anchor of a heading. */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-')
const anchors = (text: string): readonly string[] =>
  [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => anchorOf(heading))

/** A link's target that is not there, or undefined. */
function deadTarget(page: string, target: string): string | undefined {
  const [path = '', anchor] = target.split('#')
  const file = path === '' ? page : join(dirname(page), path)
  if (!existsSync(join(root, file))) return `${page}: ${target}`
  if (anchor === undefined || anchors(read(file)).includes(anchor)) return undefined
  return `${page}: ${target}`
}

test('every link leads to a file or heading that is there', () => {
  const dead = PAGES.flatMap((page) =>
    [...read(page).matchAll(/\]\(([^)\s]+)\)|^\[[^\]]+\]: (\S+)$/gm)]
      .map(([, inline, reference]) => inline ?? reference ?? '')
      .filter((target) => !/^[a-z]+:/.test(target))
      .flatMap((target) => deadTarget(page, target) ?? []),
  )
  expect(PAGES).toContain('README.md')
  expect(dead).toEqual([])
})

test('a function, table or error that a page names is in the code', () => {
  const sources = globSync('{.ci,engine,assets,registry,minio,migrations,tests}/**/*.{ts,mjs}', {
    cwd: root,
  })
  const words = new Set(sources.flatMap((path) => read(path).match(/\w+/g) ?? []))
  const pages = ['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'docs/glossary.md']
  const named = pages.flatMap((page) =>
    [...read(page).matchAll(/`([a-z]+(?:[A-Z_]\w*)+)`|\b([A-Z]{3,}(?:_[A-Z]+)+)\b/g)].map(
      ([, name, code]) => `${page}: ${name ?? code}`,
    ),
  )
  expect(named.length).toBeGreaterThan(20)
  expect(named.filter((one) => !words.has(one.split(': ')[1] ?? ''))).toEqual([])
})

test('every command a page names is a command', () => {
  const lists = globSync('{engine/cli,assets/commands}/*-commands.ts', { cwd: root })
  const names = lists.flatMap((path) =>
    [...read(path).matchAll(/^ +name: '([a-z]+)/gm)].map(([, name = '']) => name),
  )
  const pages = [...PAGES, 'assets/project-template.ts']
  const typed = pages.flatMap((page) =>
    [...read(page).matchAll(/(?:^|`| {4})tributary (?:--project \S+ )?([a-z]+)/gm)].map(
      ([, verb = '']) => verb,
    ),
  )
  expect(typed.length).toBeGreaterThan(10)
  expect(typed.filter((verb) => !names.includes(verb))).toEqual([])
})

test('the README is short, and begins with the two commands that run', () => {
  const text = read('README.md')
  expect(text.split('\n').length).toBeLessThanOrEqual(151)
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> }
  const commands = [...text.matchAll(/\bnpm (?:run )?(\w+)/g)].map(([, name = '']) => name)
  expect(commands.slice(0, 2)).toEqual(['demo', 'test'])
  expect(commands.filter((name) => scripts[name] === undefined)).toEqual([])
})

test('an alarm of docs/operations.md asks for a figure that the daemon has', () => {
  const measured = new Set(
    read('engine/web/metrics.ts').match(/\b(tributary|process)_[a-z_]+\b/g) ?? [],
  )
  const asked = read('docs/operations.md').match(/\b(tributary|process)_[a-z_]+\b/g) ?? []
  expect(asked.length).toBeGreaterThan(8)
  expect(asked.filter((name) => !measured.has(name))).toEqual([])
})
