/** `doctor`: whether this machine and project can work; `--verify`: whether the data is sound. */
import { statfs } from 'node:fs/promises'
import type { CommandCall } from '../../engine/index.ts'
import { EXIT, alignColumns, countText, flagOption } from '../../engine/index.ts'
import type { Config } from '../config.ts'
import { verifyProject } from '../verify/verify-project.ts'
import type { OpenedPlatform } from './opened.ts'
import type { Host } from './domain-commands.ts'

interface Look {
  readonly name: string
  readonly state: 'good' | 'warning' | 'bad'
  readonly words: string
}

/** Runs `doctor`: 5 when the project cannot work, 1 when an invariant does not hold. */
export const runDoctor =
  (host: Host) =>
  async (call: CommandCall<OpenedPlatform>): Promise<number> => {
    const opened = await call.open({ sync: false })
    return flagOption(call, 'verify') ? verify(call, opened) : examine(call, opened, host)
  }

async function verify(
  { terminal, json, options }: CommandCall<OpenedPlatform>,
  { platform }: OpenedPlatform,
): Promise<number> {
  const { green, red } = terminal.out
  const results = await verifyProject(platform, {
    deep: options['deep'] === true,
    onResult: ({ id, holds, words }) => {
      if (!json) terminal.print(`${holds ? green('holds') : red('broken')}  ${id.padEnd(3)}  ${words}`)
    },
  })
  const isGood = results.every(({ holds }) => holds)
  if (json) terminal.printJson({ format_version: '1.0', holds: isGood, invariants: results })
  return isGood ? EXIT.done : EXIT.failed
}

async function examine(
  { terminal, json }: CommandCall<OpenedPlatform>,
  { platform }: OpenedPlatform,
  host: Host,
): Promise<number> {
  const { config, project } = platform
  const looks = [
    { name: 'node', state: 'good', words: host.nodeVersion } as const,
    { name: 'catalog', state: 'good', words: `${project.catalog.name} (${project.catalog.dialect})` } as const,
    await lookAtStore(platform),
    await lookAtDisk(config.root),
    await lookAtClock(platform),
  ]
  const settings = settingsOf(config)
  const isGood = looks.every(({ state }) => state !== 'bad')
  if (json) terminal.printJson({ format_version: '1.0', usable: isGood, looks, settings })
  else {
    const { green, yellow, red, dim } = terminal.out
    const paint = { good: green, warning: yellow, bad: red }
    const rows = looks.map(({ name, state, words }) => [paint[state](state), name, words])
    terminal.print(alignColumns(['', '', ''], rows).join('\n'))
    const cells = settings.map(({ name, value, origin }) => [name, String(value), origin])
    terminal.print(`\n${alignColumns(['setting', 'value', 'from'], cells, dim).join('\n')}`)
    terminal.print('\nWhether the data is sound:  tributary doctor --verify')
  }
  return isGood ? EXIT.done : EXIT.unreachable
}

async function lookAtStore({ project: { store } }: OpenedPlatform['platform']): Promise<Look> {
  // A question about no part reaches the store and costs nothing.
  await store.sizes([])
  return { name: 'store', state: 'good', words: store.name }
}

const FREE_BYTES_LOW = 2 * 1024 ** 3

async function lookAtDisk(folder: string): Promise<Look> {
  const { bavail, bsize } = await statfs(folder)
  const free = bavail * bsize
  const words = `${countText(Math.round(free / 1024 ** 2))} MB free`
  return { name: 'disk', state: free < FREE_BYTES_LOW ? 'warning' : 'good', words }
}

/** Receipt times only rise: a clock that was set back shows here. */
async function lookAtClock({ project }: OpenedPlatform['platform']): Promise<Look> {
  const row = await project.catalog.db.selectFrom('catalog').select('received_ms').executeTakeFirst()
  const ahead = (row?.received_ms ?? 0) - project.clock.nowMs()
  return ahead > 1000
    ? { name: 'clock', state: 'warning', words: `the last delivery was received ${countText(ahead)} ms from now` }
    : { name: 'clock', state: 'good', words: 'not before the last delivery' }
}

const settingsOf = ({ root, ...settings }: Config) => [
  { name: 'project', value: root, origin: '' },
  ...Object.entries(settings).map(([name, { value, origin }]) => ({
    name: name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
    value: typeof value === 'string' ? redacted(value) : value,
    origin,
  })),
]

/** A URL without its password. */
const redacted = (text: string): string => text.replace(/(:\/\/[^:/@]*):[^@]*@/, '$1:***@')
