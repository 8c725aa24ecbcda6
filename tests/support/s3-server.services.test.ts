import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const CHILD = fileURLToPath(new URL('s3-server-child.ts', import.meta.url))

test('a server ends with the process that started it, even one that is killed', async () => {
  const child = spawn(process.execPath, [CHILD], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [said] = (await once(child.stdout, 'data')) as [Buffer]
  const endpoint = said.toString().trim()
  expect((await fetch(endpoint)).status).toBe(403)
  child.kill('SIGKILL')
  await once(child, 'exit')
  const isThere = async (): Promise<boolean> =>
    fetch(endpoint).then(
      () => true,
      () => false,
    )
  for (let polls = 0; polls < 200 && (await isThere()); polls++) {
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  expect(await isThere()).toBe(false)
})
