/** The scripts of compose.yaml, run as its containers run them, against a real MinIO. */
import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { needTool } from '../support/go-tools.ts'
import { testS3 } from '../support/s3.ts'

const MINIO = join(import.meta.dirname, '../../minio')
let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tributary-compose-'))
  for (const name of ['make-secrets.sh', '.env.example'])
    copyFileSync(join(MINIO, name), join(folder, name))
  execFileSync('sh', [join(folder, 'make-secrets.sh')], { stdio: 'pipe' })
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const secrets = (): string => join(folder, 'secrets')
const run = (script: string, words: readonly string[], more: NodeJS.ProcessEnv): string =>
  execFileSync('sh', [join(MINIO, script), ...words], {
    encoding: 'utf8',
    stdio: 'pipe',
    env: { ...process.env, SECRETS_FOLDER: secrets(), ...more },
  })

test('minio-users.sh makes the users of daemon and sampler with their policies, and once more the same', async () => {
  const { endpoint, accessKey, secretKey } = await testS3('minio')
  writeFileSync(join(secrets(), 'store_owner_key'), accessKey)
  writeFileSync(join(secrets(), 'store_owner_secret'), secretKey)
  const mc = await needTool('mc')
  const environment = {
    PATH: `${dirname(mc)}${delimiter}${process.env['PATH'] ?? ''}`,
    S3_ENDPOINT: endpoint,
    MC_CONFIG_DIR: join(folder, 'mc'),
    POLICIES_FOLDER: join(MINIO, 'policies'),
  }
  const policiesOf = (secret: string): string => {
    const key = readFileSync(join(secrets(), secret), 'utf8')
    return execFileSync(mc, ['admin', 'policy', 'entities', 'store', '--user', key], {
      encoding: 'utf8',
      env: { ...process.env, ...environment },
    })
  }
  for (let time = 0; time < 2; time++) {
    expect(run('minio-users.sh', [], environment)).toContain('tributary-daemon')
    expect(policiesOf('store_key')).toContain('tributary-daemon')
    expect(policiesOf('store_key')).not.toContain('tributary-gc')
    expect(policiesOf('sampler_key')).toContain('tributary-sampler')
    expect(policiesOf('sampler_key')).not.toContain('tributary-daemon')
  }
})

test('with-owner-keys.sh starts a program with the owner’s keys in the variables it reads', () => {
  const words = [
    'ROOT_ACCESS_KEY',
    'ROOT_SECRET_KEY',
    'sh',
    '-c',
    'echo $ROOT_ACCESS_KEY.$ROOT_SECRET_KEY',
  ]
  const printed = run('with-owner-keys.sh', words, {})
  const [key, secret] = ['store_owner_key', 'store_owner_secret'].map((name) =>
    readFileSync(join(secrets(), name), 'utf8'),
  )
  expect(printed.trim()).toBe(`${key}.${secret}`)
})
