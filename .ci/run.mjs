/**
 * Runs a command on the lockfile's Node, installing the locked packages first where needed.
 *
 *     node .ci/run.mjs COMMAND [ARGUMENT …]        "test": "node .ci/run.mjs vitest run"
 *
 * This file alone may meet the machine's own Node (18 or later): every npm script goes through
 * it, so that a clone needs no particular Node. The command's exit code is passed on.
 */
import { spawn, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const modules = join(root, 'node_modules')
// npm and the commands in .bin are .cmd files on Windows, which only a shell can start.
const shell = process.platform === 'win32'
const platform = process.platform === 'win32' ? 'win' : process.platform
const ownNode = join(modules, `node-${platform}-${process.arch}`, 'bin')

/** Installs the lockfile. npm writes the hidden lock last: without it an install was cut short. */
function installIfNeeded() {
  if (existsSync(join(modules, '.package-lock.json'))) return
  console.error('First run: installing the locked packages (about 200 MB) …')
  const { status } = spawnSync('npm', ['ci', '--loglevel=error', '--no-audit', '--no-fund'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
    shell,
  })
  if (status !== 0) process.exit(status ?? 1)
}

/** Where the lockfile has no Node for this platform, the machine's own has to be new enough. */
function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number)
  if (existsSync(ownNode) || major > 22 || (major === 22 && minor >= 19)) return
  console.error(
    `Node 22.19 or later is needed, this is ${process.version}, ` +
      `and no Node package exists for ${platform}-${process.arch}.`,
  )
  process.exit(2)
}

function run(command, commandArguments) {
  const path = [existsSync(ownNode) && ownNode, join(modules, '.bin'), process.env.PATH]
  const child = spawn(command, commandArguments, {
    stdio: 'inherit',
    env: { ...process.env, PATH: path.filter(Boolean).join(delimiter) },
    shell,
  })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
      // A terminal sends Ctrl-C to the whole group already: passing it on would be a second one.
      if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal)
    })
  }
  child.on('error', (error) => {
    console.error(error.message)
    process.exitCode = 127
  })
  child.on('exit', (code, signal) => {
    process.exitCode = code ?? (signal === 'SIGINT' ? 130 : 143)
  })
}

installIfNeeded()
checkNode()
run(process.argv[2], process.argv.slice(3))
