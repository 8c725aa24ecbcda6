/**
 * `explain`: why a partition is as it is. What its last builds read and what made each of them
 * run, what it reads now, and so what would rebuild it. Everything comes from what was recorded.
 */
import type { NodeRow } from '../catalog/nodes.ts'
import type { Json } from '../core/digest.ts'
import { RECIPE, ROLLBACK } from '../core/fingerprint.ts'
import type { NodeName } from '../core/key.ts'
import { nodeText } from '../core/key.ts'
import { printableJson } from '../core/printable.ts'
import type { CommandCall } from './command.ts'
import { textOption } from './command.ts'
import { EXIT } from './fault.ts'
import type { BuildRow, Lookup, PartRow, SlotDifference, SlotRow } from './node-lookup.ts'
import {
  builtSlots,
  currentParts,
  currentSlots,
  lastBuilds,
  openLookup,
  requireNode,
  slotDifferences,
} from './node-lookup.ts'
import { nodePath, parseNode, partitionOf } from './node-name.ts'
import { FORMAT_VERSION } from './plan-json.ts'
import { alignColumns, countText, durationText, isoText, timeText } from './text.ts'
import { wholeNumber } from './whole-number.ts'

interface ExplainedBuild {
  readonly build: BuildRow
  readonly slots: readonly SlotRow[]
  /** against the build before it; undefined: the first, or the one before is not known any more */
  readonly changes: readonly SlotDifference[] | undefined
}

interface Explanation {
  readonly node: NodeName
  readonly row: NodeRow
  readonly contentId: string
  readonly value: Json | undefined
  readonly waiting: string | null
  readonly dirty: { readonly cause: string; readonly reason: string | null } | undefined
  readonly builds: readonly ExplainedBuild[]
  readonly parts: readonly PartRow[]
  readonly slots: readonly SlotRow[]
  /** what it reads now, against its last build */
  readonly pending: readonly SlotDifference[]
}

const BUILDS = 3

/** Runs `explain`. */
export async function runExplain(call: CommandCall): Promise<number> {
  const { project } = await call.open({ sync: false })
  const node = parseNode(project.graph, call.words[0] ?? '')
  const count = wholeNumber('--builds', textOption(call, 'builds') ?? String(BUILDS), 1000)
  const explanation = await explainNode(await openLookup(project), node, count)
  if (call.json)
    call.terminal.printJson(explanationJson(explanation, partitionOf(project.graph, node)))
  else printText(call, explanation)
  return EXIT.done
}

async function explainNode(lookup: Lookup, node: NodeName, count: number): Promise<Explanation> {
  const { db } = lookup.project.catalog
  const row = await requireNode(lookup, node)
  const found = await lastBuilds(lookup, row.id, count + 1)
  const read = await builtSlots(lookup, found)
  const slots = await currentSlots(lookup, row.id)
  await lookup.contents.load(lookup.project.catalog, [row.version])
  const content = lookup.contents.get(row.version)
  const state = await db
    .selectFrom('node')
    .leftJoin('dirty', 'dirty.node', 'node.id')
    .select(['node.waiting', 'dirty.cause', 'dirty.reason'])
    .where('node.id', '=', row.id)
    .executeTakeFirstOrThrow()
  const builds = found.slice(0, count).map((build, at): ExplainedBuild => {
    const before = found[at + 1]
    const own = read.get(build.id) ?? []
    const earlier = before === undefined ? undefined : (read.get(before.id) ?? [])
    return { build, slots: own, changes: earlier && slotDifferences(lookup, earlier, own) }
  })
  const [last] = builds
  return {
    node,
    row,
    contentId: content.contentId,
    value: content.value,
    waiting: state.waiting,
    dirty: state.cause === null ? undefined : { cause: state.cause, reason: state.reason },
    builds,
    parts: await currentParts(lookup, row.id),
    slots,
    pending: last === undefined ? [] : slotDifferences(lookup, last.slots, slots),
  }
}

const differenceJson = ({ asset, key, from, to, pointers }: SlotDifference): object => ({
  slot: nodeText({ asset, key }),
  from: from ?? null,
  to: to ?? null,
  ...(pointers.length > 0 && { pointers }),
})

const slotJson = ({ asset, key, contentId }: SlotRow): object => ({
  slot: nodeText({ asset, key }),
  content_id: contentId,
})

function explanationJson(
  explained: Explanation,
  partition: Readonly<Record<string, string>>,
): object {
  return {
    format_version: FORMAT_VERSION,
    asset: explained.node.asset,
    partition,
    content_id: explained.contentId,
    value: explained.value ?? null,
    waiting: explained.waiting,
    dirty: explained.dirty ?? null,
    pending: explained.pending.map(differenceJson),
    builds: explained.builds.map(({ build, slots, changes }) => ({
      run: build.run,
      outcome: build.outcome,
      fingerprint: build.fingerprint,
      commit_number: build.commit,
      at: isoText(build.atMs),
      ms: build.ms,
      rows: build.rows,
      cause: causesOf(build),
      error: build.error,
      slots: slots.map(slotJson),
      changes: changes?.map(differenceJson) ?? null,
    })),
    parts: explained.parts.map((part) => ({
      name: part.name,
      rows: part.rows,
      size_bytes: part.sizeBytes,
      sha256: part.sha256,
      path: part.path,
      first_wanted_at: part.firstWantedMs === null ? null : isoText(part.firstWantedMs),
    })),
    would_rebuild_if: deciding(explained.slots).map(slotJson),
  }
}

/** While a rollback stands, it alone decides. */
function deciding(slots: readonly SlotRow[]): readonly SlotRow[] {
  const rollback = slots.filter((slot) => slot.asset === ROLLBACK)
  return rollback.length > 0 ? rollback : slots
}

/** What a build recorded as its cause: JSON, or a word. */
function causesOf({ cause }: BuildRow): Json {
  if (cause === null || !/^[[{"]/.test(cause)) return cause
  return JSON.parse(cause) as Json
}

const SHORT = 12
const short = (id: string | undefined): string => id?.slice(0, SHORT) ?? '-'

function printText({ terminal }: CommandCall, explained: Explanation): void {
  const { out } = terminal
  const { node, row, builds, parts, pending, dirty, waiting, slots } = explained
  const state = row.version === 0 ? 'absent' : 'live'
  terminal.print(`${out.bold(nodePath(node))}  ${state}`)
  const facts = [['  content id', explained.contentId]]
  const [last] = builds
  if (last !== undefined) facts.push(['  fingerprint', last.build.fingerprint ?? '-'])
  if (explained.value !== undefined && parts.length === 0) {
    facts.push(['  value', printableJson(explained.value)])
  }
  terminal.print(alignColumns(['', ''], facts).join('\n'))
  if (waiting !== null) terminal.print(`  ${out.yellow('waiting')}: ${waiting}`)
  printDirty(terminal, { dirty, pending, isBuilt: last !== undefined })
  for (const build of builds) printBuild(terminal, build)
  if (parts.length > 0) printParts(terminal, parts)
  if (slots.length === 0) return
  const title = dirty === undefined ? 'Would rebuild if one of these changes' : 'Reads now'
  const own = deciding(slots).map((slot) => [`  ${slotName(slot)}`, short(slot.contentId)])
  terminal.print(`\n${title}\n${alignColumns(['', ''], own).join('\n')}`)
}

/** A recipe is a slot of every build: its key is the asset. */
const slotName = (slot: NodeName): string =>
  slot.asset === RECIPE ? `recipe of ${slot.key}` : nodePath(slot)

type Printer = CommandCall['terminal']

function printDirty(
  terminal: Printer,
  {
    dirty,
    pending,
    isBuilt,
  }: Pick<Explanation, 'dirty' | 'pending'> & { readonly isBuilt: boolean },
): void {
  if (dirty === undefined) return
  const because = dirty.reason === null ? dirty.cause : `${dirty.cause}: ${dirty.reason}`
  terminal.print(`  ${terminal.out.yellow('dirty')}: ${because}`)
  if (isBuilt) terminal.print(differenceLines(pending).join('\n'))
}

const differenceLines = (differences: readonly SlotDifference[]): readonly string[] =>
  alignColumns(
    ['', '', ''],
    differences.map((one) => [
      `    ${slotName(one)}`,
      one.from === undefined
        ? 'added'
        : one.to === undefined
          ? 'removed'
          : `${short(one.from)} → ${short(one.to)}`,
      one.pointers.map((pointer) => pointer || 'all of it').join(' '),
    ]),
  )

function printBuild(terminal: Printer, { build, changes, slots }: ExplainedBuild): void {
  const { out } = terminal
  const rows = build.rows === null ? '' : `  ${countText(build.rows)} rows`
  const head = `Run ${build.run}  ${timeText(build.atMs)}  ${build.outcome}  ${durationText(build.ms)}${rows}`
  terminal.print(`\n${out.bold(head)}`)
  if (build.error !== null) terminal.print(`  ${out.red(build.error)}`)
  if (changes === undefined) {
    const names = slots.map((slot) => [`    ${slotName(slot)}`, short(slot.contentId)])
    terminal.print(['  first build known, from', ...alignColumns(['', ''], names)].join('\n'))
  } else if (changes.length === 0)
    terminal.print('  the same inputs as the build before it: forced, or missing')
  else terminal.print(['  because', ...differenceLines(changes)].join('\n'))
}

function printParts(terminal: Printer, parts: readonly PartRow[]): void {
  const right = (title: string) => ({ title, align: 'right' }) as const
  const rows = parts.map((part) => [
    `  ${part.name}`,
    part.rows === null ? '' : countText(part.rows),
    countText(part.sizeBytes),
    short(part.sha256),
    part.firstWantedMs === null ? '' : timeText(part.firstWantedMs),
  ])
  const columns = ['  part', right('rows'), right('bytes'), 'sha256', 'first wanted']
  terminal.print(`\n${alignColumns(columns, rows, terminal.out.dim).join('\n')}`)
}
