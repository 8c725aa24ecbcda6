/** Encrypted deliveries wait for their secret, take the road once it is set, and never show it. */
import { mkdtempSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { makePlan } from '../../engine/index.ts'
import { verifyProject } from '../../assets/verify/verify-project.ts'
import { encounters, medicalFile } from '../support/deliveries.ts'
import { RoadProject } from '../support/project.ts'
import { aesZipOf } from '../support/zip-aes.ts'

const JANUARY = 'MA/medical/2024-01'
const [OLD, NEW] = ['planted-secret-of-last-year', 'planted-secret-of-this-year']

/** A project whose submitter alpha has two references; their secrets are files beside it. */
class SecretProject implements AsyncDisposable {
  readonly road: RoadProject
  readonly #secrets: string

  private constructor(road: RoadProject, secrets: string) {
    this.road = road
    this.#secrets = secrets
    road.edit('registry/submitters.json', (document) => {
      const { submitters } = document as { submitters: Record<string, unknown>[] }
      for (const one of submitters) {
        if (one['id'] === 'alpha') one['secret_refs'] = ['ALPHA_NEW', 'ALPHA_OLD']
      }
    })
  }

  static async create(): Promise<SecretProject> {
    const secrets = mkdtempSync(join(tmpdir(), 'tributary-secrets-'))
    const environment = {
      TRIBUTARY_SECRET_ALPHA_NEW_FILE: join(secrets, 'new'),
      TRIBUTARY_SECRET_ALPHA_OLD_FILE: join(secrets, 'old'),
    }
    return new SecretProject(await RoadProject.create({ environment, after: 'keep' }), secrets)
  }

  set(which: 'new' | 'old', value: string): void {
    writeFileSync(join(this.#secrets, which), `${value}\n`)
  }
  unset(which: 'new' | 'old'): void {
    rmSync(join(this.#secrets, which))
  }

  /** Files below the project that hold a secret in some form. */
  leaks(): readonly string[] {
    const forms = [OLD, NEW].flatMap((value) => {
      const bytes = Buffer.from(value)
      return [value, bytes.toString('hex'), bytes.toString('base64').replace(/=*$/, '')]
    })
    return readdirSync(this.road.root, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .filter((path) => {
        const bytes = readFileSync(path)
        return forms.some((form) => bytes.includes(form))
      })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.road[Symbol.asyncDispose]()
    rmSync(this.#secrets, { recursive: true, force: true })
  }
}

const packed = (tag: string, count: number, secret: string) => {
  const { name, content } = medicalFile('2024-01', encounters('2024-01', count, tag))
  return { name: name.replace(/csv$/, 'zip'), content: aesZipOf({ [name]: content }, secret) }
}

test('a package waits while its secret is not set, and is built once it is', async () => {
  await using project = await SecretProject.create()
  const { road } = project
  road.deliver('alpha/first', [packed('a', 5, NEW)])
  await road.run()
  const waiting = await road.submission('alpha/first')
  expect(waiting).toMatchObject({ status: 'NEEDS_REVIEW', status_code: 'PACKAGE_SECRET' })
  expect(waiting.status_words).toContain('no secret is set; set TRIBUTARY_SECRET_ALPHA_NEW')
  expect((await road.run()).log).toEqual([])

  project.set('new', 'another one')
  await road.run()
  const { status, status_words: words } = await road.submission('alpha/first')
  expect(status).toBe('NEEDS_REVIEW')
  expect(words).toContain('TRIBUTARY_SECRET_ALPHA_NEW does not open it')

  project.set('new', NEW)
  const { brokenPromises } = await road.run()
  expect(brokenPromises).toEqual([])
  expect(await road.canonicalRows(JANUARY)).toHaveLength(5)
  expect((await road.run()).log).toEqual([])
  expect(project.leaks()).toEqual([])
})

test('a package that could not be read when its secret was set is opened once it can be', async () => {
  await using project = await SecretProject.create()
  const { road } = project
  const file = packed('a', 5, NEW)
  road.deliver('alpha/first', [file])
  await road.run()
  const path = road.path(`inbox/alpha/first/${file.name}`)
  renameSync(path, road.path('away'))
  project.set('new', NEW)
  await road.run()
  expect(await road.statuses()).toEqual({ 'alpha/first': 'NEEDS_REVIEW' })
  renameSync(road.path('away'), path)
  await road.run()
  expect(await road.canonicalRows(JANUARY)).toHaveLength(5)
})

test('secrets rotate: a package of the old one and one of the new one are both built', async () => {
  await using project = await SecretProject.create()
  const { road } = project
  project.set('old', OLD)
  road.deliver('alpha/first', [packed('a', 5, OLD)])
  await road.run()
  project.set('new', NEW)
  road.deliver('alpha/second', [packed('b', 7, NEW)])
  await road.run()
  expect(await road.statuses()).toEqual({
    'alpha/first': 'VALIDATED',
    'alpha/second': 'VALIDATED',
  })
  expect(await road.canonicalRows(JANUARY)).toHaveLength(7)
  const holds = async () =>
    (await verifyProject(road.platform, { deep: true })).filter((one) => !one.holds)
  expect(await holds()).toEqual([])
  project.unset('old')
  expect((await road.run()).log).toEqual([])
  expect(JSON.stringify(await holds())).toContain('not set: TRIBUTARY_SECRET_ALPHA_OLD')
  expect(project.leaks()).toEqual([])
})

test('a reference that changes its name rebuilds nothing', async () => {
  await using project = await SecretProject.create()
  const { road } = project
  project.set('new', NEW)
  road.deliver('alpha/first', [packed('a', 5, NEW)])
  await road.run()
  road.edit('registry/submitters.json', (document) => {
    const { submitters } = document as { submitters: Record<string, unknown>[] }
    for (const one of submitters) delete one['secret_refs']
  })
  expect((await road.run()).log).toEqual([])
})

test('a build without the secret fails, says what to set, and leaves the month as it is', async () => {
  await using project = await SecretProject.create()
  const { road } = project
  project.set('new', NEW)
  road.deliver('alpha/first', [packed('a', 5, NEW)])
  await road.run()
  project.unset('new')
  road.edit('registry/layouts/medical/synthea.json', (document) => {
    const ingest = document['x-ingest'] as Record<string, unknown>
    ingest['reject'] = { share: 0.5 }
    ingest['package'] = { ratio: 150 }
  })
  const failed = await road.run()
  const events = JSON.stringify(failed.report)
  expect(failed.log.filter((line) => line.endsWith('failed'))).toHaveLength(1)
  expect(events).toContain('PACKAGE_SECRET')
  expect(await road.canonicalRows(JANUARY)).toHaveLength(5)
  project.set('new', NEW)
  expect((await road.run()).log.filter((line) => line.startsWith('parse '))).toHaveLength(1)
  const { steps } = await makePlan(road.project, {
    actor: { name: 'test', reason: 'a test' },
  })
  expect(steps).toEqual([])
  expect(project.leaks()).toEqual([])
})

test('parts of one submission wait together, so that none wins the months alone', async () => {
  await using project = await SecretProject.create()
  const { road } = project
  const plain = medicalFile('2024-01', encounters('2024-01', 3, 'c'))
  const [first, second] = [packed('a', 5, NEW), packed('b', 7, NEW)]
  const named = (name: string, part: string): string => name.replace('medical_', `medical_${part}_`)
  road.edit('registry/layouts/medical/synthea.json', (document) => {
    const ingest = document['x-ingest'] as Record<string, unknown>
    const pattern = 'medical_[a-z]_(?<first>[0-9]{6})_(?<last>[0-9]{6})[.](?:csv|zip)'
    ingest['detect'] = { fileNames: [pattern] }
  })
  road.deliver('alpha/first', [
    { name: named(first.name, 'a'), content: first.content },
    { name: named(second.name, 'b'), content: second.content },
    { name: named(plain.name, 'c'), content: plain.content },
  ])
  await road.run()
  expect(await road.statuses()).toEqual({ 'alpha/first': 'NEEDS_REVIEW' })
  project.set('old', NEW)
  await road.run()
  expect(await road.canonicalRows(JANUARY)).toHaveLength(15)
})
