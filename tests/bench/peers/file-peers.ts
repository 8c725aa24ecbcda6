/** The job for engines that know files: ninja with its best settings, and make. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { hasProgram } from '../measure.ts'
import { MAPPINGS } from './cases.ts'
import type { Peer } from './peer.ts'

/** Compiles the body. undefined: there is no C compiler. */
export function compileBody(folder: string): string | undefined {
  const compiler = ['gcc', 'clang', 'cc'].find(hasProgram)
  if (compiler === undefined) return undefined
  const body = join(folder, 'body')
  const source = join(import.meta.dirname, 'body.c')
  const { status, stderr } = spawnSync(compiler, ['-O2', '-o', body, source], { encoding: 'utf8' })
  if (status !== 0) throw new Error(`${compiler} did not compile body.c: ${stderr}`)
  return body
}

const output = (root: string, m: number): string => join(root, 'canonical', `${m}.json`)
const golds = (m: number): string =>
  Array.from({ length: 10 }, (_, at) => `gold/${m * 10 + at}.json`).join(' ')
const versionOf = (program: string): string => {
  const { stdout } = spawnSync(program, ['--version'], { encoding: 'utf8' })
  return /\d[\d.]*/.exec(stdout)?.[0] ?? 'unknown'
}

/** restat and a body that keeps an equal output: ninja then stops early as we do. */
export function ninja(body: string): Peer | undefined {
  if (!hasProgram('ninja')) return undefined
  const rule = (asset: string, words: string): string =>
    `rule ${asset}\n  command = ${body} ${asset} exec.log $out ${words}\n  restat = 1`
  return {
    name: 'ninja',
    version: versionOf('ninja'),
    output,
    prepare: (root, n) => {
      const lines = [
        'builddir = .',
        rule('silver', '$in'),
        rule('gold', '$in'),
        rule('canonical', '$m $in'),
      ]
      for (let i = 0; i < n; i++) {
        lines.push(`build silver/${i}.json: silver src/${i}.json`)
        lines.push(`build gold/${i}.json: gold silver/${i}.json`)
      }
      for (let m = 0; m < n / 10; m++) {
        lines.push(
          `build canonical/${m}.json: canonical mapping/${m % MAPPINGS}.json ${golds(m)}\n  m = ${m}`,
        )
      }
      writeFileSync(join(root, 'build.ninja'), `${lines.join('\n')}\n`)
    },
    build: (root) => ({
      command: 'ninja',
      arguments: ['-j2', '--quiet'],
      folder: root,
      environment: { KEEP: '1' },
    }),
  }
}

export function make(body: string): Peer | undefined {
  if (!hasProgram('make')) return undefined
  return {
    name: 'make',
    version: versionOf('make'),
    output,
    prepare: (root, n) => {
      for (const folder of ['silver', 'gold', 'canonical']) mkdirSync(join(root, folder))
      const months = Array.from({ length: Math.floor(n / 10) }, (_, m) => m)
      const lines = [
        `all: ${months.map((m) => `canonical/${m}.json`).join(' ')}`,
        `silver/%.json: src/%.json\n\t${body} silver exec.log $@ $<`,
        `gold/%.json: silver/%.json\n\t${body} gold exec.log $@ $<`,
        '.SECONDARY:',
        ...months.map(
          (m) =>
            `canonical/${m}.json: mapping/${m % MAPPINGS}.json ${golds(m)}\n` +
            `\t${body} canonical exec.log $@ ${m} $^`,
        ),
      ]
      writeFileSync(join(root, 'Makefile'), `${lines.join('\n')}\n`)
    },
    build: (root) => ({ command: 'make', arguments: ['-j2', '-s', '-r', '-R'], folder: root }),
  }
}
