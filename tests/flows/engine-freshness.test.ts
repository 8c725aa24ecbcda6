import { expect, test } from 'vitest'
import type { Clock, Project } from '../../engine/index.ts'
import { defineAsset, makePlan, materialize, sameKey } from '../../engine/index.ts'
import { engineProject, factChanges } from '../support/engine-project.ts'

const HOUR_MS = 3_600_000

test('time reaches a build as a bucket and in no other way', async () => {
  let nowMs = 10 * HOUR_MS
  const built: number[] = []
  const at = await engineProject({
    assets: [
      defineAsset({ kind: 'fact', name: 'word', dimensions: ['w'] }),
      defineAsset({
        kind: 'stored',
        name: 'total',
        dimensions: ['w'],
        recipe: '1',
        freshness: { everyMs: HOUR_MS },
        from: { word: sameKey },
        build: ({ inputs }) => {
          const bucket = inputs.one('freshness').value
          built.push(Number(bucket))
          return { parts: [], value: { bucket: bucket ?? null } }
        },
      }),
    ],
  })
  const clock: Clock = { nowMs: () => nowMs, elapsedMs: () => 0 }
  const project: Project = { ...at.project, clock }
  const call = { actor: { name: 'test', reason: 'freshness' }, command: 'test', concurrency: 1 }
  await materialize(project, { ...call, also: [factChanges({ 'word/a': 1 })] })
  nowMs += HOUR_MS - 1
  const same = await materialize(project, call)
  expect([built, same.run]).toEqual([[10], undefined])
  nowMs += 1
  const plan = await makePlan(project, call)
  expect(plan.steps.map(({ verdict, causes }) => [verdict, causes[0]?.asset])).toEqual([
    ['build', 'freshness'],
  ])
  await materialize(project, call)
  expect(built).toEqual([10, 11])
  await at.close()
})
