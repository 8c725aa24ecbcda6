/** Where a road's catalog and store lie, told to child processes through a file of its folder. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const FILE = '.place.json'
type Environment = Readonly<Record<string, string>>

/** Writes the environment that opens the road. */
export const placeRoad = (root: string, environment: Environment): void =>
  writeFileSync(join(root, FILE), JSON.stringify(environment))

/** The environment that opens the road; empty: all in its folder. */
export const environmentOf = (root: string): Environment =>
  existsSync(join(root, FILE))
    ? (JSON.parse(readFileSync(join(root, FILE), 'utf8')) as Environment)
    : {}
