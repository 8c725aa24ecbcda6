/**
 * Live progress of a run, aggregated: one line for each asset that has work, whatever the number
 * of partitions. On a terminal the lines are redrawn at most ten times a second; elsewhere they
 * are written once, at the end.
 */
import type { Plan } from '../core/plan.ts'
import type { RunnerEvent } from '../run/run-state.ts'
import type { Terminal } from './output.ts'
import { alignColumns, countText, durationText } from './text.ts'

interface AssetProgress {
  total: number
  done: number
  failed: number
  rows: number
  readonly startedMs: number
  endedMs: number | undefined
  /** the build that last told of its own progress */
  doing: Doing | undefined
}

/** A running build's own progress, in its own unit. */
interface Doing {
  readonly key: string
  readonly done: number
  readonly total: number | undefined
  /** when it told of itself first, and how far it was */
  readonly fromMs: number
  readonly from: number
}

/** Redraws lines in place; `done` leaves the last ones. */
export interface Screen {
  readonly draw: (text: string) => void
  readonly done: () => void
}

const REDRAW_MS = 100

/** The progress of one run: feed it every event, then end it. */
export class Progress {
  readonly #terminal: Terminal
  readonly #openScreen: (() => Promise<Screen>) | undefined
  readonly #nowMs: () => number
  #screen: Screen | undefined
  readonly #assets = new Map<string, AssetProgress>()
  #planned = new Map<string, number>()
  #drawnMs = 0

  /** @param openScreen  undefined: nothing is redrawn, the last state is written at the end */
  constructor(
    terminal: Terminal,
    openScreen: (() => Promise<Screen>) | undefined,
    nowMs: () => number,
  ) {
    this.#terminal = terminal
    this.#openScreen = openScreen
    this.#nowMs = nowMs
  }

  /** Takes what the run reports. */
  observe(event: RunnerEvent): void {
    if (event.type === 'planned') {
      this.#planned = countSteps(event.plan)
      if (event.plan.steps.length > 0) void this.#openLater()
      return
    }
    const asset = this.#of(event.node.asset)
    if (event.type === 'progress') {
      const { done, total, node } = event
      const first =
        asset.doing?.key === node.key ? asset.doing : { fromMs: this.#nowMs(), from: done }
      asset.doing = { key: node.key, done, total, fromMs: first.fromMs, from: first.from }
    } else if (event.type !== 'started') {
      asset.done += 1
      if (event.type === 'failed') asset.failed += 1
      else asset.rows += event.rows ?? 0
      asset.total = Math.max(asset.total, asset.done)
      asset.endedMs = this.#nowMs()
    }
    this.#draw(false)
  }

  /** Leaves the last state on the screen, or writes it where there is none. */
  end(): void {
    for (const asset of this.#assets.values()) asset.doing = undefined
    if (this.#assets.size === 0) return
    if (this.#screen === undefined) this.#terminal.note(this.#text())
    else {
      this.#draw(true)
      this.#screen.done()
    }
  }

  async #openLater(): Promise<void> {
    this.#screen = await this.#openScreen?.()
    this.#draw(false)
  }

  #of(name: string): AssetProgress {
    const known = this.#assets.get(name)
    if (known !== undefined) return known
    const asset: AssetProgress = {
      total: this.#planned.get(name) ?? 0,
      done: 0,
      failed: 0,
      rows: 0,
      startedMs: this.#nowMs(),
      endedMs: undefined,
      doing: undefined,
    }
    this.#assets.set(name, asset)
    return asset
  }

  #draw(always: boolean): void {
    if (this.#screen === undefined) return
    const nowMs = this.#nowMs()
    if (!always && nowMs - this.#drawnMs < REDRAW_MS) return
    this.#drawnMs = nowMs
    this.#screen.draw(this.#text())
  }

  #text(): string {
    const rows = [...this.#assets].map(([name, asset]) => this.#row(name, asset))
    const columns = [
      '',
      '',
      { title: '', align: 'right' } as const,
      { title: '', align: 'right' } as const,
    ]
    return alignColumns([...columns, { title: '', align: 'right' }, ''], rows).join('\n')
  }

  #row(name: string, asset: AssetProgress): readonly string[] {
    const { err } = this.#terminal
    const isDone = asset.done >= asset.total
    const mark = asset.failed > 0 ? err.red('✗') : isDone ? err.green('✓') : err.cyan('◼')
    const endMs = isDone ? (asset.endedMs ?? this.#nowMs()) : this.#nowMs()
    const spentMs = endMs - asset.startedMs
    const leftMs = asset.done === 0 ? 0 : (spentMs / asset.done) * (asset.total - asset.done)
    const failed = asset.failed > 0 ? `${countText(asset.failed)} failed  ` : ''
    const doing = asset.doing === undefined ? '' : doingText(asset.doing, this.#nowMs())
    const rest = isDone ? '' : asset.done > 0 ? `ETA ${durationText(leftMs)}  ${doing}` : doing
    return [
      mark,
      name,
      `${countText(asset.done)}/${countText(asset.total)}`,
      asset.rows > 0 ? `${countText(asset.rows)} rows` : '',
      durationText(spentMs),
      `${failed}${rest}`,
    ]
  }
}

/** `KEY 42 %, ETA 12s`; the first sign of life tells no speed. */
function doingText({ key, done, total, fromMs, from }: Doing, nowMs: number): string {
  if (total === undefined || total === 0) return `${key} ${countText(done)}`
  const share = `${key} ${Math.floor((done / total) * 100)} %`
  if (done === from) return share
  return `${share}, ETA ${durationText(((nowMs - fromMs) / (done - from)) * (total - done))}`
}

function countSteps(plan: Plan): Map<string, number> {
  const counts = new Map<string, number>()
  for (const { asset } of plan.steps) counts.set(asset, (counts.get(asset) ?? 0) + 1)
  return counts
}
