/** A project folder and the command line beside it, in this process or in one of its own. */
import { spawn, spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { main } from '../../assets/main.ts'
import { initProject } from '../../assets/project-template.ts'
import type { TextFile } from '../support/deliveries.ts'
import { encounters, medicalFile } from '../support/deliveries.ts'

export interface Ran {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** A file whose name promises what it does not hold: it is quarantined, and a run ends with 1. */
export const NOT_DATA: TextFile = {
  name: 'medical_202402_202402.csv',
  content: '<!DOCTYPE html><html></html>',
}

const REPOSITORY = new URL('../../', import.meta.url).pathname
const ENTRY = join(REPOSITORY, 'tests/cli/entry.ts')

export class CliProject implements Disposable {
  readonly root: string

  private constructor(root: string) {
    this.root = root
  }

  /** Two submitters of MA, one month each of medical encounters, nothing built. */
  static async create(): Promise<CliProject> {
    const project = new CliProject(mkdtempSync(join(tmpdir(), 'tributary-cli-')))
    await initProject({ folder: project.root, from: REPOSITORY, withSamples: false })
    const submitters = ['alpha', 'beta'].map((id) => ({ id, state: 'MA' }))
    project.write('registry/submitters.json', JSON.stringify({ submitters }))
    project.deliver('alpha/2024-01', medicalFile('2024-01', encounters('2024-01', 5, 'a')))
    project.deliver('beta/2024-01', medicalFile('2024-01', encounters('2024-01', 4, 'b')))
    return project
  }

  /** The same project again, as far as it was built, in a folder of its own. */
  clone(): CliProject {
    const root = mkdtempSync(join(tmpdir(), 'tributary-cli-'))
    cpSync(this.root, root, { recursive: true, verbatimSymlinks: true, preserveTimestamps: true })
    return new CliProject(root)
  }

  write(path: string, content: string | Buffer): void {
    mkdirSync(dirname(join(this.root, path)), { recursive: true })
    writeFileSync(join(this.root, path), content)
  }

  deliver(drop: string, { name, content }: TextFile): void {
    this.write(`inbox/${drop}/${name}`, content)
    this.write(`inbox/${drop}/_SUCCESS`, '')
  }

  /** Replaces one piece of a file. */
  edit(path: string, from: string, to: string): void {
    const text = readFileSync(join(this.root, path), 'utf8')
    if (!text.includes(from)) throw new Error(`${path} has no ${from}`)
    this.write(path, text.replace(from, to))
  }

  /** Runs a command in this process. With `columns` its stdout is a terminal of that width. */
  async run(argv: readonly string[], columns?: number): Promise<Ran> {
    const texts = { stdout: '', stderr: '' }
    const stream = (name: 'stdout' | 'stderr') => ({
      write: (text: string | Uint8Array) => {
        texts[name] += typeof text === 'string' ? text : Buffer.from(text).toString()
        return true
      },
      on: () => undefined,
    })
    const stdout = { ...stream('stdout'), ...(columns !== undefined && { isTTY: true, columns }) }
    const code = await main(['--project', this.root, '--actor', 'tester', ...argv], {
      stdout,
      stderr: stream('stderr'),
    })
    return { code, ...texts }
  }

  /** The first submission of a drop. */
  async submission(drop: string): Promise<string> {
    const { stdout } = await this.run(['submissions', 'list', '--json'])
    const rows = JSON.parse(stdout) as readonly { submission_id: string; inbox_prefix: string }[]
    return rows.find((row) => row.inbox_prefix === drop)?.submission_id ?? ''
  }

  /** The words that start this command in a process of its own. */
  command(argv: readonly string[]): readonly string[] {
    return [process.execPath, ENTRY, '--project', this.root, '--actor', 'tester', ...argv]
  }

  /** Runs a command in a process of its own. */
  spawn(argv: readonly string[]): ReturnType<typeof spawn> {
    const [file = '', ...rest] = this.command(argv)
    return spawn(file, rest, { stdio: ['ignore', 'pipe', 'pipe'] })
  }

  /** Runs a line of shell; `$TRIBUTARY` is the command. */
  shell(line: string): Ran {
    const command = this.command([])
      .map((word) => `'${word}'`)
      .join(' ')
    const { status, stdout, stderr } = spawnSync(
      'bash',
      ['-o', 'pipefail', '-c', line.replaceAll('$TRIBUTARY', command)],
      {
        encoding: 'utf8',
      },
    )
    return { code: status ?? -1, stdout, stderr }
  }

  [Symbol.dispose](): void {
    rmSync(this.root, { recursive: true, force: true })
  }
}

/** What differs from run to run, made the same: ids, times, paths, digests, and so the blanks between columns. */
export const steady = (text: string, root: string): string =>
  text
    .replaceAll(root, 'ROOT')
    .replaceAll(/\d{8}T\d{9}Z-([0-9a-f]{12})/g, 'SUBMISSION-$1')
    .replaceAll(/\b[0-9a-f]{64}\b/g, 'SHA256')
    .replaceAll(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g, 'INSTANT')
    .replaceAll(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/g, 'LOCAL TIME')
    .replaceAll(/\b\d+(\.\d+)? (ms|s)\b/g, 'SPENT')
    .replaceAll(/"(ms|estimate_ms|revision)": ?\d+/g, '"$1": 0')
    .replaceAll(/@r\d+-\d+\b/g, '@rRUN-ATTEMPT')
    .replaceAll(/\b[0-9a-f]{12}\b/g, 'HEX')
    .replaceAll(/(Plan (?:\x1b\[\d+m)?)[0-9a-f]{12}/g, '$1HEX')
    .replaceAll(/(--plan )[0-9a-f]{12}/g, '$1HEX')
    .replaceAll(/("(?:id|observation|plan)": ?")[0-9a-f]+"/g, '$1HEX"')
    .replaceAll(/(?<=\S) {2,}/g, '  ')
