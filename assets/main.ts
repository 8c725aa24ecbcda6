/**
 * The composition root: the only place that reads the process, and the only one that joins the
 * platform to a store and a catalog. Everything behind it is imported when a command needs it.
 */
import { readFileSync } from 'node:fs'
import { availableParallelism, totalmem, userInfo } from 'node:os'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { DAEMON_COMMANDS } from '../engine/cli/daemon-commands.ts'
import { GENERIC_COMMANDS } from '../engine/cli/generic-commands.ts'
import { runCli } from '../engine/cli/run-cli.ts'
import type { Stream } from '../engine/cli/output.ts'
import type { Host } from './commands/host.ts'
import { GROUPS, domainCommands } from './commands/domain-commands.ts'
import type { OpenedPlatform } from './commands/opened.ts'
import type { Machine } from './workers.ts'

/** Where a command line writes: this process's streams, or somebody else's. */
interface Streams {
  readonly stdout: Stream
  readonly stderr: Stream
}

/** Runs one command line and returns its exit code. */
export async function main(
  argv: readonly string[],
  { stdout, stderr }: Streams = process,
): Promise<number> {
  return runCli<OpenedPlatform>({
    argv,
    version: version(),
    commands: [...domainCommands(HOST), ...GENERIC_COMMANDS, ...DAEMON_COMMANDS],
    groups: GROUPS,
    stdout,
    stderr,
    environment: process.env,
    folder: process.cwd(),
    isInteractive: process.stdin.isTTY && process.stderr.isTTY,
    user: userName,
    open: async ({ folder, ...how }) => {
      const { openForCommands } = await import('./commands/opened.ts')
      const { openStore } = await import('../minio/open.ts')
      const { isUrl } = await import('./config.ts')
      const { s3Settings } = await import('./s3-config.ts')
      const { MIGRATIONS } = await import('../migrations/index.ts')
      const { LEDGER_MIGRATIONS } = await import('../migrations/sample-ledger.ts')
      return openForCommands({
        ...how,
        folder,
        environment: process.env,
        machine: await machine(),
        migrations: MIGRATIONS,
        ledgerMigrations: LEDGER_MIGRATIONS,
        serve: async (options) =>
          (await import('../engine/web/health-server.ts')).serveHealth(options),
        openBackupPlace: async (name, { s3 }) =>
          (await import('../minio/backup-place.ts')).openBackupPlace(name, s3Settings(s3)),
        openStore: async ({ store, inbox, s3, cache, cacheBytes }) =>
          openStore({
            store: store.value,
            inbox: inbox.value,
            s3: s3Settings(s3),
            cache: { folder: cache.value, bytesMax: cacheBytes.value },
            lockDays: s3.lockDays.value,
          }),
        openInbox: async ({ inbox, s3 }) => {
          if (!isUrl(inbox.value)) return undefined
          const { openS3Inbox } = await import('../minio/s3-inbox.ts')
          return openS3Inbox(inbox.value, s3Settings(s3))
        },
      })
    },
  })
}

const PACKAGE = fileURLToPath(new URL('..', import.meta.url))

async function machine(): Promise<Machine> {
  const { machineMemoryMb } = await import('./workers.ts')
  const memoryMb = machineMemoryMb({ total: totalmem(), limit: process.constrainedMemory() })
  return { cores: availableParallelism(), memoryMb }
}

const HOST: Host = {
  packageFolder: PACKAGE,
  command: commandTyped(),
  nodeVersion: process.version,
  look: async (folder) => {
    const { findProject, readConfig } = await import('./config.ts')
    const { MIGRATIONS } = await import('../migrations/index.ts')
    const root = findProject(folder)
    const config = readConfig({
      root,
      environment: process.env,
      flags: {},
      ...(await machine()),
    })
    return { config, migrations: MIGRATIONS }
  },
  stagingPrefix: async (folder) => {
    const { isEngineError } = await import('../engine/index.ts')
    const { stagingFolder, stagingVariable } = await import('./staging-config.ts')
    try {
      return (await HOST.look(folder)).config.staging.prefix.value
    } catch (error) {
      if (!isEngineError(error, 'CONFIG_MISSING')) throw error
      const prefix = stagingVariable(process.env)
      return prefix === undefined ? undefined : stagingFolder(folder, prefix)
    }
  },
  askStore: async ({ store, s3 }) => {
    const { askStore } = await import('../minio/store-tools.ts')
    const { s3Settings } = await import('./s3-config.ts')
    return askStore(store.value, s3Settings(s3), Date.now())
  },
  askInbox: async ({ inbox, s3 }) => {
    const { askS3Inbox } = await import('../minio/s3-inbox.ts')
    const { s3Settings } = await import('./s3-config.ts')
    return askS3Inbox(inbox.value, s3Settings(s3))
  },
  bootstrapStore: async ({ store, inbox, s3 }, { principals }) => {
    const { bootstrapStore } = await import('../minio/store-tools.ts')
    const { s3Settings } = await import('./s3-config.ts')
    const names = { store: store.value, inbox: inbox.value }
    return bootstrapStore(names, s3Settings(s3), principals)
  },
  policyFiles: async ({ store, inbox }) => {
    const { policiesFor } = await import('../minio/store-tools.ts')
    return policiesFor({ store: store.value, inbox: inbox.value })
  },
  question: async (text) => {
    const { createInterface } = await import('node:readline/promises')
    using terminal = createInterface({ input: process.stdin, output: process.stderr })
    return terminal.question(text)
  },
  run: async (argv) => main(argv, { stdout: heard(process.stdout), stderr: heard(process.stderr) }),
  ask: async (argv) => {
    const printed: string[] = []
    const write = (text: string | Uint8Array): boolean => printed.push(textOf(text)) > 0
    await main(argv, { stdout: { write, on: () => undefined }, stderr: heard(process.stderr) })
    return printed.join('')
  },
}

const textOf = (text: string | Uint8Array): string =>
  typeof text === 'string' ? text : Buffer.from(text).toString()

/** A stream whose errors the command that runs others listens to already. */
const heard = (stream: Stream): Stream => ({
  write: (text) => stream.write(text),
  on: () => undefined,
  ...(stream.isTTY !== undefined && { isTTY: stream.isTTY }),
  ...(stream.columns !== undefined && { columns: stream.columns }),
})

/** How this process was started, as a person would type it again from here. */
function commandTyped(): string {
  const [, script = ''] = process.argv
  if (!script.endsWith('.js')) return 'tributary'
  const path = relative(process.cwd(), script)
  return `node ${path.startsWith('..') ? script : path}`
}

/** The user of this session; a container may run under a number that has no name. */
function userName(): string {
  try {
    return userInfo().username
  } catch (error) {
    if (error instanceof Error) return String(process.getuid?.() ?? 'unknown')
    throw error
  }
}

/** The version in package.json, above this file's folder whether it is source or bundle. */
function version(): string {
  const text = readFileSync(join(PACKAGE, 'package.json'), 'utf8')
  const { version: found } = JSON.parse(text) as { readonly version: string }
  return found
}
