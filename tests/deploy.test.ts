/** The files under docs/deploy: that they are what they say, and ask for no more than they need. */
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { z } from 'zod'

const FOLDER = join(import.meta.dirname, '../docs/deploy')
const read = (path: string): string => readFileSync(join(FOLDER, path), 'utf8')

const container = z.object({
  image: z.string(),
  securityContext: z.object({
    allowPrivilegeEscalation: z.literal(false),
    readOnlyRootFilesystem: z.literal(true),
    capabilities: z.object({ drop: z.tuple([z.literal('ALL')]) }),
  }),
  resources: z.object({ limits: z.object({ memory: z.string() }) }),
  args: z.array(z.string()),
})
const deployment = z.object({
  kind: z.literal('Deployment'),
  metadata: z.object({ name: z.string() }),
  spec: z.object({
    template: z.object({
      spec: z.object({
        automountServiceAccountToken: z.literal(false),
        terminationGracePeriodSeconds: z.number().min(6),
        securityContext: z.object({ runAsNonRoot: z.literal(true), runAsUser: z.number().min(1) }),
        initContainers: z.array(container),
        containers: z.tuple([container]),
      }),
    }),
  }),
})

const staged = z.object({
  spec: z.object({
    template: z.object({
      spec: z.object({
        containers: z.array(
          z.object({ env: z.array(z.object({ name: z.string(), value: z.string() })).optional() }),
        ),
        volumes: z.array(
          z.object({
            name: z.string(),
            persistentVolumeClaim: z.object({ claimName: z.string() }).optional(),
            secret: z
              .object({ items: z.array(z.object({ key: z.string() })).optional() })
              .optional(),
          }),
        ),
      }),
    }),
  }),
})

test('on Kubernetes a daemon dispatches, workers build and a sampler samples, none of them root', () => {
  const documents = parseAllDocuments(read('kubernetes/tributary.yaml')).map((one) => {
    expect(one.errors).toEqual([])
    return one.toJS() as { readonly kind: string }
  })
  const deployments = documents
    .filter(({ kind }) => kind === 'Deployment')
    .map((one) => deployment.parse(one))
  expect(
    deployments.map(({ metadata, spec }) => [
      metadata.name,
      spec.template.spec.containers[0].args[0],
    ]),
  ).toEqual([
    ['tributary-daemon', 'daemon'],
    ['tributary-worker', 'worker'],
    ['tributary-sampler', 'samples'],
  ])
  const version = (
    JSON.parse(readFileSync(join(FOLDER, '../../package.json'), 'utf8')) as {
      version: string
    }
  ).version
  const images = deployments.flatMap(({ spec }) =>
    [...spec.template.spec.initContainers, ...spec.template.spec.containers].map(
      (one) => one.image,
    ),
  )
  expect(new Set(images)).toEqual(new Set([`tributary:${version}`]))
})

test('on Kubernetes the sampler has the daemon’s staging folder, and none of its keys', () => {
  const documents = parseAllDocuments(read('kubernetes/tributary.yaml')).map((one) => one.toJS())
  const [daemon, sampler] = ['tributary-daemon', 'tributary-sampler'].map((name) =>
    staged.parse(
      documents.find(({ kind, metadata }) => kind === 'Deployment' && metadata.name === name),
    ),
  )
  const claims = (one: typeof daemon): readonly unknown[] =>
    (one?.spec.template.spec.volumes ?? []).filter(({ name }) => name === 'staging')
  expect(claims(sampler)).toHaveLength(1)
  expect(claims(sampler)).toEqual(claims(daemon))
  const secret = sampler?.spec.template.spec.volumes.find(({ name }) => name === 'secrets')?.secret
  const given = (secret?.items ?? []).map(({ key }) => `/run/secrets/tributary/${key}`)
  const [{ env = [] } = {}] = sampler?.spec.template.spec.containers ?? []
  const named = env.filter(({ name }) => name.endsWith('_FILE')).map(({ value }) => value)
  expect(named).toHaveLength(3)
  expect(given.toSorted()).toEqual(['/run/secrets/tributary/catalog_url', ...named].toSorted())
})

test('under systemd each may write to its project and nowhere else', () => {
  const units = readdirSync(FOLDER).filter((name) => name.endsWith('.service'))
  expect(units.toSorted()).toEqual([
    'tributary-daemon.service',
    'tributary-sampler.service',
    'tributary-worker.service',
  ])
  for (const unit of units) {
    const lines = read(unit).split('\n')
    const own = unit.replace(/^tributary-|\.service$/g, '')
    const command = own === 'sampler' ? 'samples make --watch' : own
    expect(lines.find((line) => line.startsWith('ExecStart='))).toContain(
      `tributary.js ${command} --actor ${own}`,
    )
    for (const line of [
      'User=tributary',
      'NoNewPrivileges=yes',
      'ProtectSystem=strict',
      'ReadWritePaths=/var/lib/tributary/project',
      'CapabilityBoundingSet=',
      'Restart=always',
    ]) {
      expect([unit, lines.includes(line)]).toEqual([unit, true])
    }
  }
})

test('under systemd the sampler waits for production', () => {
  const lines = read('tributary-sampler.service').split('\n')
  for (const line of ['Nice=10', 'IOSchedulingClass=idle', 'MemoryMax=1G', 'TimeoutStopSec=10s'])
    expect(lines).toContain(line)
})
