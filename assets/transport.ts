/**
 * What would leave this machine without TLS: keys, tables and reasons of people. Such a store or
 * database is refused, unless TRIBUTARY_INSECURE=1 says that the network between is trusted.
 */
import { EngineError } from '../engine/index.ts'
import type { S3Config } from './s3-config.ts'
import type { Environment, Setting } from './setting.ts'

export interface Transported {
  readonly catalog: Setting<string>
  readonly store: Setting<string>
  readonly inbox: Setting<string>
  readonly s3: S3Config
  /** 1: allowed */
  readonly insecure: Setting<number>
}

/** Places on other machines that are reached without TLS: setting and host. */
export function plainPlaces(
  { catalog, store, inbox, s3 }: Omit<Transported, 'insecure'>,
  environment: Environment = {},
): readonly string[] {
  const endpoint = s3.endpoint.value
  const isUsed = [store, inbox].some(({ value }) => value.startsWith('s3://'))
  const places: string[] = []
  if (isUsed && endpoint !== undefined && URL.canParse(endpoint)) {
    const { protocol, hostname, host } = new URL(endpoint)
    if (protocol === 'http:' && !isThisMachine(hostname)) places.push(`the S3 store at ${host}`)
  }
  const database = plainDatabase(catalog.value, environment['PGSSLMODE'])
  return database === undefined ? places : [...places, `the database at ${database}`]
}

/** Throws TRANSPORT_PLAIN. */
export function requireTransport(config: Transported, environment: Environment): void {
  const [place] = plainPlaces(config, environment)
  if (place === undefined || config.insecure.value === 1) return
  throw new EngineError('TRANSPORT_PLAIN', { place })
}

const WITH_TLS = new Set(['require', 'verify-ca', 'verify-full'])

/** The host of a PostgreSQL URL on another machine that does not ask for TLS. */
function plainDatabase(url: string, mode: string | undefined): string | undefined {
  if (!/^postgres(ql)?:\/\//.test(url) || !URL.canParse(url)) return undefined
  const { hostname, searchParams } = new URL(url)
  const host = searchParams.get('host') ?? hostname
  if (isThisMachine(host) || WITH_TLS.has(searchParams.get('sslmode') ?? mode ?? '')) {
    return undefined
  }
  return host
}

/** Loopback by name or number, or a socket in the file system. */
const isThisMachine = (host: string): boolean =>
  host === '' ||
  /^(?:\/|%2f)/i.test(host) ||
  host === 'localhost' ||
  host.endsWith('.localhost') ||
  /^127(\.\d{1,3}){3}$/.test(host) ||
  host === '[::1]' ||
  host === '::1'
