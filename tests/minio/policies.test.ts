import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import matrix from '../../minio/policies/matrix.json' with { type: 'json' }
import { COMPONENTS, bucketPolicy, userPolicy } from '../../minio/policies.ts'

const PLACES = {
  store: { bucket: 'tributary', prefix: 'data' },
  inbox: { bucket: 'tributary-inbox', prefix: '' },
}
const EVERYBODY = Object.fromEntries(COMPONENTS.map((one) => [`key-of-${one}`, one]))

test('docs/stores.md shows the matrix as it is tried', () => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/stores.md'), 'utf8')
  const cells = (line: string): readonly string[] =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim())
  const lines = page.split('\n').map(cells)
  const head = lines.findIndex((row) => row.includes('gold_canonical'))
  expect(lines[head]?.slice(1)).toEqual(matrix.zones)
  const shown = lines.slice(head + 2, head + 2 + COMPONENTS.length)
  const wanted = Object.entries(matrix.allowed).map(
    ([component, zones]: [string, Readonly<Record<string, readonly string[]>>]) => [
      component,
      ...matrix.zones.map((zone) =>
        (zones[zone] ?? []).map((verb) => verb.charAt(0).toUpperCase()).join(''),
      ),
    ],
  )
  expect(shown).toEqual(wanted)
  expect(wanted.map(([component]) => component)).toEqual(COMPONENTS)
})

test('old versions belong to the owner: only the probe’s own may be removed by anybody else', () => {
  const purges = COMPONENTS.flatMap((component) =>
    userPolicy(component, PLACES)
      .Statement.filter(
        ({ Effect, Action }) => Effect === 'Allow' && Action.includes('s3:DeleteObjectVersion'),
      )
      .flatMap(({ Resource }) => Resource),
  )
  expect(purges).toEqual(['arn:aws:s3:::tributary/data/.tributary-probe/*'])
})

test('a submitter may write into its own folder of the inbox and read its own of the outbox', () => {
  const own = 'arn:aws:s3:::tributary-inbox/${aws:username}/*'
  expect(userPolicy('submitter', PLACES).Statement).toEqual([
    {
      Sid: 'Objects1',
      Effect: 'Allow',
      Action: ['s3:PutObject', 's3:AbortMultipartUpload'],
      Resource: [own],
    },
    {
      Sid: 'Objects2',
      Effect: 'Allow',
      Action: ['s3:GetObject'],
      Resource: ['arn:aws:s3:::tributary/data/outbox/${aws:username}/*'],
    },
    {
      Sid: 'List1',
      Effect: 'Allow',
      Action: ['s3:ListBucket'],
      Resource: ['arn:aws:s3:::tributary'],
      Condition: { StringLike: { 's3:prefix': ['data/outbox/${aws:username}/*'] } },
    },
  ])
  const { Statement } = bucketPolicy('tributary', { north: 'submitter' }, PLACES)
  expect(Statement.flatMap(({ Action, Resource }) => [...Action, ...Resource])).toEqual([
    's3:GetObject',
    'arn:aws:s3:::tributary/data/outbox/north/*',
    's3:ListBucket',
    'arn:aws:s3:::tributary',
  ])
})

test('a bucket’s policy for all components fits into a block of 4 KB, and speaks of that bucket only', () => {
  const policy = bucketPolicy('tributary', EVERYBODY, PLACES)
  expect(JSON.stringify(policy).length).toBeLessThan(3_500)
  const others = policy.Statement.flatMap(({ Resource }) => Resource).filter(
    (one) => one !== 'arn:aws:s3:::tributary' && !one.startsWith('arn:aws:s3:::tributary/'),
  )
  expect(others).toEqual([])
})
