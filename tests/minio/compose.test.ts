/** What compose.yaml says, read as Compose would read it: no engine is needed. */
import { execFileSync } from 'node:child_process'
import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { policyFiles } from '../../minio/policy-files.ts'

const ROOT = join(import.meta.dirname, '../..')
const FOLDER = join(ROOT, 'minio')
const read = (path: string): string => readFileSync(join(FOLDER, path), 'utf8')

const text = z.string()
const texts = z.array(text)
const healthcheck = z.union([
  z.strictObject({ test: texts, interval: text, timeout: text, retries: z.int() }),
  z.strictObject({ disable: z.literal(true) }),
])
/** The part of the Compose specification that is used here; a misspelt key is refused. */
const service = z.strictObject({
  image: text.regex(/^[a-z0-9./-]+:(?!latest$)\S+$/),
  build: z.strictObject({ context: text, dockerfile: text }).exactOptional(),
  profiles: texts.exactOptional(),
  entrypoint: texts.exactOptional(),
  command: texts.exactOptional(),
  user: text.regex(/^[1-9]\d*:[1-9]\d*$/),
  environment: z.record(text, text).exactOptional(),
  secrets: texts.exactOptional(),
  tmpfs: texts.exactOptional(),
  volumes: texts.exactOptional(),
  ports: z.array(text.startsWith('127.0.0.1:')).exactOptional(),
  networks: z.record(text, z.strictObject({ aliases: texts })).exactOptional(),
  depends_on: z
    .record(
      text,
      z.strictObject({
        condition: z.enum(['service_healthy', 'service_completed_successfully']),
      }),
    )
    .exactOptional(),
  healthcheck: healthcheck.exactOptional(),
  restart: text,
  scale: text.exactOptional(),
  mem_limit: text.exactOptional(),
  cpu_shares: z.int().min(2).exactOptional(),
  stop_grace_period: text.exactOptional(),
  read_only: z.literal(true),
  cap_drop: z.tuple([z.literal('ALL')]),
  security_opt: z.tuple([z.literal('no-new-privileges:true')]),
})
const file = z.object({
  name: text,
  services: z.record(text, service),
  secrets: z.record(text, z.strictObject({ file: text })),
  volumes: z.record(text, z.null()),
})
const composeText = read('compose.yaml')
const compose = file.parse(parse(composeText, { merge: true }))
const services = Object.entries(compose.services)

test('every service is whole: pinned, not root, a read-only root, no capabilities, loopback ports', () => {
  expect(services.map(([name]) => name)).toEqual([
    'postgres',
    'minio',
    'versitygw',
    'rustfs',
    'seaweedfs',
    'buckets',
    'users',
    'daemon',
    'worker',
    'sampler',
  ])
})

test('the sampler shares the project’s folder with who appends manifests, and the store’s keys with nobody', () => {
  const { daemon, sampler } = compose.services
  expect(sampler?.volumes).toEqual(daemon?.volumes)
  expect(sampler?.secrets).toEqual(['catalog_url', 'sampler_key', 'sampler_secret'])
  expect(sampler?.cpu_shares).toBeLessThan(1024)
})

test('every variable stands in .env.example, and nothing else does', () => {
  const used = [...composeText.matchAll(/\$\{(\w+)\}/g)].map(([, name = '']) => name)
  const given = [...read('.env.example').matchAll(/^(\w+)=/gm)].map(([, name = '']) => name)
  // Compose reads its profiles by itself.
  expect(given.toSorted()).toEqual([...new Set([...used, 'COMPOSE_PROFILES'])].toSorted())
})

test('every file that is named is there', () => {
  const mounted = services.flatMap(([, { volumes = [] }]) =>
    volumes.flatMap((volume) => /^(\.\/[^:]+):/.exec(volume)?.[1] ?? []),
  )
  const built = services.flatMap(([, { build }]) =>
    build === undefined ? [] : [join(build.context, build.dockerfile)],
  )
  expect(mounted.length).toBeGreaterThan(3)
  expect([...mounted, ...built].filter((path) => !existsSync(join(FOLDER, path)))).toEqual([])
  const awaited = services.flatMap(([, one]) => Object.keys(one.depends_on ?? {}))
  expect(awaited.filter((name) => compose.services[name] === undefined)).toEqual([])
})

test('no secret is in the file, in .env.example or in an environment variable', () => {
  const values = services.flatMap(([, { environment = {} }]) => Object.entries(environment))
  const named = values.filter(([name]) => /PASSWORD|SECRET|_KEY|CATALOG|USER(?!$)/.test(name))
  expect(named.length).toBeGreaterThan(5)
  expect(named.filter(([, value]) => !value.startsWith('/run/secrets/'))).toEqual([])
  expect(read('.env.example')).not.toMatch(/PASSWORD|SECRET|_KEY/)
  const used = services.flatMap(([, { secrets = [] }]) => secrets)
  expect([...new Set(used)].toSorted()).toEqual(Object.keys(compose.secrets).toSorted())
  const pointed = [...composeText.matchAll(/\/run\/secrets\/(\w+)/g)].map(([, name = '']) => name)
  expect(pointed.filter((name) => compose.secrets[name] === undefined)).toEqual([])
})

test('make-secrets.sh writes every secret once, into a folder that is nobody else’s', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tributary-secrets-'))
  try {
    for (const name of ['make-secrets.sh', '.env.example'])
      copyFileSync(join(FOLDER, name), join(folder, name))
    const make = (): readonly string[] => {
      execFileSync('sh', [join(folder, 'make-secrets.sh')], { stdio: 'pipe' })
      const names = readdirSync(join(folder, 'secrets')).toSorted()
      return names.map((name) => `${name} ${readFileSync(join(folder, 'secrets', name), 'utf8')}`)
    }
    const first = make()
    expect(make()).toEqual(first)
    const files = Object.values(compose.secrets).map((one) => one.file.replace('./secrets/', ''))
    expect(first.map((line) => line.split(' ')[0])).toEqual(files.toSorted())
    expect(new Set(first.map((line) => line.split(' ')[1])).size).toBe(files.length)
    expect(statSync(join(folder, 'secrets')).mode & 0o777).toBe(0o700)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})

test('the scripts are well-formed, and the policies are what npm run gen writes', () => {
  for (const name of readdirSync(FOLDER).filter((one) => one.endsWith('.sh')))
    execFileSync('sh', ['-n', join(FOLDER, name)])
  const stale = Object.entries(policyFiles()).filter(
    ([name, wanted]) => read(`policies/${name}`) !== wanted,
  )
  expect(stale.map(([name]) => name)).toEqual([])
})

test('the container has the lockfile’s Node, a user with a number, and copies what is there', () => {
  const container = readFileSync(join(ROOT, 'docs/deploy/Containerfile'), 'utf8')
  const node = z
    .object({ version: text })
    .parse(JSON.parse(readFileSync(join(ROOT, '.ci/node/package.json'), 'utf8')))
  const bases = [...container.matchAll(/^FROM (\S+)/gm)].map(([, image]) => image)
  expect(new Set(bases)).toEqual(new Set([`node:${node.version}-bookworm-slim`]))
  expect(container).toMatch(/^USER 10001:10001$/m)
  const copied = [...container.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, names = '']) =>
    names.split(' '),
  )
  expect(copied.length).toBeGreaterThan(8)
  expect(copied.filter((path) => !existsSync(join(ROOT, path)))).toEqual([])
})
