/**
 * Servers and clients that tests start as processes, built once with the Go client.
 *
 * They lie outside the repository, under a folder that names their exact version: TRIBUTARY_TOOLS,
 * else `tributary-tools` in the user's cache. What is there is used as it is; what is not is built,
 * by one process at a time, with everything the build needs inside that folder.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'

/** Pinned: none of the binaries can be asked for its version. */
const TOOLS = {
  minio: ['github.com/minio/minio', 'v0.0.0-20260212201848-7aac2a2c5b7c'],
  mc: ['github.com/minio/mc', 'v0.0.0-20250313080218-cf909e1063a9'],
  versitygw: ['github.com/versity/versitygw/cmd/versitygw', 'v1.8.0'],
} as const
export type ToolName = keyof typeof TOOLS

/** MinIO takes 200 s on two cores; a machine may have one, and a slow network. */
const BUILD_TIMEOUT_MS = 20 * 60_000
const LOCK_POLL_MS = 500

const toolsFolder = (): string =>
  process.env['TRIBUTARY_TOOLS'] ??
  join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'tributary-tools')

const toolFolder = (name: ToolName): string => join(toolsFolder(), `${name}-${TOOLS[name][1]}`)

/** The path of a tool that is there; undefined: it has to be built. */
export function findTool(name: ToolName): string | undefined {
  const path = join(toolFolder(name), name)
  return existsSync(path) ? path : undefined
}

/** The path of a tool, built if need be (minutes). Throws an error that says what to do. */
export async function needTool(name: ToolName): Promise<string> {
  const found = findTool(name)
  if (found !== undefined) return found
  await mkdir(toolsFolder(), { recursive: true })
  const release = await takeLock(join(toolsFolder(), 'build.lock'))
  try {
    // Another process may have built it meanwhile.
    return findTool(name) ?? (await build(name))
  } finally {
    await release()
  }
}

async function build(name: ToolName): Promise<string> {
  const [module, version] = TOOLS[name]
  const folder = toolFolder(name)
  const fresh = `${folder}.${process.pid}`
  const told = `building ${name} ${version}, once for this machine`
  process.stderr.write(`${told} (minutes) …\n`)
  const startMs = performance.now()
  const child = spawn('go', ['install', `${module}@${version}`], {
    stdio: ['ignore', 'ignore', 'pipe'],
    // Not `timeout`: its timer outlives a client that is not there.
    signal: AbortSignal.timeout(BUILD_TIMEOUT_MS),
    env: {
      ...process.env,
      GOBIN: fresh,
      GOMODCACHE: join(toolsFolder(), 'go', 'mod'),
      GOCACHE: join(toolsFolder(), 'go', 'build'),
      GOFLAGS: '-modcacherw -buildvcs=false -trimpath',
    },
  })
  let last = ''
  child.stderr.on('data', (text: Buffer) => (last = text.toString().trim() || last))
  const alive = setInterval(() => {
    const seconds = Math.round((performance.now() - startMs) / 1000)
    process.stderr.write(`${told}: ${seconds} s, ${last.split('\n').at(-1) ?? ''}\n`)
  }, 30_000)
  try {
    const [code] = (await once(child, 'exit')) as [number | null]
    if (code !== 0) throw new Error(last)
    await rm(folder, { recursive: true, force: true })
    await rename(fresh, folder)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    const command = `GOBIN=${folder} go install ${module}@${version}`
    throw new Error(`${name} could not be built: ${reason}. Try: ${command}`, { cause: error })
  } finally {
    clearInterval(alive)
    await rm(fresh, { recursive: true, force: true })
  }
  return join(folder, name)
}

/** A file that names the process it belongs to; one left by a dead process is taken over. */
async function takeLock(path: string): Promise<() => Promise<void>> {
  for (let waitedMs = 0; waitedMs < 2 * BUILD_TIMEOUT_MS; waitedMs += LOCK_POLL_MS) {
    try {
      await writeFile(path, String(process.pid), { flag: 'wx' })
      return async () => rm(path, { force: true })
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
    }
    const owner = Number(await readFile(path, 'utf8').catch(() => '')) // just released
    // Of two that find it dead, one renames it; the other finds nothing to rename.
    if (owner > 0 && !isAlive(owner)) {
      const left = `${path}.${process.pid}`
      await rename(path, left).then(
        async () => rm(left),
        () => undefined,
      )
    } else await new Promise((resolve) => setTimeout(resolve, LOCK_POLL_MS))
  }
  throw new Error(`${path} is held by a build that does not end: remove it if there is none`)
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}
