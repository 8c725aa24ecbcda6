import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readConfig } from '../../assets/config.ts'
import { examineProject } from '../../assets/verify/examine-project.ts'
import { MIGRATIONS } from '../../migrations/index.ts'
import { errorCode } from '../support/error-code.ts'

let root = ''
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'tributary-transport-'))
  writeFileSync(join(root, 'tributary.json'), '{}')
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

const read = (environment: Readonly<Record<string, string>>) =>
  readConfig({ root, environment, flags: {}, cores: 2, memoryMb: 4096 })
const store = (endpoint: string) => ({
  TRIBUTARY_STORE: 's3://bucket/data',
  S3_ENDPOINT: endpoint,
})
const catalog = (url: string) => ({ TRIBUTARY_CATALOG: url })

test.each([
  store('http://store:9000'),
  store('http://10.0.0.7:9000'),
  store('http://127.0.0.1.example.com'),
  { TRIBUTARY_INBOX: 's3://inbox', S3_ENDPOINT: 'http://store' },
  catalog('postgres://me:secret@db/claims'),
  catalog('postgres://me:secret@db/claims?sslmode=prefer'),
  catalog('postgresql:///claims?host=db'),
])('%o is refused, and allowed by name only', (environment) => {
  expect(errorCode(() => read(environment))).toBe('TRANSPORT_PLAIN')
  expect(read({ ...environment, TRIBUTARY_INSECURE: '1' }).insecure.value).toBe(1)
})

test.each([
  store('https://store:9000'),
  store('http://127.0.0.1:9000'),
  store('http://localhost:9000'),
  store('http://[::1]:9000'),
  { S3_ENDPOINT: 'http://not-used:9000' },
  catalog('postgres://me@localhost/claims'),
  catalog('postgres://me@127.0.0.1:5433/claims'),
  catalog('postgres://me@/claims?host=/var/run/postgresql'),
  catalog('postgres://me:secret@db/claims?sslmode=verify-full'),
  { ...catalog('postgres://me:secret@db/claims'), PGSSLMODE: 'require' },
])('%o is taken', (environment) => {
  expect(read(environment).insecure.value).toBe(0)
})

test('what is allowed is told by doctor, without a password', async () => {
  const environment = { ...store('http://store:9000'), TRIBUTARY_INSECURE: '1' }
  const found = await examineProject(read(environment), {
    migrations: MIGRATIONS,
    nodeVersion: process.version,
    askStore: async () => ({ server: undefined, atMs: 0, answers: {} }),
    askInbox: async () => ({ keepsVersions: true }),
  })
  expect(found.examined.filter(({ name }) => name === 'transport')).toMatchObject([
    { level: 'warning', words: expect.stringContaining('the S3 store at store:9000') },
  ])
})

test('a lock that the bucket cannot give is an error before a raw file meets it', async () => {
  const environment = { ...store('http://127.0.0.1:9000'), S3_LOCK_DAYS: '30' }
  const examined = async (lock: string) =>
    examineProject(read(environment), {
      migrations: MIGRATIONS,
      nodeVersion: process.version,
      askStore: async () => ({ server: undefined, atMs: 0, answers: { object_lock: lock } }),
      askInbox: async () => ({ keepsVersions: true }),
    })
  expect((await examined('off')).examined).toContainEqual(
    expect.objectContaining({
      name: 'store',
      words: expect.stringContaining('locked for 30 days'),
    }),
  )
  expect((await examined('on')).examined).not.toContainEqual(
    expect.objectContaining({ words: expect.stringContaining('locked for 30 days') }),
  )
  expect(errorCode(() => read({ S3_LOCK_DAYS: 'ever' }))).toBe('CONFIG_INVALID')
})
