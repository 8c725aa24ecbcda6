/**
 * The demo: the main job, walked step by step with the commands a person would type.
 *
 * Every command shown is run, by the same `main` that the terminal calls, so what is printed is
 * what it prints. Between commands the demo does what people do: put files in the inbox, edit a
 * mapping.
 */
import { existsSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join, relative, resolve } from 'node:path'
import { EngineError } from '../engine/index.ts'
import { DEMO_DROPS, correctedDelivery } from './demo-data.ts'

export interface DemoOptions {
  /** made by the demo */
  readonly folder: string
  /** what a person types to start the program: `npx tributary`, `node bin/tributary.js` */
  readonly command: string
  /** one line of text, without its end */
  readonly print: (line: string) => void
  /** runs the program with these arguments, lets it print, and gives its exit code */
  readonly run: (argv: readonly string[]) => Promise<number>
  /** the same without showing it: gives what it prints on stdout */
  readonly ask: (argv: readonly string[]) => Promise<string>
}

const FOLDERS_MAX = 100

/** `demo` in the given folder, or the first of `demo-2`, `demo-3`, … that is not there yet. */
export function freeDemoFolder(parent: string): string {
  for (let at = 1; at <= FOLDERS_MAX; at++) {
    const folder = join(resolve(parent), at === 1 ? 'demo' : `demo-${at}`)
    if (!existsSync(folder)) return folder
  }
  throw new EngineError('PROJECT_EXISTS', { folder: parent, path: `demo-${FOLDERS_MAX}` })
}

/** The rule the demo edits: where acme denied a line, it names no allowed amount. */
export const DEMO_EDIT = {
  path: 'mappings/medical_claim/cdl/v1.json',
  pointer: '/columns/allowed_amount',
  before: '"allowed_amount": { "source": "CDLMC131" }',
  after: '"allowed_amount": { "coalesce": ["CDLMC131", "CDLMC125"] }',
} as const

/** One thing the demo does: words, something done by hand, then commands. */
interface Scene {
  readonly title: string
  readonly words: readonly string[]
  /** what a person would do outside the program */
  readonly byHand?: (demo: Demo) => Promise<void>
  /**
   * an argument `ID:{drop}` stands for the id of that drop's submission, `IN:{path}` for a file of
   * the project
   */
  readonly commands: readonly (readonly string[])[]
}

interface Demo extends DemoOptions {
  readonly root: string
}

const MONTHS = `select atomic_month, count(*) as lines, count(allowed_amount) as with_allowed,
  sum(paid_amount) as paid from gold_canonical.medical_claim group by all order by all`
const WINNER = `select source_submission_id, count(*) as lines from gold_canonical.medical_claim
  where submitter_id = 'acme_health' and atomic_month = '2024-02' group by all`
const TRIAL = 'IN:medical_claim_202407_202407.txt'
const GENERATE = [
  'registry',
  'generate',
  'medical_claim/star',
  '--rows',
  '200',
  '--months',
  '2024-07',
]
const oneLine = (sql: string): string => sql.replaceAll(/\s+/g, ' ')

const SCENES: readonly Scene[] = [
  {
    title: 'A project',
    words: [
      'Registry, schemas and mappings are JSON files. Three made-up submitters have delivered',
      'medical claims of January to June 2024, in two layouts, with one trouble of each kind.',
    ],
    commands: [['init', '.', '--template', 'demo', '--yes']],
  },
  {
    title: 'What would be built, and why',
    words: ['Nothing is written yet. Gold months show as «maybe» until their files are parsed.'],
    commands: [['plan']],
  },
  {
    title: 'Build it',
    words: [
      'Deliveries become typed rows, each submitter’s month its winner, each month one table.',
    ],
    commands: [['materialize']],
  },
  {
    title: 'The troubles',
    words: [
      'Bytes sent twice, a web page named .csv and a name nobody knows were set aside. An extract cut',
      'short is held: it does not replace the whole month until a person says so. One record was',
      'rejected, with line and column; three rows belong to a month their file did not declare.',
    ],
    commands: [
      ['submissions', 'list'],
      ['findings'],
      ['rejects', `ID:${DEMO_DROPS.badRecord}`],
      ['submissions', 'show', `ID:${DEMO_DROPS.outOfPeriod}`],
    ],
  },
  {
    title: 'The result',
    words: ['One statewide table a month. Other programs read the same Parquet files.'],
    commands: [['query', oneLine(MONTHS)]],
  },
  {
    title: 'Edit one mapping rule',
    words: ['acme_health leaves the allowed amount of a denied line empty: take what was paid.'],
    byHand: editMapping,
    commands: [['plan'], ['materialize'], ['query', oneLine(MONTHS)]],
  },
  {
    title: 'A submitter corrects a file',
    words: ['acme_health sends February again, with its bad record put right.'],
    byHand: deliverCorrection,
    commands: [['query', oneLine(WINNER)], ['plan'], ['materialize'], ['query', oneLine(WINNER)]],
  },
  {
    title: 'A submitter tries a file first',
    words: [
      'A synthetic file of a layout, with known faults, and the pre-check a submitter runs at home:',
      'what the state would say of it, without a delivery and without showing a value.',
    ],
    commands: [
      [...GENERATE, '--defects', '0.04', '--test-flag', '--out', TRIAL],
      ['validate', 'medical_claim/star', TRIAL],
    ],
  },
  {
    title: 'Nothing changed, nothing runs',
    words: [],
    commands: [['materialize']],
  },
]

/** A command that failed for a partition ends with 1, and the demo goes on. */
const EXIT_CODE_MAX = 1

/**
 * Walks the main job in a new folder.
 *
 * @returns 0, or the exit code of the command that stopped it
 * @throws PROJECT_EXISTS when the folder is there already
 */
export async function runDemo(options: DemoOptions): Promise<number> {
  const root = resolve(options.folder)
  if (existsSync(root)) {
    throw new EngineError('PROJECT_EXISTS', { folder: dirname(root), path: options.folder })
  }
  await mkdir(root, { recursive: true })
  const demo: Demo = { ...options, root, folder: shortest(root) }
  for (const [at, scene] of SCENES.entries()) {
    const exitCode = await play(demo, scene, at + 1)
    if (exitCode > EXIT_CODE_MAX) return exitCode
  }
  await printEnd(demo)
  return 0
}

/** A folder as a person would type it from here. */
function shortest(root: string): string {
  const fromHere = relative('', root)
  return fromHere === '' || fromHere.startsWith('..') ? root : fromHere
}

async function play(demo: Demo, scene: Scene, number: number): Promise<number> {
  demo.print('')
  demo.print(`── ${number} of ${SCENES.length}: ${scene.title}`)
  for (const line of scene.words) demo.print(`   ${line}`)
  await scene.byHand?.(demo)
  for (const command of scene.commands) {
    const argv = await completed(demo, command)
    demo.print('')
    demo.print(`$ ${commandLine(demo, argv)}`)
    const exitCode = await demo.run(atProject(demo, argv))
    if (exitCode > EXIT_CODE_MAX) return exitCode
  }
  return 0
}

/** `init` names its folder; every other command its project. */
const atProject = ({ folder }: Demo, [verb = '', ...rest]: readonly string[]): readonly string[] =>
  verb === 'init' ? [verb, folder, ...rest.slice(1)] : ['--project', folder, verb, ...rest]

const commandLine = (demo: Demo, argv: readonly string[]): string =>
  [demo.command, ...atProject(demo, argv).map(quoted)].join(' ')

/** An argument as a shell reads it. The demo's own hold no double quote. */
const quoted = (argument: string): string =>
  /^[\w./,=:@+-]+$/.test(argument) ? argument : `"${argument}"`

async function editMapping({ root, print }: Demo): Promise<void> {
  const file = join(root, DEMO_EDIT.path)
  const text = await readFile(file, 'utf8')
  await writeFile(file, text.replace(DEMO_EDIT.before, DEMO_EDIT.after))
  print('')
  print(`   ${DEMO_EDIT.path}`)
  print(`   - ${DEMO_EDIT.before}`)
  print(`   + ${DEMO_EDIT.after}`)
}

async function deliverCorrection({ root, print }: Demo): Promise<void> {
  print('')
  for (const { path, text } of correctedDelivery()) {
    const file = join(root, 'inbox', path)
    await mkdir(dirname(file), { recursive: true })
    await writeFile(file, text)
    print(`   + inbox/${path}`)
  }
}

const ID_OF = 'ID:'
const FILE_IN = 'IN:'

/** Puts paths and submission ids where a command of a scene names a file or a drop. */
async function completed(demo: Demo, command: readonly string[]): Promise<readonly string[]> {
  const argv = command.map((word) =>
    word.startsWith(FILE_IN) ? join(demo.folder, word.slice(FILE_IN.length)) : word,
  )
  if (!argv.some((word) => word.startsWith(ID_OF))) return argv
  const text = await demo.ask(atProject(demo, ['submissions', 'list', '--json']))
  const listed = JSON.parse(text) as readonly {
    readonly submission_id: string
    readonly inbox_prefix: string
  }[]
  const ids = new Map(listed.map((row) => [row.inbox_prefix, row.submission_id]))
  return argv.map((word) =>
    word.startsWith(ID_OF) ? (ids.get(word.slice(ID_OF.length)) ?? word) : word,
  )
}

const NEXT: readonly (readonly [why: string, argv: readonly string[]])[] = [
  ['where everything stands', ['status']],
  ['why a table is as it is', ['explain', 'gold_canonical/CO/medical_claim/2024-02']],
  [
    'decide about the month that is held, then plan again',
    ['submissions', 'confirm', `ID:${DEMO_DROPS.held}`, '--reason', 'the plan closed in May'],
  ],
]

async function printEnd(demo: Demo): Promise<void> {
  demo.print('')
  demo.print(`The project stays in ${demo.root}. Go on with:`)
  for (const [why, command] of NEXT) {
    demo.print(`  ${commandLine(demo, await completed(demo, command))}`)
    demo.print(`      ${why}`)
  }
}
