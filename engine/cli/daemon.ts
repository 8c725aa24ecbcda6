/** `daemon` and `worker`: processes that stay. */
import { EngineError } from '../core/errors.ts'
import { systemClock } from '../run/clock.ts'
import type { DaemonEvent } from '../run/daemon-event.ts'
import { Daemon } from '../run/daemon.ts'
import type { Executor } from '../run/executor.ts'
import type { Figures } from '../run/vitals.ts'
import { codeOf, vitals } from '../run/vitals.ts'
import { BuildWorker } from '../run/worker.ts'
import type { CommandCall, OpenProject } from './command.ts'
import { textOption } from './command.ts'
import type { DaemonParts } from './daemon-parts.ts'
import { eventLine } from './daemon-view.ts'
import { EXIT } from './fault.ts'
import { listenForInterrupts } from './interrupt.ts'
import { FORMAT_VERSION } from './plan-json.ts'
import { keepMemorySteady } from './steady-memory.ts'
import { wholeNumber } from './whole-number.ts'

const HOST = '127.0.0.1'
const PORT_MAX = 65_535
const WORKERS_MAX = 64
/** What is running may end within this; then it is given up and its claims are released. */
const GRACE_MS = 3_000
/** A loop that waits for a server that does not answer is left behind. */
const LEAVE_MS = 4_500

/** Runs `daemon` until it is told to stop. */
export async function runDaemon(call: CommandCall): Promise<number> {
  keepMemorySteady()
  const opened = await call.open({ sync: false })
  const parts = partsOf(opened)
  const sensors = await parts.sensors()
  const report = await reporter(call)
  using interrupts = listenForInterrupts(call.terminal)
  const executor = await parts.executor((error) => report(troubleOf('executor', error)))
  const slots = call.options['work'] === false ? 0 : slotsOf(call, opened.concurrency)
  let daemon: Daemon | undefined
  const served = await parts.serve({
    host: textOption(call, 'host') ?? HOST,
    port: portOf(call, parts.port),
    figures: async () => figuresOf(opened, { executor, slots }),
    sensors: () => daemon?.sensors ?? [],
    isStopping: () => daemon?.isStopping ?? false,
  })
  call.terminal.note(`${served.url}/healthz  ${served.url}/metrics`)
  daemon = await Daemon.start(opened.project, {
    ...parts.fairness,
    sensors,
    executor,
    slots,
    actor: { name: call.actor, reason: 'daemon' },
    onEvent: (event) => {
      served.observe(event)
      report(event)
    },
  })
  await until(interrupts, daemon)
  await served[Symbol.asyncDispose]()
  await executor[Symbol.asyncDispose]()
  report({ type: 'stopped' })
  return EXIT.done
}

/** Runs `worker` until it is told to stop. */
export async function runWorker(call: CommandCall): Promise<number> {
  keepMemorySteady()
  const opened = await call.open({ sync: false })
  const parts = partsOf(opened)
  const report = await reporter(call)
  using interrupts = listenForInterrupts(call.terminal)
  const executor = await parts.executor((error) => report(troubleOf('executor', error)))
  const slots = slotsOf(call, opened.concurrency)
  const worker = await BuildWorker.start(opened.project, {
    executor,
    slots,
    actor: { name: call.actor, reason: 'worker' },
    onEvent: (event) => {
      if (event.type !== 'planned' && event.type !== 'progress') report(event)
    },
    onError: (error) => report(troubleOf('worker', error)),
  })
  report({ type: 'ready', sensors: 0, workers: slots })
  await until(interrupts, worker)
  await executor[Symbol.asyncDispose]()
  report({ type: 'stopped' })
  return EXIT.done
}

function partsOf(opened: OpenProject): DaemonParts {
  if (opened.daemon !== undefined) return opened.daemon
  const reason = 'this project declares no sensors'
  throw new EngineError('USAGE', { command: 'daemon', reason })
}

const slotsOf = (call: CommandCall, concurrency: number): number => {
  const text = textOption(call, 'workers')
  return text === undefined ? concurrency : wholeNumber('--workers', text, WORKERS_MAX)
}

function portOf(call: CommandCall, configured: number): number {
  const text = textOption(call, 'port')
  if (text === undefined) return configured
  return text === '0' ? 0 : wholeNumber('--port', text, PORT_MAX)
}

/** Waits for a signal, then stops: within the grace, or at once after a second one. */
async function until(
  { stop, abort }: { readonly stop: AbortSignal; readonly abort: AbortSignal },
  running: Pick<Daemon, 'stop'>,
): Promise<void> {
  await heard(stop)
  const stopped = running.stop(GRACE_MS)
  const atOnce = heard(abort).then(async () => running.stop(0))
  const left = new Promise((resolve) => {
    setTimeout(resolve, LEAVE_MS).unref()
  })
  await Promise.race([stopped, atOnce, left])
}

const heard = async (signal: AbortSignal): Promise<void> =>
  signal.aborted
    ? undefined
    : new Promise((resolve) => {
        signal.addEventListener('abort', () => resolve(), { once: true })
      })

/** JSON lines on stdout for programs, lines for a person on a terminal, else a log on stderr. */
async function reporter({ terminal, json }: CommandCall): Promise<(event: DaemonEvent) => void> {
  if (json) terminal.printLine({ type: 'version', format_version: FORMAT_VERSION })
  if (!json && terminal.isLive) {
    return (event) => {
      const line = eventLine(event, { paint: terminal.err, atMs: systemClock.nowMs() })
      if (line !== undefined) terminal.note(line)
    }
  }
  const { openDaemonLog } = await import('../run/daemon-log.ts')
  return openDaemonLog((line) => {
    if (json) terminal.print(line.trimEnd())
    else terminal.note(line.trimEnd())
  })
}

const troubleOf = (loop: string, error: unknown): DaemonEvent => ({
  type: 'trouble',
  loop,
  code: codeOf(error),
  retryMs: 0,
})

/** What is asked for at a scrape. Never throws: what cannot be had is nothing. */
async function figuresOf(
  { project, daemon }: OpenProject,
  { executor, slots }: { readonly executor: Executor; readonly slots: number },
): Promise<Figures> {
  const now = await vitals(project)
  const nothing = { queued: 0, running: 0, oldestWaitingMs: 0, requests: new Map<string, number>() }
  if (now.catalogFault !== undefined) return { ...now, ...nothing, slots }
  try {
    const depth = await executor.depth(project.catalog.db)
    const requests = (await daemon?.requests(project.catalog.db)) ?? nothing.requests
    const { queued, taken, oldestMs } = depth
    const oldestWaitingMs = oldestMs === undefined ? 0 : project.clock.nowMs() - oldestMs
    return { ...now, queued, running: taken, oldestWaitingMs, requests, slots }
  } catch (error) {
    return { ...now, catalogFault: codeOf(error), ...nothing, slots }
  }
}
