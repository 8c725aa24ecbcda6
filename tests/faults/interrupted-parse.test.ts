/** Ctrl-C twice while DuckDB writes a chunk: nothing of it stays, and the same command ends the work. */
import { once } from 'node:events'
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { CliProject } from '../cli/cli-project.ts'
import { encounters, medicalFile } from '../support/deliveries.ts'

const ROWS = 60_000

/** Chunk files, unfinished parts, and folders of DuckDB's children. */
const leftovers = (folder: string): readonly string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
    /(?:^|\/)(?:\.?chunk-|tributary-duck-)/.test(name),
  )

const childrenOf = (pid: number): readonly string[] =>
  readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').split(' ').filter(Boolean),
  )

test.runIf(process.platform === 'linux')(
  'a parse that is given up ends its children and leaves no chunk; run again, every row is there',
  async () => {
    using project = await CliProject.create()
    project.deliver('alpha/large', medicalFile('2024-02', encounters('2024-02', ROWS, 'g')))
    const state = join(project.root, '.tributary')
    const child = project.spawn(['materialize', '-j', '2'])
    const exited = once(child, 'exit')
    const isWriting = (): boolean =>
      existsSync(state) && leftovers(state).some((name) => name.includes('.chunk-'))
    let children: readonly string[] = []
    while (children.length === 0) {
      expect(child.exitCode).toBe(null)
      await setTimeout(5)
      // The folder is made, then the child is started.
      if (isWriting()) children = childrenOf(child.pid ?? 0)
    }
    let said = ''
    child.stderr?.on('data', (text: Buffer) => {
      said += text.toString()
      // The first signal lets what is running end, the second does not.
      if (said.includes('stopping:') && !child.killed) child.kill('SIGTERM')
    })
    process.kill(child.pid ?? 0, 'SIGINT')
    const [code] = (await exited) as [number | null]
    expect(code).toBe(130)
    expect(said).toContain('giving up what is running')
    expect(children.filter((pid) => existsSync(join('/proc', pid)))).toEqual([])
    expect(leftovers(state)).toEqual([])

    expect((await project.run(['materialize'])).code).toBe(0)
    const counted = 'SELECT count(*) AS n FROM gold_canonical.medical'
    const { stdout } = await project.run(['query', counted, '--json'])
    expect(stdout).toContain(String(ROWS + 9))
    expect(leftovers(state)).toEqual([])
  },
)
