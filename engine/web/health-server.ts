/**
 * /healthz and /metrics of a daemon.
 *
 * Bound to this machine unless told otherwise. The Host header has to name it: a page in somebody's
 * browser cannot reach it through a name that resolves here. Nothing but GET, no parameters.
 */
import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import type { ServerType } from '@hono/node-server'
import { EngineError } from '../core/errors.ts'
import type { DaemonEvent } from '../run/daemon-event.ts'
import type { SensorNow } from '../run/sensor-loop.ts'
import type { Figures } from '../run/vitals.ts'
import { Metrics } from './metrics.ts'

export interface HealthOptions {
  readonly host: string
  /** 0: any that is free */
  readonly port: number
  /** further names it may be called by */
  readonly names: readonly string[]
  readonly figures: () => Promise<Figures>
  readonly sensors: () => readonly SensorNow[]
  readonly isStopping: () => boolean
}

export interface HealthServer extends AsyncDisposable {
  readonly url: string
  /** counts what the daemon reports */
  readonly observe: (event: DaemonEvent) => void
}

/** Figures are asked for at most this often, however many scrape. */
const FRESH_MS = 1000
const CLOSE_MS = 500

/** Starts to listen. Throws PORT_UNUSABLE. */
export async function serveHealth(options: HealthOptions): Promise<HealthServer> {
  const figures = remembered(options.figures)
  const metrics = new Metrics(figures)
  const app = new Hono()
  const names = new Set(['127.0.0.1', 'localhost', '[::1]', options.host, ...options.names])
  app.use(async (context, next) => {
    const host = (context.req.header('host') ?? '').replace(/:\d+$/, '').toLowerCase()
    if (!names.has(host)) return context.text('this Host is not served here\n', 403)
    await next()
    context.header('cache-control', 'no-store')
    return undefined
  })
  app.get('/healthz', async (context) => {
    const now = await figures()
    const body = { ...healthJson(now, options), sensors: options.sensors().map(sensorJson) }
    return context.json(body, body.status === 'ok' ? 200 : 503)
  })
  app.get('/metrics', async (context) => {
    const { type, body } = await metrics.text()
    return context.body(body, 200, { 'content-type': type })
  })
  const { server, port } = await listen(app, options)
  return {
    url: `http://${options.host.includes(':') ? `[${options.host}]` : options.host}:${port}`,
    observe: (event) => metrics.observe(event),
    [Symbol.asyncDispose]: async () => close(server),
  }
}

function healthJson(now: Figures, { isStopping }: Pick<HealthOptions, 'isStopping'>) {
  const isWell = now.catalogFault === undefined && now.storeFault === undefined
  const status = isStopping() ? 'stopping' : isWell ? 'ok' : 'unwell'
  return {
    status,
    catalog: now.catalogFault ?? 'ok',
    store: now.storeFault ?? 'ok',
    leases: now.leases.map(({ name, holder, endsInMs }) => ({
      name,
      holder,
      ends_in_s: Math.round(endsInMs / 1000),
    })),
    dirty: Object.fromEntries(now.dirty),
    queued: now.queued,
    running: now.running,
    oldest_waiting_s: Math.round(now.oldestWaitingMs / 1000),
    requests: Object.fromEntries(now.requests),
    slots: now.slots,
  }
}

const sensorJson = ({ sensor, lookedAtMs, last }: SensorNow) => ({
  name: sensor.name,
  looked_at: lookedAtMs === undefined ? null : new Date(lookedAtMs).toISOString(),
  result: last?.kind ?? null,
  why: last === undefined ? null : last.kind === 'skipped' ? last.why : last.words,
})

function remembered(ask: () => Promise<Figures>): () => Promise<Figures> {
  let answer: Promise<Figures> | undefined
  return async () => {
    if (answer === undefined) {
      answer = ask()
      setTimeout(() => (answer = undefined), FRESH_MS).unref()
    }
    return answer
  }
}

async function listen(
  app: Hono,
  { host, port }: Pick<HealthOptions, 'host' | 'port'>,
): Promise<{ readonly server: ServerType; readonly port: number }> {
  return new Promise((resolve, reject) => {
    const server = serve({ fetch: app.fetch, hostname: host, port }, (bound) =>
      resolve({ server, port: bound.port }),
    )
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(new EngineError('PORT_UNUSABLE', { host, port, reason: error.code ?? error.name })),
    )
  })
}

async function close(server: ServerType): Promise<void> {
  await new Promise<void>((resolve) => {
    server.close(() => resolve())
    if ('closeIdleConnections' in server) server.closeIdleConnections()
    // A scrape that hangs must not keep the daemon.
    setTimeout(() => {
      if ('closeAllConnections' in server) server.closeAllConnections()
    }, CLOSE_MS).unref()
  })
}
