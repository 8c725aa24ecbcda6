/** A secret that opens packages: commands say whether it is set, and none prints it. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { encounters, medicalFile } from '../support/deliveries.ts'
import { aesZipOf } from '../support/zip-aes.ts'
import { CliProject } from './cli-project.ts'

const SECRET = 'planted-secret-of-alpha'
const VARIABLE = 'TRIBUTARY_SECRET_ALPHA_2024'

let project: CliProject
beforeEach(async () => {
  project = await CliProject.create()
})
afterEach(() => {
  vi.unstubAllEnvs()
  project[Symbol.dispose]()
})

test('what waits says what to set, a sensor takes it in, and the secret is in no output', async () => {
  const refs = [{ id: 'alpha', state: 'MA', secret_refs: ['ALPHA_2024'] }]
  project.write('registry/submitters.json', JSON.stringify({ submitters: refs }))
  const { name, content } = medicalFile('2024-02', encounters('2024-02', 5, 'z'))
  const packed = aesZipOf({ [name]: content }, SECRET)
  project.deliver('alpha/shut', { name: name.replace(/csv$/, 'zip'), content: packed })
  const said: string[] = []
  const run = async (...argv: string[]): Promise<string> => {
    const { stdout, stderr } = await project.run(argv)
    said.push(stdout, stderr)
    return stdout
  }
  expect(await run('doctor')).toContain(`packages of alpha: ${VARIABLE} is not set`)
  await run('materialize')
  const id = await project.submission('alpha/shut')
  expect(await run('submissions', 'show', id)).toContain(`no secret is set; set ${VARIABLE}`)
  expect(await run('sensors', 'tick', 'secrets')).toContain('skipped')

  vi.stubEnv(VARIABLE, SECRET)
  expect(await run('doctor')).toContain(`${VARIABLE} is set`)
  await run('doctor', '--json')
  expect(await run('sensors', 'tick', 'secrets')).toMatch(/^secrets acted: \d+ to build/)
  await run('plan', '--json')
  await run('materialize', '--json')
  expect(await run('submissions', 'show', id)).toContain('VALIDATED')
  await run('findings', '--json')
  await run('sensors', 'logs', '--json')
  await run('registry', 'check')
  expect(said.join('')).not.toContain(SECRET)
})
