/** `sensors list|tick|logs|pause|resume`: what a daemon looks at. */
import { sensorState, tickHistory } from '../catalog/sensors.ts'
import { EngineError } from '../core/errors.ts'
import { systemClock } from '../run/clock.ts'
import { changePause } from '../run/pause.ts'
import { nextDueMs, timingText } from '../run/schedule.ts'
import type { Sensor } from '../run/sensor.ts'
import { tickSensor } from '../run/tick.ts'
import type { CommandCall, OpenProject } from './command.ts'
import { flagOption, textOption } from './command.ts'
import { EXIT } from './fault.ts'
import { FORMAT_VERSION } from './plan-json.ts'
import { alignColumns, isoText, timeText } from './text.ts'
import { wholeNumber } from './whole-number.ts'

const TICKS_SHOWN = '20'
const TICKS_SHOWN_MAX = 10_000

const sensorsOf = async (opened: OpenProject): Promise<readonly Sensor[]> =>
  (await opened.daemon?.sensors()) ?? []

async function findSensor(opened: OpenProject, name: string): Promise<Sensor> {
  const sensors = await sensorsOf(opened)
  const found = sensors.find((sensor) => sensor.name === name)
  if (found !== undefined) return found
  throw new EngineError('SENSOR_UNKNOWN', { sensor: name, known: sensors.map((one) => one.name) })
}

/** Runs `sensors list`. */
export async function runSensorsList(call: CommandCall): Promise<number> {
  const { terminal } = call
  const opened = await call.open({ sync: false })
  const { db } = opened.project.catalog
  const nowMs = systemClock.nowMs()
  const rows = await Promise.all(
    (await sensorsOf(opened)).map(async (sensor) => {
      const { pause, cursor } = await sensorState(db, sensor.name)
      const [last] = await tickHistory(db, { sensor: sensor.name, limit: 1 })
      const isCron = 'cron' in sensor.timing
      return {
        sensor,
        pause,
        cursor,
        last,
        nextMs: isCron ? await nextDueMs(sensor.timing, nowMs) : undefined,
      }
    }),
  )
  if (call.json) {
    const sensors = rows.map(({ sensor, pause, cursor, last, nextMs }) => ({
      name: sensor.name,
      summary: sensor.summary,
      timing: timingText(sensor.timing),
      next_at: nextMs === undefined ? null : isoText(nextMs),
      paused: pause === undefined ? null : { by: pause.by, reason: pause.reason },
      cursor: cursor ?? null,
      last:
        last === undefined
          ? null
          : {
              at: isoText(last.atMs),
              status: last.status,
              words: last.words,
              run: last.run ?? null,
            },
    }))
    terminal.printJson({ format_version: FORMAT_VERSION, sensors })
    return EXIT.done
  }
  if (rows.length === 0) terminal.print('This project has no sensors')
  else {
    const cells = rows.map(({ sensor, pause, last }) => [
      sensor.name,
      timingText(sensor.timing),
      pause === undefined ? 'on' : `paused by ${pause.by}`,
      last === undefined ? 'never' : timeText(last.atMs),
      last === undefined ? sensor.summary : `${last.status}: ${last.words}`,
    ])
    const columns = ['sensor', 'when', 'state', 'last acted', '']
    terminal.print(alignColumns(columns, cells, terminal.out.dim).join('\n'))
  }
  return EXIT.done
}

/** Runs `sensors tick`: one look now, and what follows from it; a daemon need not run. */
export async function runSensorsTick(call: CommandCall): Promise<number> {
  const { terminal } = call
  const opened = await call.open({ sync: false })
  const sensor = await findSensor(opened, call.words[0] ?? '')
  const signal = new AbortController().signal
  const sinceMs = systemClock.nowMs()
  const ticked = await tickSensor(opened.project, sensor, { sinceMs, signal, isAsked: true })
  if (call.json)
    terminal.printJson({ format_version: FORMAT_VERSION, sensor: sensor.name, ...ticked })
  else {
    const said = { skipped: terminal.out.dim, acted: terminal.out.green, failed: terminal.out.red }
    const words = ticked.kind === 'skipped' ? ticked.why : ticked.words
    terminal.print(`${sensor.name} ${said[ticked.kind](ticked.kind)}: ${words}`)
  }
  return ticked.kind === 'failed' ? EXIT.failed : EXIT.done
}

/** Runs `sensors logs`. */
export async function runSensorsLogs(call: CommandCall): Promise<number> {
  const { terminal } = call
  const opened = await call.open({ sync: false })
  const [name] = call.words
  const sensor = name === undefined ? undefined : (await findSensor(opened, name)).name
  const limit = wholeNumber('--limit', textOption(call, 'limit') ?? TICKS_SHOWN, TICKS_SHOWN_MAX)
  const ticks = await tickHistory(opened.project.catalog.db, {
    limit,
    ...(sensor !== undefined && { sensor }),
  })
  if (call.json) {
    const rows = ticks.map(({ atMs, endedMs, run, ...tick }) => ({
      ...tick,
      run: run ?? null,
      at: isoText(atMs),
      ended_at: endedMs === undefined ? null : isoText(endedMs),
    }))
    terminal.printJson({ format_version: FORMAT_VERSION, ticks: rows })
  } else if (ticks.length === 0)
    terminal.print('Nothing was done yet: looks that find nothing are not written down')
  else {
    const cells = ticks.map((tick) => [
      timeText(tick.atMs),
      tick.sensor,
      tick.status,
      tick.run === undefined ? '' : String(tick.run),
      tick.words,
    ])
    terminal.print(
      alignColumns(['at', 'sensor', 'status', 'run', ''], cells, terminal.out.dim).join('\n'),
    )
  }
  return EXIT.done
}

/** Runs `sensors pause`. */
export const runSensorsPause = async (call: CommandCall): Promise<number> => setPaused(call, true)

/** Runs `sensors resume`. */
export const runSensorsResume = async (call: CommandCall): Promise<number> => setPaused(call, false)

async function setPaused(call: CommandCall, isPause: boolean): Promise<number> {
  const reason = textOption(call, 'reason')?.trim() ?? ''
  if (isPause && reason === '') {
    const why = 'sensors pause needs --reason in words'
    throw new EngineError('USAGE', { command: 'sensors pause', reason: why })
  }
  const opened = await call.open({ sync: false })
  const isAll = flagOption(call, 'all')
  const chosen = isAll ? await sensorsOf(opened) : [await findSensor(opened, call.words[0] ?? '')]
  for (const { name } of chosen) {
    await changePause(opened.project, {
      sensor: name,
      isPause,
      actor: { name: call.actor, reason },
    })
  }
  const names = chosen.map(({ name }) => name)
  if (call.json)
    call.terminal.printJson({ format_version: FORMAT_VERSION, sensors: names, paused: isPause })
  else call.terminal.print(`${names.join(', ')}: ${isPause ? 'paused' : 'on'}`)
  return EXIT.done
}
