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

test('on Kubernetes a daemon dispatches and workers build, none of them root', () => {
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

test('under systemd both may write to their project and nowhere else', () => {
  const units = readdirSync(FOLDER).filter((name) => name.endsWith('.service'))
  expect(units.toSorted()).toEqual(['tributary-daemon.service', 'tributary-worker.service'])
  for (const unit of units) {
    const lines = read(unit).split('\n')
    const command = unit.replace(/^tributary-|\.service$/g, '')
    expect(lines.find((line) => line.startsWith('ExecStart='))).toContain(
      `tributary.js ${command} `,
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
