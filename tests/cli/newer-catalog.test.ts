/** A catalog that a newer version wrote is refused by every command, in words, and left alone. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { domainCommands } from '../../assets/commands/domain-commands.ts'
import { DAEMON_COMMANDS } from '../../engine/cli/daemon-commands.ts'
import { GENERIC_COMMANDS } from '../../engine/cli/generic-commands.ts'
import { openCatalog } from '../../engine/index.ts'
import { MIGRATIONS } from '../../migrations/index.ts'
import { CliProject } from './cli-project.ts'

/** What needs no catalog, and so meets none. */
const NEEDS_NONE = [
  'connect',
  'copy',
  'registry check',
  'registry generate',
  'registry import',
  'registry infer',
  'store bootstrap',
  'complete',
  'completion',
  'demo',
  'help',
  'init',
  'manifest processed',
]

const commands = [...domainCommands(hostless()), ...GENERIC_COMMANDS, ...DAEMON_COMMANDS].filter(
  ({ name }) => !NEEDS_NONE.includes(name),
)

/** Declarations only are looked at. */
function hostless(): Parameters<typeof domainCommands>[0] {
  const never = async (): Promise<never> => Promise.reject(new Error('declarations only'))
  const names = { packageFolder: '', command: '', nodeVersion: '' }
  const asked = { look: never, question: never, run: never, ask: never }
  return {
    ...names,
    ...asked,
    askStore: never,
    askInbox: never,
    bootstrapStore: never,
    policyFiles: never,
    stagingPrefix: never,
  }
}

let project: CliProject
let catalog: string
beforeAll(async () => {
  project = await CliProject.create()
  catalog = join(project.root, '.tributary/catalog.db')
  await project.run(['plan'])
  const newer = { ...MIGRATIONS, '9999-later': async () => undefined }
  await (await openCatalog({ url: catalog, migrations: newer })).close()
})
afterAll(() => project[Symbol.dispose]())

const digest = (): string => createHash('sha256').update(readFileSync(catalog)).digest('hex')

/** Options without which a command does not begin. */
const ASKED_FOR: Readonly<Record<string, readonly string[]>> = {
  export: ['--duckdb', 'x.duckdb'],
  'samples purge': ['--all'],
}

/** A word for each argument that has to be there, and a reason where one may be asked for. */
const argumentsOf = ({
  name,
  arguments: declared = [],
  options = [],
}: (typeof commands)[number]): readonly string[] => [
  ...declared.filter(({ form }) => form.startsWith('<')).map(() => 'MA/medical/2024-01'),
  ...(options.some(({ flags }) => flags.startsWith('--reason')) ? ['--reason', 'x'] : []),
  ...(ASKED_FOR[name] ?? []),
]

test.each(commands.map((command) => [command.name, command] as const))(
  '%s: exit 2, what to do, and not a byte of the catalog is changed',
  async (name, command) => {
    const before = digest()
    const { code, stderr, stdout } = await project.run([
      ...name.split(' '),
      ...argumentsOf(command),
    ])
    if (name === 'doctor') {
      expect([code, stdout]).toEqual([
        5,
        expect.stringMatching(
          /was written by a newer version: it has 9999-later; update tributary/,
        ),
      ])
    } else {
      expect([code, stderr]).toEqual([2, expect.stringContaining('error CATALOG_NEWER')])
      expect(stderr).toMatch(/schema 9999-later, this one knows \d{4}-[a-z-]+/)
      expect(stderr).toContain('update tributary on this machine; nothing was changed')
    }
    expect(digest()).toBe(before)
  },
)
