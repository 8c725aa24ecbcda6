/** A project's folder: the shipped registry, submitters of its own, an empty inbox. */
import { cpSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

export const REPOSITORY = new URL('../../', import.meta.url).pathname
const SHIPPED = ['registry', 'schemas', 'mappings']

export interface RoadFolder {
  /** id → state; default: alpha, beta and gamma of MA */
  readonly submitters?: Readonly<Record<string, string>>
  /** default 0: takes what is there */
  readonly quiescenceMinutes?: number
  /** what becomes of landed files; default: what the product does */
  readonly after?: 'delete' | 'keep'
  /** tributary.json's `samples` */
  readonly samples?: Readonly<Record<string, unknown>>
}

export function makeRoadFolder(root: string, options: RoadFolder): void {
  for (const folder of SHIPPED) {
    const isData = (path: string): boolean => !path.endsWith('.ts')
    cpSync(join(REPOSITORY, folder), join(root, folder), { recursive: true, filter: isData })
  }
  const states = options.submitters ?? { alpha: 'MA', beta: 'MA', gamma: 'MA' }
  const submitters = Object.entries(states).map(([id, state]) => ({ id, state }))
  writeJson(join(root, 'registry/submitters.json'), { submitters })
  mkdirSync(join(root, 'inbox'))
  const after = options.after === undefined ? {} : { after: options.after }
  const intake = { quiescence: `${options.quiescenceMinutes ?? 0}m`, ...after }
  const samples = options.samples === undefined ? {} : { samples: options.samples }
  writeJson(join(root, 'tributary.json'), { intake, ...samples })
}

export const writeJson = (path: string, document: unknown): void =>
  writeText(path, `${JSON.stringify(document, null, 2)}\n`)

export function writeText(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text)
}
